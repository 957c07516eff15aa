import Logging
import Model
import Postgres
import TestSupport
import Testing

@testable import EventLog

/// A reader of the feed with a connection of its own.
private struct Follower {
    let reader: FeedReader
    let pool: ConnectionPool
    var campus = exampleCampus
    var filter = FeedFilter()

    init(_ database: TestDatabase, streams: [EventStream] = [.orders]) throws {
        reader = FeedReader(streams: streams)
        pool = try database.pool(as: .notifyService, size: 1)
    }

    func oldest() async throws -> FeedPosition { try await pool.autocommit { try reader.oldest(in: $0) } }
    func newest() async throws -> FeedPosition { try await pool.autocommit { try reader.newest(in: $0) } }

    func page(after position: FeedPosition, limit: Int = 10) async throws -> FeedPage {
        // A position survives being text, as readers keep it.
        let position = try #require(FeedPosition(position.description))
        return try await pool.autocommit { session in
            try reader.read(after: position, campus: campus, matching: filter, limit: limit, in: session)
        }
    }

    /// Everything from a position to the end, where that is, and how many pages it took.
    func rest(
        after position: FeedPosition,
        limit: Int = 10
    ) async throws -> (events: [RecordedEvent], end: FeedPosition, pages: Int) {
        var (position, events, pages) = (position, [RecordedEvent](), 0)
        while true {
            let page = try await page(after: position, limit: limit)
            #expect(page.events.count <= limit)
            events += page.events
            position = page.next
            pages += 1
            if page.isAtEnd { return (events, position, pages) }
        }
    }
}

@Suite("Reading the past")
struct FeedReaderTests {
    private static let other = CampusID(high: 9, low: 9)

    @Test("Pages of a campus, from the oldest event to the end and on from there", arguments: [1, 3, 7, 100])
    func pages(limit: Int) async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            for number in 0..<12 {
                try await pool.append(
                    (0..<Int.random(in: 1...9)).map { _ in
                        example(campus: number.isMultiple(of: 3) ? Self.other : exampleCampus)
                    }
                )
                if number.isMultiple(of: 2) { try await pool.tick() }
            }
            try await pool.tick()
            let expected: [Int64] = try await pool.autocommit { session in
                try session.query("select id from campus.orders_event where campus_id = \(exampleCampus) order by id") {
                    try $0[0]
                }
            }
            let follower = try Follower(database, streams: EventStream.allCases)
            let read = try await follower.rest(after: follower.oldest(), limit: limit)
            #expect(read.events.map(\.id) == expected)
            let again = try await follower.rest(after: read.end, limit: limit)
            #expect(again.events.isEmpty)
            try await pool.append([example(campus: Self.other), example()])
            try await pool.tick()
            #expect(try await follower.rest(after: read.end, limit: limit).events.count == 1)
        }
    }

    @Test(
        "Twelve writers, rollbacks and a transaction held open: a reader gets each event once, those of a root in order",
        .timeLimit(.minutes(5))
    )
    func lateCommits() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService, size: 14)
            let subjects = (0..<40).map { _ in AnyID.new() }
            try await effects.add(subjects)
            let ticker = Ticker(pool: try database.pool(as: .orderService, size: 1), logger: .silent)
            let follower = try Follower(database)
            let start = try await follower.oldest()
            let isWritten = Flag()
            try await running([ticker]) {
                async let writing: Void = writeAtOnce(to: subjects, through: pool, ticker)
                async let reading: Int = {
                    var (position, pages) = (start, 0)
                    while true {
                        let isLast = isWritten.value
                        let page = try await follower.page(after: position, limit: 20)
                        try await effects.pool.autocommit { session in
                            try Effects.record(page.events, by: "follower", in: session)
                        }
                        (position, pages) = (page.next, pages + 1)
                        if isLast, page.isAtEnd { return pages }
                    }
                }()
                try await writing
                try await eventually("all is ticked") { try await pool.tick() == 0 }
                isWritten.set()
                #expect(try await reading > 20)
            }
            #expect(try await effects.appended().count > 200)
            #expect(try await effects.faults(of: "follower") == Faults())
        }
    }

    @Test("Other campuses are nothing to a reader: neither their events nor the ticks they make cost it a page")
    func busyNeighbour() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            let follower = try Follower(database)
            let start = try await follower.oldest()
            try await pool.append([example(version: 1)])
            for _ in 0..<120 {
                try await pool.append((0..<10).map { _ in example(campus: Self.other) })
                try await pool.tick()
            }
            try await pool.append([example(version: 2)])
            try await pool.tick()
            let read = try await follower.rest(after: start)
            #expect(read.events.map(\.version) == [1, 2])
            #expect(read.pages == 1)
        }
    }

    @Test("A filter passes over what it does not let through, a bounded part of it at once")
    func filters() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            let cases = try database.pool(as: .afterSalesService)
            var follower = try Follower(database, streams: [.orders, .afterSales])
            let start = try await follower.oldest()
            let root = AnyID.new()
            try await pool.append([example(root, type: .orderPaid)])
            for _ in 0..<25 {
                try await pool.append((0..<100).map { _ in example() })
                try await pool.tick()
            }
            try await cases.append([example(root, type: .caseOpened)], to: .afterSales)
            try await pool.append([example(root, version: 2, type: .orderAccepted), example(type: .clockAdvanced)])
            try await pool.tick()
            func types(_ filter: FeedFilter) async throws -> (types: [String], pages: Int) {
                follower.filter = filter
                let read = try await follower.rest(after: start)
                return (read.events.map(\.type), read.pages)
            }
            let exact = try await types(FeedFilter(types: ["order.paid", "order.accepted"]))
            #expect(exact.types == ["order.paid", "order.accepted"])
            #expect(exact.pages > 1)
            #expect(try await types(FeedFilter(types: ["case.*"])).types == ["case.opened"])
            #expect(try await types(FeedFilter(root: root)).types == ["order.paid", "case.opened", "order.accepted"])
            #expect(try await types(FeedFilter(types: ["order.paid"], root: .new())).types.isEmpty)
            let rest = FeedFilter(excludedTypes: ["campus.clock_advanced", "order.placed"])
            #expect(try await types(rest).types == ["order.paid", "case.opened", "order.accepted"])
        }
    }

    @Test("A tick lost in a crash, whose number another got, makes a reader miss nothing", arguments: [false, true])
    func lostTick(isPartial: Bool) async throws {
        try await withDatabase { database in
            let admin = try database.pool(size: 1)
            let pool = try database.pool(as: .orderService)
            let follower = try Follower(database)
            try await pool.append([example(version: 1)])
            try await pool.tick()
            let before = try await follower.newest()
            try await pool.append([example(version: 2), example(version: 3)])
            let lost = try await pool.tick()
            let position = try await follower.page(after: before, limit: isPartial ? 1 : 10).next
            // What a crash does to a tick, which is committed asynchronously: another gets its number, after more has happened.
            try await admin.autocommit { try $0.execute("delete from campus.tick where tick = \(lost)") }
            try await pool.append([example(version: 4)])
            try await admin.autocommit { session in
                try session.execute(
                    """
                    insert into campus.tick (tick, snapshot, xid, recorded_at, keep) overriding system value
                    values (\(lost), pg_current_snapshot(), pg_current_xact_id(), statement_timestamp(), true)
                    """
                )
            }
            try await pool.append([example(version: 5)])
            try await pool.tick()
            #expect(try await follower.rest(after: position).events.map(\.version) == [2, 3, 4, 5])
        }
    }

    @Test("A reader that is behind what is kept is told so, and where it can go on; one that keeps asking never is")
    func expired() async throws {
        try await withDatabase { database in
            let admin = try database.patientPool()
            let pool = try database.pool(as: .orderService)
            let follower = try Follower(database)
            // The log as it would have been forty days ago, and idle since.
            try await admin.transaction { session in
                try session.execute(
                    "select count(*) from campus.make_event_partitions(current_date - 41, current_date)"
                )
                try session.execute("update campus.tick set recorded_at = recorded_at - interval '40 days'")
                try session.execute(
                    """
                    insert into campus.orders_event (
                        recorded_at, campus_id, type, subject_id, subject_version, root_id, actor, occurred_at, payload
                    ) values (now() - interval '40 days', \(exampleCampus), 'order.placed', gen_random_uuid(), 1,
                        gen_random_uuid(), 'system:x', now(), '{}')
                    """
                )
            }
            let behind = try await follower.newest()
            let absent = FeedPosition(timeline: behind.timeline, tick: behind.tick)
            try await pool.tick()
            try await admin.autocommit { session in
                try session.execute(
                    "update campus.tick set recorded_at = recorded_at - interval '40 days' where tick > 1"
                )
            }
            #expect(try await follower.rest(after: absent).events.count == 1, "as long as it is there, it can be read")
            let asking = try await follower.rest(after: behind).end

            let findings = try await UpkeepService(pool: pool, retention: .days(30), logger: .silent).runOnce()
            #expect(findings.contains { $0.event == "partition.dropped" })
            try await pool.append([example(version: 7)])
            try await pool.tick()
            let lost = await #expect(throws: FeedPositionLost.self) { try await follower.page(after: absent) }
            #expect(lost?.reason == .expired)
            let resume = try #require(lost?.resume)
            #expect(try await follower.rest(after: resume).events.map(\.version) == [7])
            #expect(try await follower.rest(after: follower.oldest()).events.map(\.version) == [7])
            #expect(try await follower.rest(after: asking).events.map(\.version) == [7], "it had read all there was")
        }
    }

    @Test("After a failover a position says so, and where it lies now")
    func timeline() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            let follower = try Follower(database)
            try await pool.append([example(version: 1)])
            try await pool.tick()
            let here = try await follower.newest()
            try await pool.append([example(version: 2)])
            try await pool.tick()
            let former = FeedPosition(timeline: here.timeline + 1, tick: here.tick)
            let lost = await #expect(throws: FeedPositionLost.self) { try await follower.page(after: former) }
            #expect(lost?.reason == .epoch)
            let resume = try #require(lost?.resume)
            #expect(try await follower.rest(after: resume).events.map(\.version) == [2])
        }
    }

    @Test("Says in which campuses something happened, and in which nothing did")
    func advance() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            let follower = try Follower(database)
            let campuses = Set((1...50).map { CampusID(high: 1, low: $0) })
            let start = try await follower.newest()
            func advance(since position: FeedPosition) async throws -> FeedAdvance {
                try await follower.pool.autocommit { session in
                    try follower.reader.advance(of: campuses, since: position, in: session)
                }
            }
            #expect(try await advance(since: start).campuses.isEmpty)
            let moved = Set(campuses.prefix(2))
            try await pool.append(moved.map { example(campus: $0) } + [example()])
            try await pool.tick()
            let first = try await advance(since: start)
            #expect(first.campuses == moved)
            #expect(try await advance(since: first.position).campuses.isEmpty)
            // Where it cannot be told, everybody has to look.
            let unknown = FeedPosition(timeline: 1, tick: TickMark(number: 999, recordedAt: start.tick.recordedAt))
            #expect(try await advance(since: unknown).campuses == campuses)
        }
    }
}
