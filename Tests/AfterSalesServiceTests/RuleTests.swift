import Model
import Testing

@testable import AfterSalesService

@Suite("Rules of judgement")
struct RuleTests {
    private let threshold = Duration.seconds(900)

    @Test(
        "Every decision tries every rule, and says why to the customer in both languages",
        arguments: CaseReason.allCases
    )
    func everythingIsRecorded(reason: CaseReason) {
        let judgement = Judgement.of(Examples.makeInputs(reason: reason))
        #expect(judgement.rules.map(\.name) == Rule.refund.map(\.name))
        #expect(!judgement.reasons.isEmpty)
        #expect(judgement.reasons.allSatisfy { !$0.zhCN.isEmpty && !$0.en.isEmpty })
    }

    @Test("Late counts from the threshold on, delivered or not", arguments: [(899, false), (900, true), (5_000, true)])
    func late(seconds: Int64, isOwed: Bool) {
        var undelivered = Examples.makeInputs(reason: .late)
        undelivered.now = undelivered.promisedAt + .seconds(seconds)
        #expect(Judgement.of(undelivered).verdict == (isOwed ? .approved : .inReview))

        var delivered = Examples.makeInputs(reason: .late)
        delivered.orderStatus = .delivered
        delivered.deliveredAt = delivered.promisedAt + .seconds(seconds)
        delivered.handover = .door
        delivered.now = delivered.promisedAt + .seconds(50_000)
        #expect(Judgement.of(delivered).verdict == (isOwed ? .approved : .inReview))
    }

    @Test("Not delivered is owed once overdue, never against a recorded handover")
    func notDelivered() {
        var inputs = Examples.makeInputs(reason: .notDelivered)
        #expect(Judgement.of(inputs).verdict == .inReview)
        inputs.now = inputs.promisedAt + threshold
        #expect(Judgement.of(inputs).verdict == .approved)
        inputs.deliveredAt = inputs.promisedAt
        inputs.orderStatus = .delivered
        inputs.handover = .locker
        #expect(Judgement.of(inputs).verdict == .inReview)
    }

    @Test("Cancelled before acceptance is owed, whatever the reason given; afterwards it is not")
    func cancelled() {
        var inputs = Examples.makeInputs(reason: .changedMind)
        inputs.orderStatus = .cancelled
        inputs.cancelledAt = inputs.now
        #expect(Judgement.of(inputs).verdict == .inReview)
        inputs.acceptedAt = nil
        #expect(Judgement.of(inputs).verdict == .approved)
    }

    @Test("Money that the order has no use for is owed as long as some of it is not promised, after one payment too")
    func surplus() {
        var inputs = Examples.makeInputs(reason: .duplicateCharge)
        #expect(Judgement.of(inputs).verdict == .inReview)
        inputs.surplusLeft = Money(fen: 1)
        #expect(Judgement.of(inputs).verdict == .approved)
        #expect(Judgement.of(inputs).reasons == [.paidForNothing])
        inputs.payments = 2
        #expect(Judgement.of(inputs).reasons == [.paidTwice])
        inputs.surplusLeft = .zero
        #expect(Judgement.of(inputs).verdict == .inReview)
    }

    @Test("What a person refused before no rule grants")
    func refusedBefore() {
        var inputs = Examples.makeInputs(reason: .late)
        inputs.now = inputs.promisedAt + .seconds(5_000)
        #expect(Judgement.of(inputs).verdict == .approved)
        inputs.refusedBefore = [.line(1)]
        let judgement = Judgement.of(inputs)
        #expect(judgement.verdict == .inReview)
        #expect(judgement.reasons.first == .refusedBefore)
        #expect(inputs.json["refused_before"] == ["line:1"])
    }

    @Test("A customer is told by when a person looks, on the campus's clocks")
    func reviewDue() {
        let reasons = Judgement.of(Examples.makeInputs(reason: .quality)).reasons
        #expect(reasons.last?.zhCN == "客服会在3月1日12:10前查看。")
        #expect(reasons.last?.en == "A person will look at it by 12:10 on 1 March.")
    }

    @Test(
        "What no rule knows goes to a person",
        arguments: [CaseReason.quality, .spilled, .illness, .changedMind, .other]
    )
    func others(reason: CaseReason) {
        var inputs = Examples.makeInputs(reason: reason)
        inputs.now = inputs.promisedAt + .seconds(50_000)
        #expect(Judgement.of(inputs).verdict == .inReview)
    }

    @Test("A channel that is not there, or a claim long after delivery, outweighs every approval")
    func eligibility() {
        var inputs = Examples.makeInputs(reason: .late)
        inputs.now = inputs.promisedAt + .seconds(5_000)
        inputs.unavailableChannels = [.wechat]
        #expect(Judgement.of(inputs).verdict == .inReview)
        inputs.unavailableChannels = []
        #expect(Judgement.of(inputs).verdict == .approved)
        inputs.deliveredAt = inputs.promisedAt + .seconds(5_000)
        inputs.now = inputs.promisedAt + .seconds(8 * 86_400)
        #expect(Judgement.of(inputs).verdict == .inReview)
        inputs.due = .cancelled
        #expect(Judgement.of(inputs).verdict == .approved)
    }
    @Test("What speaks against deciding by rule adds up, and each part of it is on record")
    func risk() {
        var inputs = Examples.makeInputs(reason: .late)
        inputs.now = inputs.promisedAt + .seconds(5_000)
        func names() -> [String] { Risk(inputs).contributions.map(\.name) }
        #expect(names() == [] && Judgement.of(inputs).verdict == .approved)
        inputs.accountAgeDays = 6
        #expect(names() == ["new_account"] && Judgement.of(inputs).verdict == .approved)
        inputs.requested = inputs.largeClaim
        #expect(names() == ["new_account", "large_claim"] && Risk(inputs).score == Risk.limit)
        let judgement = Judgement.of(inputs)
        #expect(judgement.verdict == .inReview && judgement.reasons.first == .closerLook)
        #expect(judgement.rules.first { $0.stage == .risk }?.finding.inputs["score"] == 100)
        inputs.accountAgeDays = 7
        #expect(names() == ["large_claim"] && Judgement.of(inputs).verdict == .approved)
        inputs.accountAgeDays = 0
        inputs.due = .cancelled
        #expect(names() == [] && Judgement.of(inputs).verdict == .approved)
    }
}
