import Postgres
import TestSupport
import Testing

@testable import EventLog

@Suite("Leases of tasks")
struct TaskLeaseTests {
    private let queue = RefundQueue()

    @Test("A worker that stalls past its lease is fenced off: its effect is undone, the task is another's")
    func fencing() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            let effects = try await Effects.make(in: database)
            try await pool.transaction { session in
                _ = try queue.store.enqueue([queue.task("a", order: "o")], in: session)
            }
            let first = try await pool.transaction { try queue.store.claim(queue.request(), in: $0) }
            let stale = try #require(first.first)
            #expect(
                try await pool.transaction { try queue.store.claim(queue.request(), in: $0) }.isEmpty,
                "it is leased"
            )
            try await queue.expireLeases(pool)
            let second = try await pool.transaction { try queue.store.claim(queue.request(), in: $0) }
            let fresh = try #require(second.first)
            #expect(fresh.attempt == 2)
            await #expect(throws: EventLogError.claimLost) {
                try await pool.transaction { session in
                    try session.execute("insert into public.effect (consumer) values ('stale')")
                    try queue.store.complete(stale, in: session)
                }
            }
            await #expect(throws: EventLogError.claimLost) {
                try await pool.transaction { try queue.store.putBack(stale, after: .zero, reason: "late", in: $0) }
            }
            await #expect(throws: EventLogError.claimLost) {
                try await pool.transaction { try queue.store.bury(stale, reason: "late", in: $0) }
            }
            try await pool.transaction { try queue.store.renew([stale], lease: .seconds(900), in: $0) }
            #expect(
                try await pool.number(
                    "select count(*) from campus.after_sales_lane where ready_at > now() + interval '10 minutes'"
                ) == 0
            )
            try await pool.transaction { try queue.store.complete(fresh, in: $0) }
            #expect(try await effects.count(by: "stale") == 0)
            #expect(try await pool.number("select count(*) from campus.after_sales_task") == 0)
        }
    }

    @Test("A lease is renewed for as long as the work takes")
    func renewal() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            try await pool.transaction { session in _ = try queue.store.enqueue([queue.task("a")], in: session) }
            let attempts = Counter()
            // Its lease lasts three seconds, and begins with the work.
            let perform: TaskWorker.Performer = { _ in
                attempts.add(1)
                let leased = ContinuousClock.now + .seconds(3)
                try await eventually("the lease would have run out") { ContinuousClock.now > leased + .seconds(1) }
                return .done { _ in }
            }
            let workers = (0..<2).map { _ in queue.worker(pool, lease: .seconds(3), perform: perform) }
            try await running(workers) {
                try await eventually("it is done") {
                    try await pool.number("select count(*) from campus.after_sales_task") == 0
                }
            }
            #expect(attempts.value == 1)
        }
    }

    @Test("Who was lost during the last attempt leaves a dead task, not one tried for ever")
    func lostAtLastAttempt() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            try await pool.transaction { session in
                _ = try queue.store.enqueue([queue.task("a", maxAttempts: 1)], in: session)
            }
            let claimed = try await pool.transaction { try queue.store.claim(queue.request(), in: $0) }
            #expect(claimed.count == 1)
            try await queue.expireLeases(pool)
            let attempts = Counter()
            let worker = queue.worker(pool) { _ in
                attempts.add(1)
                return .done { _ in }
            }
            try await running([worker]) {
                try await eventually("it is dead") {
                    try await pool.number("select count(*) from campus.after_sales_task_dead") == 1
                }
            }
            #expect(attempts.value == 0)
        }
    }
}
