import EventLog
import HTTPTypes
import Logging
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import OrderService

@Suite("Forgetting customers and riders", .timeLimit(.minutes(5)))
struct ErasureTests {
    private static let reason = "call me at 13800138000"

    /// What stands in columns that hold something of a person, over all tables, as one text.
    private func everything(_ campus: TestCampus) async throws -> String {
        let tables = [
            "orders", "order_timeline", "order_exception", "order_position", "order_track", "payment", "orders_event",
        ]
        return try await campus.pool.autocommit { session in
            var rows: [String] = []
            for table in tables {
                let all = SQL(stringLiteral: "select row_to_json(t)::text from campus.\(table) t")
                rows += try session.query(all) { row -> String in try row[0] }
            }
            return rows.joined(separator: "\n")
        }
    }

    /// What must not change: money, versions and times.
    private func books(_ campus: TestCampus) async throws -> [String] {
        try await campus.pool.autocommit { session in
            try session.query(
                """
                select o.id || ' ' || o.version || ' ' || o.payable_fen || ' ' || o.paid_fen || ' ' || o.status || ' '
                    || o.customer_id || ' ' || o.updated_at || ' ' || o.lines || ' ' || coalesce(sum(a.amount_fen), 0)
                from campus.orders o left join campus.payment_allocation a on a.order_id = o.id
                group by o.campus_id, o.id order by o.id
                """
            ) { try $0[0] }
        }
    }

    private func ask(_ party: Party, _ campus: TestCampus, at time: Timestamp) async throws -> ErasureID {
        let request = ErasureRequest(id: .make(at: time), party: party, requestedAt: time, isTest: true)
        try await campus.database.pool(as: .afterSalesService, size: 1).transaction { session in
            try EventStore(stream: .afterSales).append(
                [
                    NewEvent(
                        type: request.type,
                        campus: campus.id,
                        subject: request.id.retyped(),
                        version: 1,
                        root: request.id.retyped(),
                        actor: .system("test"),
                        at: time,
                        payload: request.json
                    )
                ],
                in: session
            )
        }
        return request.id
    }

    private func state(_ id: ErasureID, _ campus: TestCampus) async throws -> Erasure? {
        try await campus.pool.autocommit { session in
            try ErasureStore(owner: .orders).find(id, in: campus.id, session: session)
        }
    }

    /// An order with everything that can be personal about it, delivered and completed.
    private func order(
        _ campus: TestCampus,
        customer: String = "stu_1",
        at clock: any WallClock = SystemWallClock()
    ) async throws -> String {
        guard var body = campus.orderBody(customer: customer).object else { return "" }
        body["client"] = ["ip": "203.0.113.9", "device_id": "device-77"]
        body["dropoff"] = ["address": "紫荆 7 号楼 404", "lat": 40.0001, "lng": 116.3001]
        let order = try await campus.post("/v1/orders", .object(body)).id
        guard var payment = campus.payBody("t-\(order)", paidAt: clock.now()).object else { return "" }
        payment["payer_openid"] = "oPAYER"
        #expect(try await campus.post("/v1/orders/\(order)/pay", .object(payment)).status == 200)
        try await campus.move(order, "accept", "ready", "pickup")
        let positions: JSON = ["positions": [["lat": 40.1, "lng": 116.3, "at": "2026-03-01T04:00:00Z"]]]
        #expect(try await campus.post("/v1/orders/\(order)/positions", positions).status == 204)
        let exception: JSON = ["kind": "unreachable", "note": .string(Self.reason)]
        let reported = try await campus.post("/v1/orders/\(order)/exceptions", exception, as: "rider:r_1")
        #expect(reported.status < 300)
        return order
    }

    @Test(
        "What an order says of its customer goes; money, versions and times stay; an order under way waits for its end"
    )
    func customer() async throws {
        let clock = ManualClock(SystemWallClock().now())
        try await TestCampus.run(clock: clock) { campus in
            let ended = try await order(campus, at: clock)
            try await campus.move(ended, "deliver", "complete")
            let cancelled = try await campus.place()
            _ = try await campus.post("/v1/orders/\(cancelled)/cancel", ["reason": .string(Self.reason)])
            let underWay = try await order(campus, at: clock)
            let others = try await order(campus, customer: "stu_2", at: clock)
            try await campus.move(others, "deliver", "complete")
            let before = try await books(campus)

            let id = try await ask(Party(kind: .customer, id: "stu_1"), campus, at: clock.now())
            try await eventually("the first round is done") { try await state(id, campus)?.waiting == 1 }
            let first = try #require(try await state(id, campus))
            #expect(first.erased == 2 && first.doneAt == nil)
            #expect(try await campus.get("/v1/orders/\(ended)")["dropoff"] == ["address": "(erased)"])
            #expect(try await campus.get("/v1/orders/\(ended)")["handover"] == ["kind": "door"])
            let seen = try await campus.get("/v1/orders/\(cancelled)")
            #expect(seen["cancellation"]?["reason"] == "(erased)")
            let timeline = try await campus.get("/v1/orders/\(cancelled)/timeline")
            #expect(!timeline.body.text.contains(Self.reason))
            #expect(try await campus.get("/v1/orders/\(underWay)")["dropoff"]?["address"] == "紫荆 7 号楼 404")
            #expect(try await books(campus) == before)

            try await campus.move(underWay, "deliver", "complete")
            let after = try await books(campus)
            clock.advance(by: .seconds(3_700))
            try await advance(campus)
            try await eventually("the second round is done") { try await state(id, campus)?.doneAt != nil }
            #expect(try await books(campus) == after)
            let all = try await everything(campus)
            let mine = all.split(separator: "\n").filter { !$0.contains(others) && !$0.contains("stu_2") }
            for trace in ["203.0.113.9", "device-77", "7 号楼", "40.0001", Self.reason] {
                #expect(!mine.contains { $0.contains(trace) }, "\(trace)")
            }
            #expect(try await campus.get("/v1/orders/\(others)")["dropoff"]?["address"] == "紫荆 7 号楼 404")
            #expect(all.contains("device-77") && all.contains(Self.reason))

            // WeChat Pay refunds for a year, and needs to know the payer as long.
            let keeps = try #require(try await state(id, campus)?.keepsUntil)
            #expect(keeps.duration(since: clock.now()) > .seconds(364 * 86_400))
            #expect(try await payers(campus) == 3)
            clock.set(to: keeps + .seconds(1))
            try await advance(campus)
            try await eventually("payers are erased") { try await state(id, campus)?.keepsUntil == nil }
            #expect(try await payers(campus) == 1)
        }
    }

    @Test("Past orders that are brought along after their people were erased are erased as well; later ones are not")
    func imported() async throws {
        try await TestCampus.run { campus in
            let id = try await ask(Party(kind: .customer, id: "stu_1"), campus, at: SystemWallClock().now())
            try await eventually("nothing is known of them") { try await state(id, campus)?.doneAt != nil }
            #expect(try await campus.importing(PastLine("past"))["imported"] == 1)
            try await eventually("the past is erased") {
                try await campus.order("past")["dropoff"] == ["address": "(erased)"]
            }
            try await eventually("the erasure is done again") { try await state(id, campus)?.doneAt != nil }
            #expect(try await state(id, campus)?.erased == 1)
            let later = try await campus.place(externalID: "later")
            #expect(try await campus.get("/v1/orders/\(later)")["dropoff"]?["address"] != "(erased)")
        }
    }

    @Test("An order under way to which nothing happened for a month is taken for over")
    func abandoned() async throws {
        let clock = ManualClock(SystemWallClock().now())
        try await TestCampus.run(clock: clock) { campus in
            let order = try await order(campus, at: clock)
            let before = try await books(campus)
            let id = try await ask(Party(kind: .customer, id: "stu_1"), campus, at: clock.now())
            try await eventually("the first round is done") { try await state(id, campus)?.waiting == 1 }
            clock.advance(by: .days(31))
            try await advance(campus)
            try await eventually("it is erased") { try await state(id, campus)?.doneAt != nil }
            #expect(try await campus.get("/v1/orders/\(order)")["dropoff"] == ["address": "(erased)"])
            #expect(try await books(campus) == before)
        }
    }

    @Test("What orders say of their rider goes: name, notes, way")
    func rider() async throws {
        let clock = ManualClock(SystemWallClock().now())
        try await TestCampus.run(clock: clock) { campus in
            let order = try await order(campus, at: clock)
            try await campus.move(order, "deliver", "complete")
            let id = try await ask(Party(kind: .rider, id: "r_1"), campus, at: clock.now())
            try await eventually("the erasure is done") { try await state(id, campus)?.doneAt != nil }
            let seen = try await campus.get("/v1/orders/\(order)")
            #expect(seen["rider"] == ["id": "r_1", "name": .null])
            #expect(seen["dropoff"]?["address"] == "紫荆 7 号楼 404")
            let all = try await everything(campus)
            #expect(!all.contains("Wang") && !all.contains(Self.reason) && !all.contains("\"lat\":40.1"))
        }
    }

    @Test("Hundreds of orders are erased in portions, and a shop's orders not at all")
    func portions() async throws {
        try await TestCampus.run { campus in
            try await copies(of: try await ended(campus), 450, campus)
            let time = SystemWallClock().now()
            let shop = try await ask(Party(kind: .merchant, id: "m_1"), campus, at: time)
            try await eventually("the shop's erasure is done") { try await state(shop, campus)?.doneAt != nil }
            #expect(try await state(shop, campus)?.erased == 0)
            let id = try await ask(Party(kind: .customer, id: "stu_1"), campus, at: time)
            try await eventually("the erasure is done") { try await state(id, campus)?.doneAt != nil }
            #expect(try await state(id, campus)?.erased == 451)
            let left: Int64 = try await campus.pool.autocommit { session in
                try session.one("select count(*) from campus.orders where dropoff <> '{\"address\": \"(erased)\"}'") {
                    try $0[0]
                }
            }
            #expect(left == 0)
        }
    }

    @Test("After three years orders forget their people, after a month positions go; the rest is passed over")
    func retention() async throws {
        let clock = ManualClock(SystemWallClock().now())
        try await TestCampus.run(clock: clock) { campus in
            let old = try await order(campus, at: clock)
            try await campus.move(old, "deliver", "complete")
            clock.advance(by: .seconds(400 * 86_400))
            let young = try await order(campus, at: clock)
            try await campus.move(young, "deliver", "complete")
            let before = try await books(campus)
            let aged = try #require(OrderID(old))
            try await campus.pool.autocommit { session in
                _ = try session.execute(
                    "update campus.order_track set recorded_at = now() - interval '40 days' where order_id = \(aged)"
                )
            }
            let manual = ManualClock(SystemWallClock().now())
            await follow(campus, manual)
            #expect(try await campus.count("order_track") == 1)
            #expect(try await campus.get("/v1/orders/\(old)")["dropoff"]?["address"] == "紫荆 7 号楼 404")

            clock.advance(by: .seconds(700 * 86_400))
            await follow(campus, clock)
            #expect(try await campus.get("/v1/orders/\(old)")["dropoff"] == ["address": "(erased)"])
            #expect(try await campus.get("/v1/orders/\(old)")["rider"]?["name"] == .null)
            #expect(try await campus.get("/v1/orders/\(young)")["dropoff"]?["address"] == "紫荆 7 号楼 404")
            #expect(try await books(campus) == before)
            clock.advance(by: .seconds(400 * 86_400))
            await follow(campus, clock)
            #expect(try await campus.get("/v1/orders/\(young)")["dropoff"] == ["address": "(erased)"])
        }
    }

    @Test(
        "Positions younger than a day are kept, whatever the clock says; orders under way are not erased, whoever asks"
    )
    func guards() async throws {
        try await TestCampus.run { campus in
            let order = try await order(campus)
            let pool = try campus.database.pool(as: .orderService, size: 1)
            let key = try #require(OrderID(order))
            try await pool.autocommit { session in
                let pruned: Int64 = try session.one("select campus.prune_positions(now() + interval '9 years', 100)") {
                    try $0[0]
                }
                #expect(pruned == 0)
                let erased: Int64 = try session.one(
                    "select campus.erase_orders(\(campus.id), 'customer', \([key]), now())"
                ) { try $0[0] }
                #expect(erased == 0)
            }
            #expect(try await campus.count("order_track") == 1)
            #expect(try await campus.get("/v1/orders/\(order)")["dropoff"]?["address"] == "紫荆 7 号楼 404")
        }
    }

    private func follow(_ campus: TestCampus, _ clock: ManualClock) async {
        await #expect(throws: Never.self) {
            let configuration = try ServiceConfiguration(OrderServiceDefinition.settings, values: [:])
            let pool = try campus.database.pool(as: .orderService, size: 2)
            let rules = try Retention.rules(
                configuration,
                pool: pool,
                directory: CampusDirectory(pool: pool, clock: clock, logger: .silent),
                clock: clock
            )
            await RetentionService(rules, logger: .silent).followAll()
        }
    }

    /// Timers go by the server's clock and the campus's offset, which is moved as far as the manual clock was.
    private func advance(_ campus: TestCampus) async throws {
        try await campus.pool.autocommit { session in
            _ = try session.execute(
                "update campus.orders_timer set due_at = now() - interval '1 second' where kind = \(EraseInRounds.timer)"
            )
        }
    }

    private func payers(_ campus: TestCampus) async throws -> Int64 {
        try await campus.pool.autocommit { session in
            try session.one("select count(*) from campus.payment where payer_openid is not null") { try $0[0] }
        }
    }

    private func ended(_ campus: TestCampus) async throws -> OrderID {
        let order = try await order(campus)
        try await campus.move(order, "deliver", "complete")
        return try #require(OrderID(order))
    }

    private func copies(of order: OrderID, _ count: Int, _ campus: TestCampus) async throws {
        try await campus.pool.transaction(TransactionOptions(statementTimeout: .seconds(60))) { session in
            _ = try session.execute(
                """
                insert into campus.orders
                select (jsonb_populate_record(null::campus.orders, to_jsonb(o) || jsonb_build_object('id', gen_random_uuid()))).*
                from campus.orders o, generate_series(1, \(Int32(count))) where o.id = \(order)
                """
            )
        }
    }
}
