import Model
import Postgres
import TestSupport
import Testing

@testable import EventLog

@Suite("Tasks that wait")
struct WaitingTaskTests {
    private let store = TaskStore(owner: .afterSales)

    private func task(_ key: String, order: String, runAt: Timestamp? = nil, holds: Bool = false) -> NewTask {
        NewTask(
            queue: "refund",
            destination: "wechat",
            orderKey: order,
            dedupeKey: key,
            campus: exampleCampus,
            payload: [:],
            runAt: runAt,
            maxAttempts: 1,
            holdsLaneWhenDead: holds
        )
    }

    private func claim(_ pool: ConnectionPool) async throws -> [LeasedTask] {
        let request = ClaimRequest(
            queue: "refund",
            worker: "w",
            lease: .seconds(30),
            limit: 10,
            limitPerDestination: 10,
            limitPerCampus: nil,
            inHand: [],
            after: ""
        )
        return try await pool.transaction { try store.claim(request, in: $0) }
    }

    private func hasten(_ order: String, _ pool: ConnectionPool) async throws -> Bool {
        try await pool.transaction {
            try store.hasten(queue: "refund", destination: "wechat", orderKey: order, in: $0)
        }
    }

    @Test("A pause can be ended; it is that of the next task of a lane, and no other lane's")
    func hasten() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            let later = SystemWallClock().now() + .seconds(3_600)
            try await pool.transaction { session in
                let tasks = [
                    task("a1", order: "a", runAt: later), task("a2", order: "a"), task("b1", order: "b", runAt: later),
                ]
                _ = try store.enqueue(tasks, in: session)
            }
            #expect(try await claim(pool).isEmpty)
            #expect(try await hasten("a", pool))
            #expect(try await !hasten("a", pool))
            let first = try await claim(pool)
            #expect(first.map(\.dedupeKey) == ["a1"])
            // What runs already is left to who runs it, and what is not there is no matter.
            #expect(try await !hasten("a", pool))
            #expect(try await !hasten("c", pool))
            #expect(try await claim(pool).isEmpty)
        }
    }

    @Test("A dead task that holds its lane is not stirred by ending a pause; it is found by its order key")
    func held() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            try await pool.transaction { session in
                _ = try store.enqueue([task("a1", order: "a", holds: true), task("b1", order: "b")], in: session)
            }
            for task in try await claim(pool) {
                try await pool.transaction { try store.bury(task, reason: "gone", in: $0) }
            }
            #expect(try await !hasten("a", pool))
            let found = try await pool.transaction { session in
                (
                    try store.dead(queue: "refund", orderKey: "a", in: session), try store.dead(in: session),
                    try store.dead(queue: "webhook", in: session)
                )
            }
            #expect(found.0.map(\.dedupeKey) == ["a1"])
            #expect(Set(found.1.map(\.dedupeKey)) == ["a1", "b1"])
            #expect(found.2.isEmpty)
            let id = try #require(found.0.first?.id)
            #expect(try await pool.transaction { try store.dead(id: id, in: $0)?.reason } == "gone")
        }
    }

    @Test("Overdue timers are counted by the clock of their campus")
    func overdue() async throws {
        try await withDatabase { database in
            let owner = try database.pool()
            let pool = try database.pool(as: .afterSalesService)
            let timers = TimerStore(owner: .afterSales)
            #expect(try await pool.autocommit { try timers.overdue(in: $0) } == OverdueTimers(count: 0, longest: .zero))
            let now = SystemWallClock().now()
            let ahead = CampusID(high: 9, low: 9)
            try await owner.transaction { session in
                _ = try session.execute(
                    "insert into campus.campus_clock (campus_id, clock_offset) values (\(ahead), interval '1 day')"
                )
            }
            try await pool.transaction { session in
                let due = [(exampleCampus, -30), (exampleCampus, 3_600), (ahead, 3_600), (ahead, 90_000)]
                try timers.arm(
                    due.enumerated().map { index, timer in
                        NewTimer(
                            kind: "k",
                            subject: AnyID(high: 1, low: UInt64(index)),
                            campus: timer.0,
                            dueAt: now + .seconds(timer.1),
                            payload: [:]
                        )
                    },
                    in: session
                )
            }
            let overdue = try await pool.autocommit { try timers.overdue(in: $0) }
            #expect(overdue.count == 2)
            #expect((.seconds(82_700) ... .seconds(82_900)).contains(overdue.longest))
        }
    }
}
