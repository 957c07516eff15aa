import Model
import Postgres
import TestSupport
import Testing

@testable import EventLog

/// One order of locks everywhere is what keeps transactions from waiting for each other in a circle: here it is looked at as such.
@Suite("Order of locks")
struct LockOrderTests {
    private let tasks = TaskStore(owner: .afterSales)
    private let once = TransactionOptions(retries: 0)

    /// Keeps `held` locked, has `operation` wait for it, and says of each of `rows` whether the operation holds it by then.
    private func isHeld(
        _ rows: [SQL],
        in database: TestDatabase,
        whileWaitingFor held: SQL,
        _ operation: @escaping @Sendable () async throws -> Void
    ) async throws -> [Bool] {
        let admin = try database.pool(size: 3)
        let locked = Wakeup()
        let isReleased = Flag()
        async let holding: Void = admin.transaction { session in
            #expect(try session.execute("\(held) for update") == 1)
            locked.raise()
            try session.stayOpen(until: isReleased)
        }
        _ = try await locked.wait(atMost: .seconds(10))
        async let operating: Void = operation()
        try await admin.waitForLockWaits()
        var answers: [Bool] = []
        for row in rows {
            let isFree = try await admin.transaction { try $0.execute("\(row) for update skip locked") == 1 }
            answers.append(!isFree)
        }
        isReleased.set()
        try await holding
        try await operating
        return answers
    }

    private enum Settlement: CaseIterable {
        case complete
        case putBack
        case giveBack
        case bury
    }

    @Test("A task's lane is locked before the task, however it is settled", arguments: Settlement.allCases)
    private func settling(_ settlement: Settlement) async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            let task = try await claimed(pool)
            let held = try await isHeld(
                ["select from campus.after_sales_task"],
                in: database,
                whileWaitingFor: "select from campus.after_sales_lane"
            ) {
                try await pool.transaction(once) { session in
                    switch settlement {
                    case .complete: try tasks.complete(task, in: session)
                    case .putBack: try tasks.putBack(task, after: .zero, reason: "x", in: session)
                    case .giveBack: try tasks.giveBack(task, after: .zero, in: session)
                    case .bury: try tasks.bury(task, reason: "x", in: session)
                    }
                }
            }
            #expect(held == [false])
        }
    }

    @Test("A dead task's lane is locked before the task", arguments: [true, false])
    func dead(isReplayed: Bool) async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            let task = try await claimed(pool)
            try await pool.transaction { try tasks.bury(task, reason: "x", in: $0) }
            let held = try await isHeld(
                ["select from campus.after_sales_task_dead"],
                in: database,
                whileWaitingFor: "select from campus.after_sales_lane"
            ) {
                try await pool.transaction(once) { session in
                    _ =
                        isReplayed
                        ? try tasks.replay(id: task.id, in: session) : try tasks.discard(id: task.id, in: session)
                }
            }
            #expect(held == [false])
        }
    }

    private func claimed(_ pool: ConnectionPool) async throws -> LeasedTask {
        let new = NewTask(
            queue: "refund",
            destination: "wechat",
            orderKey: "o",
            dedupeKey: "a",
            campus: exampleCampus,
            payload: .null,
            holdsLaneWhenDead: true
        )
        let request = ClaimRequest(
            queue: "refund",
            worker: "w",
            lease: .seconds(30),
            limit: 1,
            limitPerDestination: 1,
            limitPerCampus: nil,
            inHand: [],
            after: ""
        )
        let claimed = try await pool.transaction { session in
            try tasks.enqueue([new], in: session)
            return try tasks.claim(request, in: session)
        }
        return try #require(claimed.first)
    }

    @Test("Timers are locked by subject")
    func timers() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            let store = TimerStore(owner: .orders)
            let subjects = (0..<3).map { AnyID(high: 1, low: $0) }
            try await pool.transaction { session in
                try store.arm(
                    subjects.map {
                        NewTimer(kind: "k", subject: $0, campus: exampleCampus, dueAt: SystemWallClock().now())
                    },
                    in: session
                )
            }
            func row(_ subject: AnyID) -> SQL { "select from campus.orders_timer where subject_id = \(subject)" }
            let held = try await isHeld(
                [row(subjects[0]), row(subjects[2])],
                in: database,
                whileWaitingFor: row(subjects[1])
            ) {
                try await pool.transaction(once) { _ = try store.cancelAll(subjects: subjects.reversed(), in: $0) }
            }
            #expect(held == [true, false])
        }
    }

    @Test("Cursors are locked by shard")
    func cursors() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .notifyService)
            let store = CursorStore(consumer: "c", member: "m", owner: .notifications, lease: .seconds(60))
            let cursors = try await pool.transaction { session in
                try store.register([.orders], start: .oldest, in: session)
                return try store.acquire(atMost: Shard.count, in: session)
            }
            func row(_ shard: Int16) -> SQL { "select from campus.notifications_cursor where shard = \(shard)" }
            let held = try await isHeld([row(0), row(4), row(6), row(15)], in: database, whileWaitingFor: row(5)) {
                try await pool.transaction(once) { try store.lock(cursors.shuffled(), in: $0) }
            }
            #expect(held == [true, true, false, false])
        }
    }
}
