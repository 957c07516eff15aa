import Model
import Testing

@testable import AfterSalesService

@Suite("Transitions of a case")
struct CaseTransitionTests {
    private static let undecided: Set<CaseStatus> = [
        .opened, .awaitingEvidence, .awaitingMerchant, .inReview, .awaitingConfirmation, .appealed, .arbitration,
    ]

    /// The states in which each command means something; in all others it is refused.
    private static let legal: [CaseCommandName: Set<CaseStatus>] = [
        .decide: undecided,
        .claim: [.inReview, .appealed, .arbitration],
        .transfer: [.inReview, .appealed, .arbitration],
        .resolve: [.approved, .executing],
        .reopen: [.executing],
        .close: [.resolved],
        .withdraw: undecided.subtracting([.appealed, .arbitration]),
        .comment: Set(CaseStatus.allCases).subtracting([.closed, .withdrawn]),
        .urge: undecided,
    ]

    private static let deadlines = CaseDeadlines(
        reviewDueAt: Examples.now + .seconds(1_200),
        decisionDueAt: Examples.now + .seconds(90_000)
    )

    private static let commands: [CaseCommand] = [
        .decide(.approved, approved: Money(fen: 5), refunds: true, reasons: []),
        .decide(.approved, approved: .zero, refunds: false, reasons: []),
        .decide(.rejected, approved: .zero, refunds: false, reasons: []),
        .decide(.inReview, approved: .zero, refunds: false, reasons: []),
        .attach(to: CaseID(high: 1, low: 2), approved: Money(fen: 5), reasons: []),
        .claim(handler: "kf_1"), .transfer(handler: "kf_2"), .resolve(returnedCoupons: []), .reopen(deadlines), .close,
        .withdraw, .comment, .urge,
    ]

    @Test(
        "Every command in every state is either legal or refused with what is allowed",
        arguments: CaseStatus.allCases
    )
    func exhaustive(status: CaseStatus) throws {
        let subject = Examples.makeCase(status: status)
        for command in Self.commands {
            let isLegal = try #require(Self.legal[command.name]).contains(status)
            do {
                let (next, _) = try subject.applying(command, at: Examples.now)
                #expect(isLegal, "\(command.name) in \(status)")
                #expect(next.version == subject.version + 1)
                #expect(next.updatedAt == Examples.now)
            } catch {
                #expect(!isLegal, "\(command.name) in \(status)")
                #expect(error.status == status)
                #expect(error.command == command.name)
                #expect(!error.allowed.contains(command.name))
            }
        }
    }

    @Test("An approval with money executes, one without is only approved, a refusal ends")
    func verdicts() throws {
        let subject = Examples.makeCase(status: .opened)
        let paid = try subject.applying(
            .decide(.approved, approved: Money(fen: 5), refunds: true, reasons: []),
            at: Examples.now
        )
        #expect(paid.0.status == .executing)
        #expect(paid.0.approved == Money(fen: 5))
        let free = try subject.applying(
            .decide(.approved, approved: .zero, refunds: false, reasons: []),
            at: Examples.now
        )
        #expect(free.0.status == .approved)
        let refused = try subject.applying(
            .decide(.rejected, approved: .zero, refunds: false, reasons: []),
            at: Examples.now
        )
        #expect(refused.0.status == .rejected)
        #expect(refused.0.decidedAt == Examples.now)
        let referred = try subject.applying(
            .decide(.inReview, approved: .zero, refunds: false, reasons: []),
            at: Examples.now
        )
        #expect(referred.0.status == .inReview)
        #expect(referred.0.decidedAt == nil)
    }

    @Test("A case that is reopened is due anew, and keeps its place in the queue")
    func reopening() throws {
        let subject = Examples.makeCase(status: .executing)
        let (reopened, _) = try subject.applying(.reopen(Self.deadlines), at: Examples.now)
        #expect(reopened.status == .inReview)
        #expect(reopened.reviewDueAt == Self.deadlines.reviewDueAt)
        #expect(reopened.decisionDueAt == Self.deadlines.decisionDueAt)
        #expect(reopened.priorityAt == subject.priorityAt)
    }

    @Test("Urging moves a case forward in the queue")
    func urging() throws {
        let subject = Examples.makeCase(status: .inReview)
        let (urged, _) = try subject.applying(.urge, at: Examples.now)
        #expect(urged.priorityAt == subject.priorityAt - AfterSalesCase.urgeHeadStart)
        #expect(urged.urged == 1)
    }
}
