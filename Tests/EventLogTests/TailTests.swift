import Model
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import EventLog

@Suite("Tails")
struct TailTests {
    @Test("A tail sees what is appended after it started, in order, and nothing older")
    func fromNowOn() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            try await pool.append([example(version: 1)])
            try await pool.tick()
            var tail = Tail(stream: .orders, pool: try database.pool(as: .notifyService), poll: .milliseconds(20))
            try await tail.start()
            for version in 2...5 {
                try await pool.append([example(version: Int64(version))])
                if version.isMultiple(of: 2) { try await pool.tick() }
            }
            try await pool.tick()
            var seen: [Int64] = []
            while seen.count < 4 {
                guard case .events(let events) = try await tail.next() else { continue }
                seen += events.map(\.version)
            }
            #expect(seen == [2, 3, 4, 5])
        }
    }

    @Test("A large tick comes in parts, each event once")
    func parts() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            var tail = Tail(stream: .orders, pool: pool, poll: .milliseconds(20), limit: 50)
            try await tail.start()
            try await pool.append((0..<230).map { _ in example() })
            try await pool.tick()
            try await pool.append([example(version: 9)])
            try await pool.tick()
            var seen: [RecordedEvent] = []
            while seen.last?.version != 9 {
                guard case .events(let events) = try await tail.next() else { continue }
                #expect(events.count <= 50)
                seen += events
            }
            #expect(seen.count == 231)
            #expect(seen.map(\.id) == seen.map(\.id).sorted())
            #expect(Set(seen.map(\.id)).count == 231)
        }
    }

    @Test("A notification wakes it long before its poll")
    func waking() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            let listener = try Listener(
                try database.configuration(as: .notifyService),
                channels: ["orders"],
                logger: .silent
            )
            let signal = listener.signal(for: "orders")
            let ticker = Ticker(pool: try database.pool(as: .orderService, size: 1), logger: .silent)
            let start = Tail(
                stream: .orders,
                pool: try database.pool(as: .notifyService),
                wakeup: signal,
                poll: .seconds(60)
            )
            try await running([listener, ticker]) {
                var tail = start
                try await tail.start()
                try await pool.append([example(version: 3)])
                ticker.hint()
                let begin = ContinuousClock.now
                guard case .events(let events) = try await tail.next() else {
                    Issue.record("it restarted")
                    return
                }
                #expect(events.map(\.version) == [3])
                #expect(ContinuousClock.now - begin < .seconds(5))
            }
        }
    }

    @Test("A tick lost in a crash of the server is noticed")
    func lostTick() async throws {
        try await withDatabase { database in
            let admin = try database.pool(size: 1)
            let pool = try database.pool(as: .orderService)
            try await pool.append([example()])
            try await pool.tick()
            var tail = Tail(stream: .orders, pool: pool, poll: .milliseconds(20))
            try await tail.start()
            // What a crash does to an asynchronous commit: the tick's number goes to another snapshot.
            try await admin.autocommit { session in
                try session.execute("delete from campus.tick where tick = (select max(tick) from campus.tick)")
            }
            guard case .restarted = try await tail.next() else {
                Issue.record("it was not noticed")
                return
            }
            try await pool.append([example(version: 8)])
            try await pool.tick()
            guard case .events(let events) = try await tail.next() else {
                Issue.record("it restarted twice")
                return
            }
            #expect(events.last?.version == 8)
        }
    }
}
