import Model
import Postgres
import TestSupport
import Testing

@testable import EventLog

@Suite("Tasks that fail")
struct FailedTaskTests {
    private let queue = RefundQueue()

    @Test(
        "A failed attempt is tried again until there are none left; then the task is dead, with its history, and can be replayed"
    )
    func deadLetter() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            try await pool.transaction { session in
                _ = try queue.store.enqueue([queue.task("a", order: "o"), queue.task("b", order: "o")], in: session)
            }
            let isHealed = Flag()
            let attempts = Locked<[String]>([])
            let buried = Locked<[String]>([])
            let worker = queue.worker(
                pool,
                whenDead: { _, task, reason in buried.withLock { $0.append("\(task.dedupeKey): \(reason)") } },
                perform: { task in
                    attempts.withLock { $0.append("\(task.dedupeKey)\(task.attempt)") }
                    if task.dedupeKey == "a", !isHealed.value {
                        return .retry(after: .milliseconds(1), reason: "attempt \(task.attempt) failed")
                    }
                    return .done { _ in }
                }
            )
            try await running([worker]) {
                try await eventually("the second is done, for the dead one has left its lane") {
                    attempts.withLock { $0.last } == "b1"
                }
                try await eventually("and settled") {
                    try await pool.number("select count(*) from campus.after_sales_task") == 0
                }
                #expect(attempts.withLock { $0 } == ["a1", "a2", "a3", "b1"])
                #expect(buried.withLock { $0 } == ["a: attempt 3 failed"])
                let dead = try await pool.transaction { try queue.store.dead(queue: "refund", in: $0) }
                #expect(dead.map(\.dedupeKey) == ["a"])
                #expect(dead.first?.attempts == 3)
                #expect(dead.first?.reason == "attempt 3 failed")
                #expect(
                    dead.first?.history.array?.compactMap { $0["reason"]?.string }
                        == (1...3).map { "attempt \($0) failed" }
                )

                isHealed.set()
                let id = try #require(dead.first?.id)
                #expect(try await pool.transaction { try queue.store.replay(id: id, in: $0) })
                #expect(try await !pool.transaction { try queue.store.replay(id: id, in: $0) })
                worker.hint()
                try await eventually("it is done at last") { attempts.withLock { $0.last } == "a1" }
                try await eventually("and settled") {
                    try await pool.number("select count(*) from campus.after_sales_task") == 0
                }
            }
            #expect(try await pool.number("select count(*) from campus.after_sales_task_dead") == 0)
            #expect(try await pool.number("select count(*) from campus.after_sales_lane") == 0)
        }
    }

    @Test(
        "A dead task that holds its lane keeps the others waiting until it is replayed or discarded",
        arguments: [true, false]
    )
    func holding(isReplayed: Bool) async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            try await pool.transaction { session in
                _ = try queue.store.enqueue(
                    [queue.task("a", order: "o", holds: true), queue.task("b", order: "o", holds: true)],
                    in: session
                )
            }
            let done = Locked<[String]>([])
            let isHealed = Flag()
            let worker = queue.worker(pool) { task in
                if task.dedupeKey == "a", !isHealed.value { return .dead(reason: "impossible") }
                done.withLock { $0.append(task.dedupeKey) }
                return .done { _ in }
            }
            try await running([worker]) {
                try await eventually("it is dead") {
                    try await pool.number("select count(*) from campus.after_sales_task_dead") == 1
                }
                try await pool.transaction { session in
                    _ = try queue.store.enqueue(
                        [queue.task("c", order: "o"), queue.task("other", order: "p")],
                        in: session
                    )
                }
                worker.hint()
                try await eventually("what came last ran, in its own lane") { done.withLock { $0.contains("other") } }
                #expect(done.withLock { $0 } == ["other"])
                let dead = try await pool.transaction { try queue.store.dead(queue: "refund", in: $0) }
                let id = try #require(dead.first?.id)
                isHealed.set()
                let isFound = try await pool.transaction { session in
                    isReplayed
                        ? try queue.store.replay(id: id, in: session) : try queue.store.discard(id: id, in: session)
                }
                #expect(isFound)
                worker.hint()
                let expected = isReplayed ? ["other", "a", "b", "c"] : ["other", "b", "c"]
                try await eventually("the others ran") { done.withLock { $0 } == expected }
            }
            #expect(try await pool.number("select count(*) from campus.after_sales_lane") == 0)
        }
    }

    @Test(
        "An attempt that takes too long, throws, or whose effect is refused is a failed attempt",
        arguments: ["slow", "throws", "refused"]
    )
    func failures(kind: String) async throws {
        struct Broken: Error, CustomStringConvertible { let description = "it broke" }
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            try await pool.transaction { session in
                _ = try queue.store.enqueue([queue.task("a", maxAttempts: 9)], in: session)
            }
            let worker = queue.worker(pool, attemptLimit: .milliseconds(100)) { task in
                if task.attempt > 1 { return .done { _ in } }
                switch kind {
                case "slow": try await hang()
                case "throws": throw Broken()
                default:
                    return .done { session in try session.execute("insert into campus.after_sales_lane default values")
                    }
                }
                return .done { _ in }
            }
            let reasons = Locked<[String]>([])
            try await pool.transaction { session in
                _ = try queue.store.enqueue(
                    [queue.task("b", runAt: SystemWallClock().now() + .seconds(3600))],
                    in: session
                )
            }
            try await running([worker]) {
                try await eventually("a second attempt succeeds") {
                    let histories: [JSON] = try await pool.autocommit { session in
                        try session.query("select history from campus.after_sales_task where dedupe_key = 'a'") {
                            try $0[0]
                        }
                    }
                    for case .string(let reason)? in histories.flatMap({ $0.array ?? [] }).map({ $0["reason"] }) {
                        reasons.withLock { $0.append(reason) }
                    }
                    return histories.isEmpty
                }
            }
            #expect(
                try await pool.number("select count(*) from campus.after_sales_task") == 1,
                "the later one waits for its time"
            )
        }
    }

    @Test(
        "That the database was not there is no attempt, neither while it is tried nor when it is settled",
        arguments: [false, true]
    )
    func hindered(isSettling: Bool) async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            try await pool.transaction { session in
                _ = try queue.store.enqueue([queue.task("a", maxAttempts: 1)], in: session)
            }
            let tries = Locked<[Int]>([])
            let worker = queue.worker(pool) { task in
                let number = tries.withLock { tries in
                    tries.append(task.attempt)
                    return tries.count
                }
                let trouble = PostgresError.poolExhausted(retryAfter: .seconds(1))
                if number < 3, !isSettling { throw trouble }
                return .done { _ in if number < 3 { throw trouble } }
            }
            try await running([worker]) {
                try await eventually("it is done") {
                    try await pool.number("select count(*) from campus.after_sales_task") == 0
                }
            }
            #expect(tries.withLock { $0 } == [1, 1, 1])
            #expect(try await pool.number("select count(*) from campus.after_sales_task_dead") == 0)
        }
    }
}
