import Model
import Postgres
import TestSupport
import Testing

@testable import EventLog

@Suite("The least gap between batches", .timeLimit(.minutes(5)))
struct ConsumerGapTests {
    /// A group, and how large the batches were that it committed.
    private func group(
        _ database: TestDatabase,
        _ name: String,
        gap: Duration,
        batchLimit: Int = 500
    ) throws -> (group: ConsumerGroup<Int>, batches: Locked<[Int]>) {
        let batches = Locked<[Int]>([])
        let group = ConsumerGroup(
            name: name,
            owner: .notifications,
            streams: [.orders],
            pool: try database.pool(as: .notifyService, size: 2),
            options: ConsumerOptions(batchLimit: batchLimit, poll: .milliseconds(20), leastGap: gap),
            logger: .silent
        ) { session, events in
            try Effects.record(events, by: name, in: session)
            return events.count
        } afterCommit: { count in
            batches.withLock { $0.append(count) }
        }
        return (group, batches)
    }

    /// Runs groups for the time of `body`, then stops them at once, in the middle of whatever they do.
    private func runningUntilCancelled(_ groups: [ConsumerGroup<Int>], _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for group in groups { tasks.addTask { try await group.run() } }
            try await body()
            tasks.cancelAll()
            try await tasks.waitForAll()
        }
    }

    /// Appends an event in a tick of its own.
    private func happen(_ pool: ConnectionPool) async throws {
        try await pool.append([example()])
        try await pool.tick()
    }

    @Test(
        "The first event is handled at once, the next ones wait for the gap to end, and are there after a stop within it"
    )
    func stopWithin() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService)
            // Longer than any test waits.
            let slow = try group(database, "slow", gap: .seconds(3_600))
            let eager = try group(database, "eager", gap: .zero)
            try await runningUntilCancelled([slow.group, eager.group]) {
                try await happen(pool)
                try await eventually("the first is handled") { try await effects.count(by: "slow") == 1 }
                for number in 2...6 {
                    try await happen(pool)
                    try await eventually("who does not wait has handled it") {
                        try await effects.count(by: "eager") == number
                    }
                }
                #expect(slow.batches.withLock { $0 } == [1])
            }
            #expect(try await effects.count(by: "slow") == 1)
            let next = try group(database, "slow", gap: .seconds(3_600))
            try await runningUntilCancelled([next.group]) {
                try await eventually("the others are handled") { next.batches.withLock { $0 } == [5] }
            }
            #expect(try await effects.faults(of: "slow") == Faults())
        }
    }

    @Test("What happens within the gap is one batch when it has ended")
    func together() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService)
            let gap = Duration.seconds(2)
            let slow = try group(database, "slow", gap: gap)
            let eager = try group(database, "eager", gap: .zero)
            let begun = ContinuousClock.now
            try await runningUntilCancelled([slow.group, eager.group]) {
                for number in 1...12 {
                    try await happen(pool)
                    try await eventually("who does not wait has handled it") {
                        try await effects.count(by: "eager") == number
                    }
                }
                let gaps = Int((ContinuousClock.now - begun) / gap)
                try await eventually("all are handled") { slow.batches.withLock { $0.reduce(0, +) } == 12 }
                // One at once, one when the gap has ended; more only where appending took longer than that.
                let batches = slow.batches.withLock { $0 }
                #expect(batches.count <= gaps + 2, "\(batches)")
            }
            #expect(try await effects.faults(of: "slow") == Faults())
        }
    }

    @Test("Where there is much to read, batches follow each other without a gap")
    func muchToRead() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService)
            try await pool.append((0..<40).map { _ in example() })
            try await pool.tick()
            let slow = try group(database, "slow", gap: .seconds(3_600), batchLimit: 10)
            try await runningUntilCancelled([slow.group]) {
                try await eventually("all are handled") { try await effects.count(by: "slow") == 40 }
            }
            #expect(try await effects.faults(of: "slow") == Faults())
        }
    }
}
