import Model
import Postgres
import TestSupport
import Testing

@testable import EventLog

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
    @Test("A tick lost in a crash, whose number another got, makes a reader miss nothing", arguments: [false, true])
    func lostTick(isPartial: Bool) async throws {
        try await withDatabase { database in
            let admin = try database.pool(size: 1)
            let pool = try database.pool(as: .orderService)
            let reader = FeedReader(streams: [.orders])
            try await pool.append([example(version: 1)])
            try await pool.tick()
            let before = try await pool.autocommit { try reader.newest(in: $0) }
            try await pool.append([example(version: 2), example(version: 3)])
            let lost = try await pool.tick()
            let position = try await pool.autocommit { session in
                try reader.read(after: before, campus: exampleCampus, limit: isPartial ? 1 : 10, in: session).next
            }
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
            let versions = try await pool.autocommit { session in
                var versions: [Int64] = []
                var page = try reader.read(after: position, campus: exampleCampus, limit: 10, in: session)
                while !page.isAtEnd {
                    versions += page.events.map(\.version)
                    page = try reader.read(after: page.next, campus: exampleCampus, limit: 10, in: session)
                }
                return versions
            }
            #expect(versions == [2, 3, 4, 5])
        }
    }
}
