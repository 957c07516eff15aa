import Model
import Postgres
import TestSupport
import Testing

@testable import EventLog

@Suite("Workers are shared between campuses")
struct CampusShareTests {
    private let queue = RefundQueue()
    private let busy = CampusID.new()
    private let quiet = CampusID.new()

    /// Whether the quiet campus's tasks are done while those of the busy one hang, and how many of these hang then.
    private func hanging(
        _ tasks: [NewTask],
        concurrency: Int,
        perDestination: Int,
        perCampus: Int
    ) async throws -> Int {
        let (busy, quiet) = (busy, quiet)
        let hanging = Counter()
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            try await pool.transaction { session in _ = try queue.store.enqueue(tasks, in: session) }
            let expected = tasks.count { $0.campus == quiet }
            let done = Counter()
            let worker = queue.worker(
                pool,
                concurrency: concurrency,
                perDestination: perDestination,
                perCampus: perCampus,
                shutdownLimit: .milliseconds(100)
            ) { task in
                if task.campus == busy {
                    hanging.add(1)
                    try await hang()
                }
                done.add(1)
                return .done { _ in }
            }
            try await running([worker]) {
                try await eventually("the quiet campus's are done", within: .seconds(30)) { done.value == expected }
            }
        }
        return hanging.value
    }

    @Test("A campus all of whose destinations hang leaves half of the workers to another")
    func manyDestinations() async throws {
        let tasks =
            (0..<40).map { queue.task("hang-\($0)", destination: "a\($0 % 20)", campus: busy) }
            + (0..<10).map { queue.task("fine-\($0)", destination: "b\($0)", campus: quiet) }
        #expect(try await hanging(tasks, concurrency: 8, perDestination: 2, perCampus: 4) == 4)
    }

    @Test("Where two campuses share a destination, the one that hangs leaves a worker to the other")
    func oneDestination() async throws {
        let tasks =
            (0..<200).map { queue.task("hang-\($0)", campus: busy) }
            + (0..<10).map { queue.task("fine-\($0)", campus: quiet) }
        #expect(try await hanging(tasks, concurrency: 6, perDestination: 3, perCampus: 2) == 2)
    }

    @Test("One claim keeps to the share over all destinations, with what is in hand already")
    func oneClaim() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            let (busy, quiet) = (busy, quiet)
            try await pool.transaction { session in
                let tasks = (0..<12).map {
                    queue.task("\($0)", destination: "d\($0 % 4)", campus: $0 < 8 ? busy : quiet)
                }
                _ = try queue.store.enqueue(tasks, in: session)
            }
            var request = queue.request(perCampus: 3)
            let first = try await pool.transaction { [request] in try queue.store.claim(request, in: $0) }
            #expect(first.count { $0.campus == busy } == 3)
            #expect(first.count { $0.campus == quiet } == 3)
            request = ClaimRequest(
                queue: request.queue,
                worker: request.worker,
                lease: request.lease,
                limit: 100,
                limitPerDestination: 100,
                limitPerCampus: 4,
                inHand: first.filter { $0.campus == busy },
                after: ""
            )
            let second = try await pool.transaction { [request] in try queue.store.claim(request, in: $0) }
            #expect(second.count { $0.campus == busy } == 1)
            #expect(second.count { $0.campus == quiet } == 1)
        }
    }

    @Test("What a destination has is shared by how long it is ready, not by whose it is")
    func longestReady() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            let start = SystemWallClock().now() - .seconds(60)
            try await pool.transaction { session in
                let tasks = (0..<6).map { number in
                    queue.task("\(number)", campus: number % 2 == 0 ? busy : quiet, runAt: start + .seconds(number))
                }
                _ = try queue.store.enqueue(tasks, in: session)
            }
            let claimed = try await pool.transaction {
                try queue.store.claim(queue.request(perDestination: 3, perCampus: 2), in: $0)
            }
            #expect(claimed.map(\.dedupeKey).sorted() == ["0", "1", "2"])
        }
    }

    @Test("Destinations have their turn one after the other, also while a campus has all it may have")
    func turns() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService)
            try await pool.transaction { session in
                let tasks = (0..<8).map { queue.task("\($0)", destination: "d\($0 % 4)", campus: busy) }
                _ = try queue.store.enqueue(tasks, in: session)
            }
            var after = ""
            var turns: [String] = []
            for _ in 0..<6 {
                let request = ClaimRequest(
                    queue: "refund",
                    worker: "w",
                    lease: .seconds(30),
                    limit: 8,
                    limitPerDestination: 2,
                    limitPerCampus: 1,
                    inHand: [],
                    after: after
                )
                let claimed = try await pool.transaction { try queue.store.claim(request, in: $0) }
                turns += claimed.map(\.destination)
                after = claimed.last?.destination ?? after
            }
            #expect(turns == ["d0", "d1", "d2", "d3", "d0", "d1"])
        }
    }
}
