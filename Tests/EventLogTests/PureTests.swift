import Model
import Postgres
import Testing

@testable import EventLog

@Suite("Shares of shards")
struct FairShareTests {
    @Test("Members divide all shards, none more than one apart", arguments: 1...20)
    func split(count: Int) {
        let members = (0..<count).map { "member-\($0)" }
        let shares = members.map { Shard.fairShare(of: $0, among: members) }
        #expect(shares.reduce(0, +) == 16)
        #expect((shares.max() ?? 0) - (shares.min() ?? 0) <= 1)
    }

    @Test("A member that is not announced yet counts itself")
    func newcomer() {
        #expect(Shard.fairShare(of: "b", among: ["a"]) == 8)
        #expect(Shard.fairShare(of: "a", among: []) == 16)
    }
}

@Suite("Backoff")
struct BackoffTests {
    @Test("Doubles up to its limit, give or take a half")
    func doubling() {
        let backoff = Backoff(first: .seconds(1), longest: .seconds(60))
        var generator = SystemRandomNumberGenerator()
        for (failures, base) in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (1_000, 60)] {
            for _ in 0..<50 {
                let delay = backoff.delay(after: failures, using: &generator)
                #expect(delay >= .milliseconds(base * 500) && delay <= .milliseconds(base * 1_500))
            }
        }
    }
}

@Suite("Planning what a group reads")
struct CursorPlanTests {
    @Test("Shards at one place are read together")
    func together() throws {
        let plan = try #require(
            CursorPlan([
                Cursor(shard: 1, epoch: 1, tick: 7, eventID: 0), Cursor(shard: 0, epoch: 1, tick: 7, eventID: 0),
            ])
        )
        #expect(plan.shards == [0, 1])
        #expect(plan.tick == 7)
        #expect(plan.ceiling == .max)
        #expect(!plan.isPartial)
    }

    @Test("Those behind read up to where the others stand")
    func behind() throws {
        let plan = try #require(
            CursorPlan([
                Cursor(shard: 0, epoch: 1, tick: 9, eventID: 0), Cursor(shard: 1, epoch: 1, tick: 4, eventID: 0),
                Cursor(shard: 2, epoch: 1, tick: 7, eventID: 3),
            ])
        )
        #expect(plan.shards == [1])
        #expect(plan.ceiling == 7)
    }

    @Test("Shards within one tick are told apart by event")
    func parts() throws {
        let plan = try #require(
            CursorPlan([
                Cursor(shard: 0, epoch: 1, tick: 4, eventID: 20), Cursor(shard: 1, epoch: 1, tick: 4, eventID: 10),
            ])
        )
        #expect(plan.shards == [1])
        #expect(plan.isPartial)
        #expect(plan.eventID == 10)
        #expect(plan.ceiling == .max)
    }

    @Test("No shards, no plan")
    func none() {
        #expect(CursorPlan([]) == nil)
    }
}

/// A tick of that number.
private func mark(_ number: Int64) -> TickMark {
    TickMark(number: number, recordedAt: Timestamp(microseconds: 1_772_337_600_000_000))
}

@Suite("Positions of a feed")
struct FeedPositionTests {
    @Test(
        "Survive being text",
        arguments: [
            FeedPosition(timeline: 1, tick: mark(1)),
            FeedPosition(timeline: 2, tick: mark(5), part: .init(through: mark(9), eventID: 12)),
            FeedPosition(
                timeline: .max,
                tick: mark(.max - 1),
                asOf: Timestamp(seconds: 253_402_300_799),
                part: .init(through: mark(.max), eventID: 3)
            ),
        ]
    )
    func roundTrip(position: FeedPosition) {
        #expect(FeedPosition(position.description) == position)
    }

    @Test(
        "Anything else is refused",
        arguments: [
            "", "1", "1.2.3", "1.2.3.4.5", "1.2.3.4.5.6", "1.2.3.4.5.6.7.8", "1.a.0.0", "-1.0.0.0", "1.-2.0.0",
            "1.0.0.0 ",
            "1.2.3.", "1.5.1.1.4.1.1", "1.2.3.3.4.3.0", "1.2.3.3.4.253402300799000001.1", "1.2.253402300799000001.1",
            "1.2.1.253402300799000001", "1.99999999999999999999.0.0",
        ]
    )
    func malformed(text: String) {
        #expect(FeedPosition(text) == nil)
    }
}

@Suite("What a failed batch says")
struct BatchFailureTests {
    private func failure(_ state: SQLState) -> BatchFailure {
        BatchFailure(PostgresError.server(ServerError(sqlState: state, message: "")))
    }

    @Test(
        "A server in trouble says nothing about an event",
        arguments: ["40001", "40P01", "57P01", "53300", "25006", "08006", "58030"]
    )
    func passing(code: String) {
        guard case .passing = failure(SQLState(rawValue: code)) else {
            Issue.record("\(code) is taken for something else")
            return
        }
    }

    @Test("A refused row does", arguments: ["23505", "23514", "22P02", "22003", "P0001", "42501"])
    func poison(code: String) {
        guard case .poison = failure(SQLState(rawValue: code)) else {
            Issue.record("\(code) is taken for something else")
            return
        }
    }

    @Test("A limit of time may do", arguments: ["57014", "55P03"])
    func timeout(code: String) {
        guard case .timeout = failure(SQLState(rawValue: code)) else {
            Issue.record("\(code) is taken for something else")
            return
        }
    }
}

@Suite("Forming batches")
struct BatchQueueTests {
    private func entry(_ number: UInt64, _ subject: Int?) -> BatchQueue<Int>.Entry {
        BatchQueue<Int>.Entry(number: number, member: Int(number), subject: subject.map { BatchSubject($0) })
    }

    private func begin(_ queue: inout BatchQueue<Int>) -> [BatchQueue<Int>.Entry] {
        queue.begin() ?? []
    }

    private func fill(_ queue: inout BatchQueue<Int>, _ count: UInt64) -> Bool {
        (1...count).allSatisfy { queue.append(entry($0, nil)) }
    }

    @Test("One member for each subject, in order; the others come after")
    func subjects() {
        var queue = BatchQueue<Int>(limit: 10, batchesAtOnce: 2, waitingLimit: 100)
        for (number, subject) in [(1, 7), (2, 7), (3, 8), (4, nil), (5, nil)] as [(UInt64, Int?)] {
            _ = queue.append(entry(number, subject))
        }
        let first = begin(&queue)
        #expect(first.map(\.number) == [1, 3, 4, 5])
        let whileRunning = begin(&queue)
        #expect(whileRunning.isEmpty, "its subject is being executed")
        queue.end(first)
        let second = begin(&queue)
        #expect(second.map(\.number) == [2])
        queue.end(second)
        let third = begin(&queue)
        #expect(third.isEmpty)
    }

    @Test("Never more than the limit, nor more batches than may be in flight")
    func limits() {
        var queue = BatchQueue<Int>(limit: 2, batchesAtOnce: 2, waitingLimit: 7)
        let areTaken = fill(&queue, 7)
        let isTaken = queue.append(entry(8, nil))
        #expect(areTaken && !isTaken)
        let first = begin(&queue)
        let second = begin(&queue)
        let third = begin(&queue)
        #expect(first.map(\.number) == [1, 2])
        #expect(second.map(\.number) == [3, 4])
        #expect(third.isEmpty)
        queue.end(first)
        let fourth = begin(&queue)
        #expect(fourth.map(\.number) == [5, 6])
    }

    @Test("What is withdrawn is not executed")
    func withdrawal() {
        var queue = BatchQueue<Int>(limit: 10, batchesAtOnce: 1, waitingLimit: 10)
        _ = fill(&queue, 3)
        queue.withdraw(2)
        let batch = begin(&queue)
        #expect(batch.map(\.number) == [1, 3])
    }
}
