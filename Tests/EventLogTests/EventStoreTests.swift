import Model
import Postgres
import TestSupport
import Testing

@testable import EventLog

@Suite("Appending events")
struct EventStoreTests {
    @Test("Events get rising ids in the order given, and come back as they were")
    func order() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            let roots = (0..<100).map { _ in AnyID.new() }
            try await pool.append(roots.reversed().map { example($0) })
            try await pool.tick()
            let reader = FeedReader(streams: [.orders])
            let page = try await database.pool(as: .notifyService, size: 1).transaction { session in
                try reader.read(after: reader.oldest(in: session), campus: exampleCampus, limit: 200, in: session)
            }
            #expect(page.events.map(\.root) == roots.reversed())
            #expect(page.events.map(\.id) == page.events.map(\.id).sorted())
            let first = try #require(page.events.first)
            #expect(first.type == "order.placed")
            #expect(first.stream == .orders)
            #expect(first.actor == "customer:stu_1")
            #expect(try first.payload == ["note": "午餐 🍜"])
            #expect(first.campus == exampleCampus)
        }
    }

    @Test("A shard is the last digit of the root's id, in Swift and in the database")
    func shards() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            let roots = (0..<200).map { _ in AnyID.new() }
            try await pool.append(roots.map { example($0) })
            let stored: [(AnyID, Int16)] = try await pool.autocommit { session in
                try session.query("select root_id, shard from campus.orders_event") { (try $0[0], try $0[1]) }
            }
            #expect(stored.count == 200)
            #expect(stored.allSatisfy { Shard.of($0.0) == $0.1 })
            #expect(Set(stored.map(\.1)).count == 16)
        }
    }

    @Test(
        "Only the owner appends to a stream, and it chooses neither id nor time",
        arguments: [
            (TestRole.orderService, "orders"), (.afterSalesService, "after_sales"), (.notifyService, "notifications"),
        ]
    )
    func owner(role: TestRole, prefix: String) async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: role)
            let own = try #require(EventStream(rawValue: prefix))
            try await pool.append([example()], to: own)
            for other in EventStream.allCases where other != own {
                await #expect(throws: PostgresError.self) { try await pool.append([example()], to: other) }
                let count: Int = try await pool.number("select count(*) from \(EventStore(stream: other).table)")
                #expect(count == 0)
            }
            for column in ["id", "xid", "recorded_at", "shard"] {
                let mayInsert: Bool = try await pool.autocommit { session in
                    try session.one(
                        "select has_column_privilege(\("campus.\(prefix)_event"), \(column), 'insert')"
                    ) { try $0[0] }
                }
                #expect(!mayInsert, "\(column)")
            }
        }
    }
}
