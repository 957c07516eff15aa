import Logging
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import AfterSalesService
@testable import EventLog

@Suite("Executing refunds", .timeLimit(.minutes(5)))
struct RefundExecutionTests {
    @Test("A crash between paying and recording is mended by asking, under the same number")
    func crash() async throws {
        let channel = ScriptedChannel([.payAndNeverAnswer])
        try await RefundBench.with(channel) { bench in
            let attempt = Task { try await bench.execute.perform(bench.task) }
            try await eventually("the channel paid") { channel.paid.count == 1 }
            attempt.cancel()
            _ = try? await attempt.value
            #expect(try await bench.stored().status == .submitting)

            _ = try await bench.execute.perform(bench.task)
            let refund = try await bench.stored()
            #expect(refund.status == .succeeded)
            #expect(channel.submissions == [bench.refund.outRefundNumber])
            #expect(channel.queries == 1)
            #expect(channel.paid == [bench.order.payable])
        }
    }

    @Test("A crash before the request went out sends it once, under the same number")
    func crashBeforeSending() async throws {
        let channel = ScriptedChannel([.loseRequest])
        try await RefundBench.with(channel) { bench in
            _ = try await bench.execute.perform(bench.task)
            #expect(try await bench.stored().status == .unknown)
            #expect(try await bench.remaining() == 0)
            _ = try await bench.execute.perform(bench.task)
            #expect(try await bench.stored().status == .succeeded)
            let number = bench.refund.outRefundNumber
            #expect(channel.submissions == [number, number])
            #expect(channel.paid == [bench.order.payable])
        }
    }

    @Test("While the channel is silent the refund stays unknown and reserved, however long it takes")
    func silence() async throws {
        let channel = ScriptedChannel([.payAndLoseAnswer])
        try await RefundBench.with(channel) { bench in
            _ = try await bench.execute.perform(bench.task)
            channel.isSilent = true
            for _ in 0..<3 {
                await #expect(throws: ChannelAway.self) { try await bench.execute.perform(bench.task) }
                #expect(try await bench.stored().status == .unknown)
                #expect(try await bench.remaining() == 0)
            }
            channel.isSilent = false
            _ = try await bench.execute.perform(bench.task)
            #expect(try await bench.stored().status == .succeeded)
            _ = try await bench.execute.perform(bench.task)
            #expect(channel.submissions.count == 1)
            let entries: Int64 = try await bench.pool.transaction { session in
                try session.one("select count(*) from campus.ledger_entry") { row in try row[0] }
            }
            #expect(entries == 2)
        }
    }

    @Test("An unknown refund is given up only after its request cannot arrive any more and the channel knows nothing")
    func voiding() async throws {
        let channel = ScriptedChannel([.loseRequest])
        try await RefundBench.with(channel, requestLifetime: .seconds(60)) { bench in
            _ = try await bench.execute.perform(bench.task)
            let campus = bench.campus
            let boss = Actor(role: .supervisor, id: "boss")
            let soon = Cause(actor: boss, at: SystemWallClock().now(), trace: nil)
            await #expect {
                try await bench.voidRefund.examine(bench.refund.id, campus: campus, soon)
            } throws: { error in
                if case AfterSalesRefusal.tooEarlyToVoid = error { true } else { false }
            }
            channel.isSilent = true
            let later = Cause(actor: boss, at: SystemWallClock().now() + .seconds(120), trace: nil)
            await #expect(throws: AfterSalesRefusal.channelSilent) {
                try await bench.voidRefund.examine(bench.refund.id, campus: campus, later)
            }
            channel.isSilent = false
            let examined = try await bench.voidRefund.examine(bench.refund.id, campus: campus, later)

            // A submission that begins after the channel was asked is the fence: nothing is given up then.
            let submitted = try await bench.pool.transaction { session in
                let locked = try #require(
                    try bench.move.lock(
                        bench.refund.id,
                        of: bench.order.id,
                        campus: bench.campus.id,
                        for: .submit,
                        in: session
                    )
                )
                return try bench.move(locked, .submit, on: campus, later, in: session)
            }
            await #expect(throws: AfterSalesRefusal.refundMoved) {
                try await bench.pool.transaction {
                    try bench.voidRefund.conclude(examined, campus: campus, later, in: $0)
                }
            }
            #expect(try await bench.remaining() == 0)
            _ = try await bench.pool.transaction { try bench.move(submitted, .loseAnswer, on: campus, later, in: $0) }

            let latest = Cause(actor: boss, at: later.at + .seconds(120), trace: nil)
            let again = try await bench.voidRefund.examine(bench.refund.id, campus: campus, latest)
            let closed = try await bench.pool.transaction {
                try bench.voidRefund.conclude(again, campus: campus, latest, in: $0)
            }
            #expect(closed.status == .closed)
            #expect(try await bench.remaining() == bench.order.payable)

            // A submission that comes too late finds it closed and sends nothing.
            let sent = channel.submissions.count
            _ = try await bench.execute.perform(bench.task)
            #expect(channel.submissions.count == sent)
        }
    }

    @Test("Workers that race for one refund pay it once")
    func race() async throws {
        let channel = ScriptedChannel([])
        try await RefundBench.with(channel) { bench in
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<8 { group.addTask { _ = try? await bench.execute.perform(bench.task) } }
            }
            _ = try? await bench.execute.perform(bench.task)
            #expect(try await bench.stored().status == .succeeded)
            #expect(Set(channel.submissions) == [bench.refund.outRefundNumber])
            #expect(channel.paid == [bench.order.payable])
            let settled: Int64 = try await bench.pool.transaction { session in
                try session.one(
                    "select refunded_fen from campus.refundable where order_id = \(bench.order.id) and item = 'whole'"
                ) { row in try row[0] }
            }
            #expect(settled == bench.order.payable)
        }
    }

    @Test("A refund whose campus has no such channel waits as though nothing had begun, because nothing was sent")
    func channelMissing() async throws {
        let channel = ScriptedChannel([])
        try await RefundBench.with(channel) { bench in
            for channels in [RefundChannels([:]), RefundChannels([.alipay: channel])] {
                let directory = CampusDirectory(pool: bench.pool, clock: SystemWallClock(), logger: .silent)
                let execute = ExecuteRefund(
                    pool: bench.pool,
                    directory: directory,
                    channels: channels,
                    clock: SystemWallClock(),
                    logger: .silent
                )
                await #expect(throws: ChannelMissing.self) { try await execute.perform(bench.task) }
                #expect(try await bench.stored() == bench.refund)
            }
            _ = try await bench.execute.perform(bench.task)
            #expect(try await bench.stored().status == .succeeded)
        }
    }

    @Test("The sandbox is no channel of a campus whose money is real")
    func sandboxOnLiveCampus() {
        let channels = RefundChannels([.sandbox: ScriptedChannel([]), .alipay: ScriptedChannel([])])
        let payments = [PaymentChannel.sandbox, .alipay, .wechat].map(Examples.makePayment)
        #expect(channels.unavailable(for: payments, on: Examples.makeCampus(isTest: true)) == [.wechat])
        let live = Examples.makeCampus(isTest: false)
        #expect(channels.unavailable(for: payments, on: live) == [.sandbox, .wechat])
        #expect(channels[.sandbox, on: live] == nil)
    }
}
