import HTTPTypes
import Model
import Postgres
import TestSupport
import Testing

@testable import AfterSalesService
@testable import EventLog

@Suite("Following a refund until it is through", .timeLimit(.minutes(5)))
struct RefundFollowUpTests {
    private let boss = Actor(role: .supervisor, id: "boss")

    @Test("A refund of which a person finds out that it is being paid is asked about until it is paid")
    func voidWhileProcessing() async throws {
        let channel = ScriptedChannel([.takeOnAndLoseAnswer])
        try await RefundBench.with(channel) { bench in
            try await bench.working {
                try await bench.awaitStatus(.unknown)
                try await bench.awaitPause()
                let cause = Cause(actor: boss, at: SystemWallClock().now(), trace: nil)
                let report = ChannelReport.processing(channelRefundID: "c")
                await #expect(throws: AfterSalesRefusal.channelKnowsRefund(report)) {
                    try await bench.voidRefund.examine(bench.refund.id, campus: bench.campus, cause)
                }
                #expect(try await bench.stored().status == .processing)
                channel.conclude(.succeeded(channelRefundID: "c"))
                try await bench.awaitStatus(.succeeded)
            }
            #expect(channel.submissions.count == 1)
        }
    }

    @Test("A refund that is taken on for the second time, after it was refused, is asked about again")
    func secondProcessing() async throws {
        let channel = ScriptedChannel([.takeOn, .takeOn])
        try await RefundBench.with(channel) { bench in
            try await bench.working {
                try await bench.awaitStatus(.processing)
                channel.conclude(.failed(code: "NOT_ENOUGH"))
                try await bench.awaitStatus(.failed)
                try await bench.retry()
                try await bench.awaitStatus(.processing)
                channel.conclude(.succeeded(channelRefundID: "c"))
                try await bench.awaitStatus(.succeeded)
            }
            #expect(Set(channel.submissions) == [bench.refund.outRefundNumber])
        }
    }

    @Test(
        "A refund that could not be paid out is asked about, seldom by itself and at once on request, until it is mended"
    )
    func abnormal() async throws {
        let channel = ScriptedChannel([.takeOn])
        try await RefundBench.with(channel) { bench in
            try await bench.working {
                try await bench.awaitStatus(.processing)
                channel.conclude(.abnormal(code: "USER_ACCOUNT_ABNORMAL"))
                try await bench.awaitStatus(.abnormal)
                let pause = try await bench.number(
                    "select extract(epoch from run_at - enqueued_at)::bigint from campus.after_sales_task"
                )
                #expect((290...300).contains(pause))

                // Not mended yet: asking once more changes nothing, and the next question comes later.
                let asked = channel.queries
                try await bench.retry()
                try await eventually("the channel was asked") { channel.queries > asked }
                try await eventually("the next question waits") {
                    try await bench.number(
                        "select count(*) from campus.after_sales_task where payload ->> 'number' = '2'"
                    ) == 1
                }
                try await bench.awaitPause()
                #expect(try await bench.stored().status == .abnormal)
                #expect(try await bench.remaining() == 0)

                channel.conclude(.succeeded(channelRefundID: "c"))
                try await bench.retry()
                try await bench.awaitStatus(.succeeded)
            }
        }
    }

    @Test("Asking for a refund once more revives its dead task, which had held up all later ones")
    func retryOfDeadTask() async throws {
        let channel = ScriptedChannel([.payAndLoseAnswer])
        try await RefundBench.with(channel) { bench in
            _ = try await bench.pool.transaction { session in
                try session.execute("update campus.after_sales_task set max_attempts = 1")
            }
            try await bench.working {
                try await eventually("the task is dead") {
                    try await bench.number("select count(*) from campus.after_sales_task_dead") == 1
                }
                #expect(try await bench.stored().status == .unknown)
                try await bench.retry()
                try await bench.awaitStatus(.succeeded)
            }
            #expect(try await bench.number("select count(*) from campus.after_sales_task_dead") == 0)
            #expect(channel.submissions.count == 1)
            #expect(channel.paid == [bench.order.payable])
            await #expect(throws: RefundRefusal.self) { try await bench.retry() }
        }
    }

    @Test("A case of which one refund was paid and one was not is decided anew about the rest")
    func partlyPaid() async throws {
        try await TestCampus.run { campus in
            var order = OrderFixture(minutesLate: 20)
            order.payments = [
                PaymentFixture(amount: 1_000, purpose: "partial"),
                PaymentFixture(transaction: "txn_SANDBOX-CLOSED_1", amount: order.payable - 1_000),
            ]
            try await order.insert(campus)
            let opened = try await campus.openCase(order.id, .late)
            let rest = order.payable - 1_000
            for round in 2...3 {
                try await campus.awaitCase(opened.id, "the case is a person's") { $0["status"] == "in_review" }
                try await eventually("the first refund is paid") {
                    try await campus.promised(order.id) == (0, 1_000)
                }
                let approve: JSON = ["verdict": "approved", "reasons": [["zh-CN": "再试一次", "en": "Once more"]]]
                let path = "/v1/desk/cases/\(opened.id)/decide"
                let decided = try await campus.send(.post, path, approve, as: "agent:kf_1")
                #expect(decided["approved_fen"] == .integer(order.payable))
                #expect(decided["refunds"]?.array?.count == round + 1)
                #expect(decided["refunds"]?.array?.last?["amount_fen"] == .integer(rest))
            }
            try await campus.awaitCase(opened.id, "the case is a person's") { $0["status"] == "in_review" }
            let reject: JSON = ["verdict": "rejected", "reasons": [["zh-CN": "已线下退款", "en": "Paid by hand"]]]
            let path = "/v1/desk/cases/\(opened.id)/decide"
            let rejected = try await campus.send(.post, path, reject, as: "agent:kf_1")
            #expect(rejected["status"] == "resolved")
            #expect(rejected.verdict == "partly_approved")
            #expect(rejected["approved_fen"] == 1_000)
            #expect(try await campus.promised(order.id) == (0, 1_000))
            #expect(
                try await campus.number("select count(distinct out_refund_no) from campus.refund") == 4
            )
        }
    }
}
