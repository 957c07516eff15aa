import Model
import Testing

@testable import AfterSalesService

@Suite("What is made of the platform's reports")
struct RefundJudgementTests {
    private static let reports: [ChannelReport] = [
        .processing(channelRefundID: nil), .processing(channelRefundID: "c2"), .succeeded(channelRefundID: nil),
        .succeeded(channelRefundID: "c1"), .succeeded(channelRefundID: "c2"), .failed(code: "F"), .failed(code: "G"),
        .abnormal(code: "A"),
    ]

    private func judge(
        _ status: RefundStatus,
        _ report: ChannelReport,
        code: String? = nil,
        answering request: Int64? = nil,
        lastRequest: Int64 = 2
    ) -> ReportOutcome {
        let refund = Examples.makeRefund(status: status, channel: .delegated, code: code, channelRefundID: "c1")
        let result = RefundResult(report: report, amount: nil, destination: nil, request: request, at: Examples.now)
        return refund.judgement(of: result, lastRequest: lastRequest)
    }

    @Test("A report that is taken is one that the refund's states allow, and no end is ever left", arguments: reports)
    func taken(report: ChannelReport) throws {
        for status in RefundStatus.allCases where status != .created {
            let outcome = judge(status, report)
            #expect(!outcome.isTaken || status.allows(.report), "\(status)")
            #expect(!outcome.isTaken || !status.isFinal, "\(status)")
            #expect((outcome == .late) == (status == .unknown), "\(status)")
        }
    }

    @Test("Money that is back stays back")
    func succeeded() {
        #expect(judge(.succeeded, .succeeded(channelRefundID: nil)) == .repeated)
        #expect(judge(.succeeded, .succeeded(channelRefundID: "c1")) == .repeated)
        // Two payments under one number.
        #expect(judge(.succeeded, .succeeded(channelRefundID: "c2")) == .contradictory)
        #expect(judge(.succeeded, .processing(channelRefundID: nil)) == .outdated)
        #expect(judge(.succeeded, .failed(code: "F")) == .contradictory)
        #expect(judge(.succeeded, .abnormal(code: "A")) == .contradictory)
    }

    @Test("Money that was released stays released, and whatever moves it is contradictory")
    func closed() {
        #expect(judge(.closed, .failed(code: "F")) == .repeated)
        #expect(judge(.closed, .succeeded(channelRefundID: "c1")) == .contradictory)
        #expect(judge(.closed, .processing(channelRefundID: nil)) == .contradictory)
        #expect(judge(.closed, .abnormal(code: "A")) == .contradictory)
    }

    @Test("What says nothing new is a repetition; what says more is taken")
    func repeated() {
        #expect(judge(.processing, .processing(channelRefundID: nil)) == .repeated)
        #expect(judge(.processing, .processing(channelRefundID: "c2")) == .taken)
        #expect(judge(.failed, .failed(code: "F"), code: "F") == .repeated)
        #expect(judge(.failed, .failed(code: "G"), code: "F") == .taken)
        #expect(judge(.abnormal, .abnormal(code: "A"), code: "A") == .repeated)
        #expect(judge(.failed, .succeeded(channelRefundID: nil), code: "F") == .taken)
    }

    @Test("A refusal of an earlier request is outdated; that money moved never is")
    func outdated() {
        #expect(judge(.submitting, .failed(code: "F"), answering: 2, lastRequest: 4) == .outdated)
        #expect(judge(.submitting, .failed(code: "F"), answering: 4, lastRequest: 4) == .taken)
        #expect(judge(.submitting, .failed(code: "F"), lastRequest: 4) == .taken)
        #expect(judge(.submitting, .succeeded(channelRefundID: nil), answering: 2, lastRequest: 4) == .taken)
        #expect(judge(.unknown, .processing(channelRefundID: nil), answering: 2, lastRequest: 4) == .outdated)
    }
}
