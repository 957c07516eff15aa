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

@Suite("Reading the past")
struct FeedReaderTests {
    @Test("Pages of a campus, from the oldest event to the end and on from there", arguments: [1, 3, 7, 100])
    func pages(limit: Int) async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            let other = CampusID(high: 9, low: 9)
            var expected: [Int64] = []
            for number in 0..<12 {
                try await pool.append(
                    (0..<Int.random(in: 1...9)).map { _ in
                        example(campus: number.isMultiple(of: 3) ? other : exampleCampus)
                    }
                )
                if number.isMultiple(of: 2) { try await pool.tick() }
            }
            try await pool.tick()
            expected = try await pool.autocommit { session in
                try session.query("select id from campus.orders_event where campus_id = \(exampleCampus) order by id") {
                    try $0[0]
                }
            }
            let reader = FeedReader(streams: EventStream.allCases)
            var position = try await pool.transaction { try reader.oldest(in: $0) }
            var read: [Int64] = []
            while true {
                let from = position
                let page = try await pool.transaction { session in
                    try reader.read(after: from, campus: exampleCampus, limit: limit, in: session)
                }
                #expect(page.events.count <= limit)
                read += page.events.map(\.id)
                // A position survives being text, as readers keep it.
                position = try #require(FeedPosition(page.next.description))
                if page.isAtEnd { break }
            }
            #expect(read.count == expected.count)
            #expect(Set(read) == Set(expected))
            let end = position
            #expect(try await pool.transaction { try reader.newest(in: $0) } == end)
        }
    }
}
