import Model
import Postgres
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import EventLog

@Suite("Tasks")
struct TaskTests {
    private let store = TaskStore(owner: .afterSales)

    private func task(
        _ key: String,
        destination: String = "wechat",
        order: String? = nil,
        maxAttempts: Int = 3,
        holds: Bool = false,
        runAt: Timestamp? = nil
    ) -> NewTask {
        NewTask(
            queue: "refund",
            destination: destination,
            orderKey: order,
            dedupeKey: key,
            campus: exampleCampus,
            payload: ["key": .string(key)],
            runAt: runAt,
            maxAttempts: maxAttempts,
            holdsLaneWhenDead: holds
        )
    }

    /// What happens to the leases of a worker that is lost, in no time.
    private func expireLeases(_ pool: ConnectionPool) async throws {
        try await pool.autocommit { session in
            try session.execute("update campus.after_sales_lane set ready_at = now()")
        }
    }

    private func request(limit: Int = 100, perDestination: Int = 100) -> ClaimRequest {
        ClaimRequest(
            queue: "refund",
            worker: "w",
            lease: .seconds(30),
            limit: limit,
            limitPerDestination: perDestination,
            inHand: [:],
            after: ""
        )
    }

    private func worker(
        _ pool: ConnectionPool,
        concurrency: Int = 8,
        perDestination: Int? = nil,
        lease: Duration = .seconds(5),
        attemptLimit: Duration = .seconds(30),
        shutdownLimit: Duration = .seconds(2),
        whenDead: @escaping @Sendable (borrowing Session, LeasedTask, String) throws -> Void = { _, _, _ in },
        perform: @escaping TaskWorker.Performer
    ) -> TaskWorker {
        TaskWorker(
            queue: "refund",
            owner: .afterSales,
            pool: pool,
            concurrency: concurrency,
            concurrencyPerDestination: perDestination ?? concurrency,
            lease: lease,
            attemptLimit: attemptLimit,
            backoff: Backoff(first: .milliseconds(5), longest: .milliseconds(20)),
            poll: .milliseconds(50),
            shutdownLimit: shutdownLimit,
            logger: .silent,
            whenDead: whenDead,
            perform: perform
        )
    }

    @Test("A task runs once, its effect with it; its key is remembered when it is done")
    func once() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            let effects = try await Effects.make(in: database)
            let new = try await pool.transaction { try store.enqueue([task("a"), task("b"), task("a")], in: $0) }
            #expect(new == 2)
            let seen = Locked<[String]>([])
            let worker = worker(pool) { task in
                seen.withLock { $0.append(task.dedupeKey) }
                return .done { session in
                    try session.execute("insert into public.effect (consumer, event_id) values ('task', \(task.id))")
                }
            }
            try await running([worker]) {
                try await eventually("both are done") { try await effects.count(by: "task") == 2 }
                #expect(try await pool.transaction { try store.enqueue([task("a")], in: $0) } == 0)
            }
            #expect(seen.withLock { $0.sorted() } == ["a", "b"])
            #expect(try await pool.transaction { try store.backlog(in: $0) }.isEmpty)
            #expect(try await pool.number("select count(*) from campus.after_sales_lane") == 0)
        }
    }

    @Test("Tasks of one order key run one after the other in their order; others beside them")
    func lanes() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService, size: 10)
            for number in 0..<20 {
                try await pool.transaction { session in
                    try store.enqueue((0..<5).map { task("\($0)-\(number)", order: "order-\($0)") }, in: session)
                }
            }
            let finished = Locked<[String: [Int]]>([:])
            let inHand = Locked<[String: Int]>([:])
            let overlaps = Counter()
            let fails = Locked<Set<String>>(Set((0..<5).map { "\($0)-7" }))
            let worker = worker(pool) { task in
                let order = task.orderKey ?? ""
                let isAlone = inHand.withLock { hands in
                    hands[order, default: 0] += 1
                    return hands[order] == 1
                }
                if !isAlone { overlaps.add(1) }
                // Time in which another of its order would be handed out, if that could be.
                _ = try await pool.number("select 1")
                inHand.withLock { $0[order, default: 0] -= 1 }
                if fails.withLock({ $0.remove(task.dedupeKey) }) != nil {
                    return .retry(after: nil, reason: "try again")
                }
                let number = Int(task.dedupeKey.split(separator: "-")[1]) ?? -1
                finished.withLock { $0[order, default: []].append(number) }
                return .done { _ in }
            }
            try await running([worker]) {
                try await eventually("all are done") {
                    finished.withLock { $0.values.map(\.count).reduce(0, +) } == 100
                }
            }
            #expect(overlaps.value == 0)
            let orders = finished.withLock { $0 }
            #expect(orders.count == 5)
            for (_, numbers) in orders { #expect(numbers == Array(0..<20)) }
            #expect(try await pool.number("select count(*) from campus.after_sales_task") == 0)
            #expect(try await pool.number("select count(*) from campus.after_sales_lane") == 0)
        }
    }

    @Test(
        "A failed attempt is tried again until there are none left; then the task is dead, with its history, and can be replayed"
    )
    func deadLetter() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            try await pool.transaction { session in
                _ = try store.enqueue([task("a", order: "o"), task("b", order: "o")], in: session)
            }
            let isHealed = Flag()
            let attempts = Locked<[String]>([])
            let buried = Locked<[String]>([])
            let worker = worker(
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
                let dead = try await pool.transaction { try store.dead(queue: "refund", in: $0) }
                #expect(dead.map(\.dedupeKey) == ["a"])
                #expect(dead.first?.attempts == 3)
                #expect(dead.first?.reason == "attempt 3 failed")
                #expect(
                    dead.first?.history.array?.compactMap { $0["reason"]?.string }
                        == (1...3).map { "attempt \($0) failed" }
                )

                isHealed.set()
                let id = try #require(dead.first?.id)
                #expect(try await pool.transaction { try store.replay(id: id, in: $0) })
                #expect(try await !pool.transaction { try store.replay(id: id, in: $0) })
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
                _ = try store.enqueue(
                    [task("a", order: "o", holds: true), task("b", order: "o", holds: true)],
                    in: session
                )
            }
            let done = Locked<[String]>([])
            let isHealed = Flag()
            let worker = worker(pool) { task in
                if task.dedupeKey == "a", !isHealed.value { return .dead(reason: "impossible") }
                done.withLock { $0.append(task.dedupeKey) }
                return .done { _ in }
            }
            try await running([worker]) {
                try await eventually("it is dead") {
                    try await pool.number("select count(*) from campus.after_sales_task_dead") == 1
                }
                try await pool.transaction { session in
                    _ = try store.enqueue([task("c", order: "o"), task("other", order: "p")], in: session)
                }
                worker.hint()
                try await eventually("what came last ran, in its own lane") { done.withLock { $0.contains("other") } }
                #expect(done.withLock { $0 } == ["other"])
                let dead = try await pool.transaction { try store.dead(queue: "refund", in: $0) }
                let id = try #require(dead.first?.id)
                isHealed.set()
                let isFound = try await pool.transaction { session in
                    isReplayed ? try store.replay(id: id, in: session) : try store.discard(id: id, in: session)
                }
                #expect(isFound)
                worker.hint()
                let expected = isReplayed ? ["other", "a", "b", "c"] : ["other", "b", "c"]
                try await eventually("the others ran") { done.withLock { $0 } == expected }
            }
            #expect(try await pool.number("select count(*) from campus.after_sales_lane") == 0)
        }
    }

    @Test("A worker that stalls past its lease is fenced off: its effect is undone, the task is another's")
    func fencing() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            let effects = try await Effects.make(in: database)
            try await pool.transaction { session in _ = try store.enqueue([task("a", order: "o")], in: session) }
            let first = try await pool.transaction { try store.claim(request(), in: $0) }
            let stale = try #require(first.first)
            #expect(try await pool.transaction { try store.claim(request(), in: $0) }.isEmpty, "it is leased")
            try await expireLeases(pool)
            let second = try await pool.transaction { try store.claim(request(), in: $0) }
            let fresh = try #require(second.first)
            #expect(fresh.attempt == 2)
            await #expect(throws: EventLogError.claimLost) {
                try await pool.transaction { session in
                    try session.execute("insert into public.effect (consumer) values ('stale')")
                    try store.complete(stale, in: session)
                }
            }
            await #expect(throws: EventLogError.claimLost) {
                try await pool.transaction { try store.putBack(stale, after: .zero, reason: "late", in: $0) }
            }
            await #expect(throws: EventLogError.claimLost) {
                try await pool.transaction { try store.bury(stale, reason: "late", in: $0) }
            }
            try await pool.transaction { try store.renew([stale], lease: .seconds(900), in: $0) }
            #expect(
                try await pool.number(
                    "select count(*) from campus.after_sales_lane where ready_at > now() + interval '10 minutes'"
                ) == 0
            )
            try await pool.transaction { try store.complete(fresh, in: $0) }
            #expect(try await effects.count(by: "stale") == 0)
            #expect(try await pool.number("select count(*) from campus.after_sales_task") == 0)
        }
    }

    @Test("A lease is renewed for as long as the work takes")
    func renewal() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            try await pool.transaction { session in _ = try store.enqueue([task("a")], in: session) }
            let attempts = Counter()
            // Its lease lasts three seconds, and begins with the work.
            let perform: TaskWorker.Performer = { _ in
                attempts.add(1)
                let leased = ContinuousClock.now + .seconds(3)
                try await eventually("the lease would have run out") { ContinuousClock.now > leased + .seconds(1) }
                return .done { _ in }
            }
            let workers = (0..<2).map { _ in worker(pool, lease: .seconds(3), perform: perform) }
            try await running(workers) {
                try await eventually("it is done") {
                    try await pool.number("select count(*) from campus.after_sales_task") == 0
                }
            }
            #expect(attempts.value == 1)
        }
    }

    @Test("A destination that hangs takes its own slots only")
    func hangingDestination() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            try await pool.transaction { session in
                _ = try store.enqueue((0..<50).map { task("hang-\($0)", destination: "a-hanging") }, in: session)
                _ = try store.enqueue((0..<20).map { task("fine-\($0)", destination: "fine") }, in: session)
            }
            let hanging = Counter()
            let fine = Counter()
            let worker = worker(pool, concurrency: 4, perDestination: 2, shutdownLimit: .milliseconds(100)) { task in
                if task.destination == "a-hanging" {
                    hanging.add(1)
                    try await hang()
                }
                fine.add(1)
                return .done { _ in }
            }
            try await running([worker]) {
                try await eventually("the others are done", within: .seconds(30)) { fine.value == 20 }
            }
            #expect(hanging.value == 2)
            // The shutdown cut two attempts short, which count for nothing.
            #expect(try await pool.number("select count(*) from campus.after_sales_task where attempt > 0") == 0)
            #expect(try await pool.transaction { try store.claim(request(perDestination: 60), in: $0) }.count == 50)
        }
    }

    @Test("At a shutdown what is in hand may finish within the limit")
    func shutdown() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            try await pool.transaction { session in _ = try store.enqueue([task("a")], in: session) }
            let begun = Wakeup()
            let worker = worker(pool) { _ in
                begun.raise()
                try await gracefulShutdown()
                _ = try await pool.number("select 1")
                return .done { _ in }
            }
            try await running([worker]) { _ = try await begun.wait(atMost: .seconds(5)) }
            #expect(try await pool.number("select count(*) from campus.after_sales_task") == 0)
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
            try await pool.transaction { session in _ = try store.enqueue([task("a", maxAttempts: 9)], in: session) }
            let worker = worker(pool, attemptLimit: .milliseconds(100)) { task in
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
                _ = try store.enqueue([task("b", runAt: SystemWallClock().now() + .seconds(3600))], in: session)
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
            try await pool.transaction { session in _ = try store.enqueue([task("a", maxAttempts: 1)], in: session) }
            let tries = Locked<[Int]>([])
            let worker = worker(pool) { task in
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

    @Test("Who was lost during the last attempt leaves a dead task, not one tried for ever")
    func lostAtLastAttempt() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            try await pool.transaction { session in _ = try store.enqueue([task("a", maxAttempts: 1)], in: session) }
            let claimed = try await pool.transaction { try store.claim(request(), in: $0) }
            #expect(claimed.count == 1)
            try await expireLeases(pool)
            let attempts = Counter()
            let worker = worker(pool) { _ in
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

    @Test(
        "Many crashes and enqueuers at once: every task is done, those of a lane in order, and no lane is left behind"
    )
    func chaos() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService, size: 16)
            let effects = try await Effects.make(in: database)
            let workers = (0..<4).map { _ in
                worker(pool, lease: .milliseconds(100)) { task in
                    // One attempt in ten is lost with its worker: the lease runs out.
                    if Int.random(in: 0..<10) == 0 { throw CancellationError() }
                    return .done { session in
                        try session.execute(
                            """
                            insert into public.effect (consumer, event_id, member, version)
                            values ('task', \(task.id), \(task.orderKey), \(task.payload["n"]?.integer))
                            """
                        )
                    }
                }
            }
            try await running(workers) {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for lane in 0..<8 {
                        group.addTask {
                            for number in 0..<25 {
                                try await pool.transaction { session in
                                    _ = try store.enqueue(
                                        [
                                            NewTask(
                                                queue: "refund",
                                                destination: "d\(lane % 3)",
                                                orderKey: "lane-\(lane)",
                                                dedupeKey: "\(lane)-\(number)",
                                                campus: exampleCampus,
                                                payload: ["n": .integer(Int64(number))],
                                                maxAttempts: 1_000
                                            )
                                        ],
                                        in: session
                                    )
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                try await eventually("all are done", within: .seconds(30)) {
                    try await effects.count(by: "task") == 200
                }
            }
            let done: [(String, Int)] = try await pool.autocommit { session in
                try session.query("select member, version from public.effect order by sequence") {
                    (try $0[0], try $0[1])
                }
            }
            for lane in 0..<8 { #expect(done.filter { $0.0 == "lane-\(lane)" }.map(\.1) == Array(0..<25)) }
            #expect(try await pool.number("select count(*) from campus.after_sales_task") == 0)
            #expect(try await pool.number("select count(*) from campus.after_sales_lane") == 0)
        }
    }
}
