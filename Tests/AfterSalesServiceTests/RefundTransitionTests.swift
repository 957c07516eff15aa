import Model
import Testing

@testable import AfterSalesService

@Suite("Transitions of a refund")
struct RefundTransitionTests {
    private static let steps: [RefundStep] = [
        .submit, .loseAnswer, .void, .report(.processing(channelRefundID: "c")),
        .report(.succeeded(channelRefundID: "c")),
        .report(.failed(code: "F")), .report(.abnormal(code: "A")), .report(.closed(code: "C")),
    ]

    /// Where each step leads from each state; a pair that is missing is refused.
    private static func target(_ status: RefundStatus, _ step: RefundStep) -> RefundStatus? {
        switch (status, step) {
        case (.created, .submit), (.failed, .submit), (.unknown, .submit), (.submitting, .submit): .submitting
        case (.submitting, .loseAnswer), (.processing, .loseAnswer): .unknown
        case (.created, .void), (.failed, .void), (.unknown, .void): .closed
        case (.submitting, .report(let report)), (.processing, .report(let report)), (.unknown, .report(let report)),
            (.failed, .report(let report)), (.abnormal, .report(let report)):
            report.status
        default: nil
        }
    }

    @Test("Every step in every state leads where it must or is refused", arguments: RefundStatus.allCases)
    func exhaustive(status: RefundStatus) {
        let refund = Examples.makeRefund(status: status)
        for step in Self.steps {
            let expected = Self.target(status, step)
            do {
                let (next, effect) = try refund.applying(step, at: Examples.now)
                #expect(next.status == expected, "\(step.name) in \(status)")
                #expect(next.outRefundNumber == refund.outRefundNumber)
                #expect(next.settledAt != nil || !next.status.isFinal)
                let releases = next.status == .closed
                let settles = next.status == .succeeded
                #expect(effect == (releases ? .releases : settles ? .settles : .keeps))
            } catch {
                #expect(expected == nil, "\(step.name) in \(status)")
                #expect(!error.allowed.contains(step.name))
            }
        }
    }

    @Test("A report that says nothing new changes nothing")
    func repeatedReport() throws {
        let refund = Examples.makeRefund(status: .processing, channelRefundID: "c")
        let (next, effect) = try refund.applying(.report(.processing(channelRefundID: "c")), at: Examples.now)
        #expect(next == refund)
        #expect(effect == .keeps)
    }

    @Test("A refund's number fits every channel and follows from its id alone")
    func number() {
        let refund = Examples.makeRefund(status: .created)
        #expect(refund.outRefundNumber.utf8.count == 33)
        #expect(refund.outRefundNumber.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
        #expect(Examples.makeRefund(status: .failed).outRefundNumber == refund.outRefundNumber)
    }
}
