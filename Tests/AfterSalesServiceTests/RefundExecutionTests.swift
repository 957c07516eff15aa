import Logging
import Model
import Postgres
import ServiceKit
import Synchronization
import TestSupport
import Testing

@testable import AfterSalesService
@testable import EventLog

/// A channel that does as it is told, and keeps its book in memory.
private final class ScriptedChannel: RefundChannel {
    enum Behaviour: Sendable {
        case accept
        case payAndNeverAnswer
        case payAndLoseAnswer
        case loseRequest
    }

    private struct State {
        var script: [Behaviour]
        var submissions: [String] = []
        var paid: [String: Int64] = [:]
        var queries = 0
        var isSilent = false
    }

    private let state: Mutex<State>

    init(_ script: [Behaviour]) {
        state = Mutex(State(script: script))
    }

    var submissions: [String] { state.withLock { $0.submissions } }
    var paid: [Int64] { state.withLock { Array($0.paid.values) } }
    var queries: Int { state.withLock { $0.queries } }
    var isSilent: Bool {
        get { state.withLock { $0.isSilent } }
        set { state.withLock { $0.isSilent = newValue } }
    }

    func submit(_ instruction: RefundInstruction) async throws -> ChannelReport {
        let behaviour = state.withLock { state -> Behaviour in
            let behaviour = state.script.isEmpty ? .accept : state.script.removeFirst()
            state.submissions.append(instruction.outRefundNumber)
            if case .loseRequest = behaviour { return behaviour }
            state.paid[instruction.outRefundNumber] = instruction.amount.fen
            return behaviour
        }
        switch behaviour {
        case .accept: return .succeeded(channelRefundID: "c")
        case .payAndNeverAnswer:
            try await Task.sleep(for: .seconds(3_600))
            throw ChannelAway()
        case .payAndLoseAnswer, .loseRequest: throw ChannelAway()
        }
    }

    func query(_ instruction: RefundInstruction) async throws -> ChannelReport? {
        try state.withLock { state in
            state.queries += 1
            guard !state.isSilent else { throw ChannelAway() }
            return state.paid[instruction.outRefundNumber].map { _ in .succeeded(channelRefundID: "c") }
        }
    }
}

private struct ChannelAway: Error {}

@Suite("Executing refunds", .timeLimit(.minutes(2)))
struct RefundExecutionTests {
    /// A campus with one refund decided, its task and a worker's hands to do it.
    private struct Bench {
        let pool: ConnectionPool
        let campus: CampusID
        let order: OrderFixture
        let refund: Refund
        let task: LeasedTask
        let execute: ExecuteRefund
        let voidRefund: VoidRefund
        let move = MoveRefund()

        func stored() async throws -> Refund {
            let found = try await pool.transaction { session in
                try RefundStore().find(refund.id, campus: campus, in: session)
            }
            return try #require(found)
        }

        func remaining() async throws -> Int64 {
            try await pool.transaction { session in
                try session.one(
                    """
                    select (paid_fen - reserved_fen - refunded_fen) as left from campus.refundable
                    where order_id = \(order.id) and item = 'whole'
                    """
                ) { row in try row["left"] }
            }
        }
    }

    private func withBench(
        _ channel: ScriptedChannel,
        requestLifetime: Duration = .zero,
        _ body: @Sendable (Bench) async throws -> Void
    ) async throws {
        try await withDatabase { database in
            let owner = try database.pool(as: .superuser, size: 2)
            let pool = try database.pool(as: .afterSalesService, size: 4)
            let id = try await TestCampus.insertCampus(owner, isTest: false)
            let order = OrderFixture(minutesLate: 20)
            try await order.insert(id, try database.pool(as: .orderService, size: 1))
            let directory = CampusDirectory(pool: pool, clock: SystemWallClock(), logger: .silent)
            let campus = try #require(try await directory.campus(id))
            let channels = RefundChannels([.sandbox: channel])
            let customer = Principal(campus: id, actor: Actor(role: .customer, id: "stu_1"))
            let request = OpenCase.Request(
                orderID: order.id,
                kind: .refund,
                reason: .late,
                scope: .wholeOrder,
                description: nil,
                source: "app"
            )
            let cause = Cause(actor: customer.actor, at: SystemWallClock().now(), trace: nil)
            let file = try await pool.transaction { session in
                try OpenCase(channels: channels)(request, by: customer, campus: campus, cause, in: session)
            }
            let refund = try #require(file.refunds.first)
            let payload: JSON = try await pool.transaction { session in
                try session.one("select payload from campus.after_sales_task") { row in try row["payload"] }
            }
            let task = LeasedTask(
                id: 1,
                queue: RefundTask.queue,
                destination: "sandbox",
                orderKey: refund.id.description,
                dedupeKey: "test",
                campus: id,
                payload: payload,
                attempt: 1,
                maxAttempts: 10,
                firstEnqueuedAt: cause.at,
                trace: nil,
                claim: 1,
                lane: "key:\(refund.id)",
                holdsLaneWhenDead: true
            )
            let execute = ExecuteRefund(
                pool: pool,
                directory: directory,
                channels: channels,
                clock: SystemWallClock(),
                logger: .silent
            )
            let voidRefund = VoidRefund(pool: pool, channels: channels, requestLifetime: requestLifetime)
            try await body(
                Bench(
                    pool: pool,
                    campus: id,
                    order: order,
                    refund: refund,
                    task: task,
                    execute: execute,
                    voidRefund: voidRefund
                )
            )
        }
    }

    @Test("A crash between paying and recording is mended by asking, under the same number")
    func crash() async throws {
        let channel = ScriptedChannel([.payAndNeverAnswer])
        try await withBench(channel) { bench in
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
        try await withBench(channel) { bench in
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
        try await withBench(channel) { bench in
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
        try await withBench(channel, requestLifetime: .seconds(60)) { bench in
            _ = try await bench.execute.perform(bench.task)
            let directory = CampusDirectory(pool: bench.pool, clock: SystemWallClock(), logger: .silent)
            let campus = try #require(try await directory.campus(bench.campus))
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
                    try bench.move.lock(bench.refund.id, of: bench.order.id, campus: bench.campus, in: session)
                )
                return try bench.move(locked, .submit, later, in: session)
            }
            await #expect(throws: AfterSalesRefusal.refundMoved) {
                try await bench.pool.transaction { try bench.voidRefund.conclude(examined, later, in: $0) }
            }
            #expect(try await bench.remaining() == 0)
            _ = try await bench.pool.transaction { try bench.move(submitted, .loseAnswer, later, in: $0) }

            let latest = Cause(actor: boss, at: later.at + .seconds(120), trace: nil)
            let again = try await bench.voidRefund.examine(bench.refund.id, campus: campus, latest)
            let closed = try await bench.pool.transaction { try bench.voidRefund.conclude(again, latest, in: $0) }
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
        try await withBench(channel) { bench in
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
}
