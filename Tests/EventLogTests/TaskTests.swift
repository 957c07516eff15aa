import Model
import Postgres
import ServiceLifecycle
import TestSupport
import Testing

@testable import EventLog

@Suite("Tasks")
struct TaskTests {
    private let queue = RefundQueue()

    @Test("A task runs once, its effect with it; its key is remembered when it is done")
    func once() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            let effects = try await Effects.make(in: database)
            let new = try await pool.transaction {
                try queue.store.enqueue([queue.task("a"), queue.task("b"), queue.task("a")], in: $0)
            }
            #expect(new == 2)
            let seen = Locked<[String]>([])
            let worker = queue.worker(pool) { task in
                seen.withLock { $0.append(task.dedupeKey) }
                return .done { session in
                    try session.execute("insert into public.effect (consumer, event_id) values ('task', \(task.id))")
                }
            }
            try await running([worker]) {
                try await eventually("both are done") { try await effects.count(by: "task") == 2 }
                #expect(try await pool.transaction { try queue.store.enqueue([queue.task("a")], in: $0) } == 0)
            }
            #expect(seen.withLock { $0.sorted() } == ["a", "b"])
            #expect(try await pool.transaction { try queue.store.backlog(in: $0) }.isEmpty)
            #expect(try await pool.number("select count(*) from campus.after_sales_lane") == 0)
        }
    }

    @Test("Tasks of one order key run one after the other in their order; others beside them")
    func lanes() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService, size: 10)
            for number in 0..<20 {
                try await pool.transaction { session in
                    try queue.store.enqueue(
                        (0..<5).map { queue.task("\($0)-\(number)", order: "order-\($0)") },
                        in: session
                    )
                }
            }
            let finished = Locked<[String: [Int]]>([:])
            let inHand = Locked<[String: Int]>([:])
            let overlaps = Counter()
            let fails = Locked<Set<String>>(Set((0..<5).map { "\($0)-7" }))
            let worker = queue.worker(pool) { task in
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

    @Test("A destination that hangs takes its own slots only")
    func hangingDestination() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            try await pool.transaction { session in
                _ = try queue.store.enqueue(
                    (0..<50).map { queue.task("hang-\($0)", destination: "a-hanging") },
                    in: session
                )
                _ = try queue.store.enqueue((0..<20).map { queue.task("fine-\($0)", destination: "fine") }, in: session)
            }
            let hanging = Counter()
            let fine = Counter()
            let worker = queue.worker(pool, concurrency: 4, perDestination: 2, shutdownLimit: .milliseconds(100)) {
                task in
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
            #expect(
                try await pool.transaction { try queue.store.claim(queue.request(perDestination: 60), in: $0) }.count
                    == 50
            )
        }
    }

    @Test("At a shutdown what is in hand may finish within the limit")
    func shutdown() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            try await pool.transaction { session in _ = try queue.store.enqueue([queue.task("a")], in: session) }
            let begun = Wakeup()
            let worker = queue.worker(pool) { _ in
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
        "Many crashes and enqueuers at once: every task is done, those of a lane in order, and no lane is left behind"
    )
    func chaos() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService, size: 16)
            let effects = try await Effects.make(in: database)
            let workers = (0..<4).map { _ in
                queue.worker(pool, lease: .milliseconds(100)) { task in
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
                                    _ = try queue.store.enqueue(
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
