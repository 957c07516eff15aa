import EventLog
import HTTPTypes
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import OrderService

@Suite("Races")
struct RaceTests {
    @Test("two cancels, one accept, two payments at once: each order ends in one way, and money is due back once")
    func acceptAgainstCancel() async throws {
        try await TestCampus.run { campus in
            for _ in 0..<12 {
                let order = try await campus.place()
                try await campus.pay(order)
                async let accept = campus.post("/v1/orders/\(order)/accept", as: "merchant:m_1")
                async let cancel = campus.post("/v1/orders/\(order)/cancel", ["reason": "x"], as: "customer:stu_1")
                async let again = campus.post("/v1/orders/\(order)/cancel", ["reason": "y"], as: "customer:stu_1")
                let answers = [try await accept, try await cancel, try await again]
                let statuses = answers.map(\.status)
                #expect(statuses.filter { $0 == 200 }.count == 1, "\(statuses)")
                #expect(statuses.allSatisfy { $0 == 200 || $0 == 409 })
                let due = try await campus.refundsDue(for: order)
                #expect(due == (answers[0].status == 200 ? [] : ["cancelled 2000"]))
                let versions = try await campus.versions(of: order)
                #expect(versions == Array(1...Int64(versions.count)))
            }
        }
    }

    @Test("two payments of one order at once: one settles it, the other is due back")
    func twoPayments() async throws {
        try await TestCampus.run { campus in
            for _ in 0..<10 {
                let order = try await campus.place()
                async let first = campus.pay(order, "\(order)-1")
                async let second = campus.pay(order, "\(order)-2")
                #expect([try await first.status, try await second.status] == [200, 200])
                #expect(try await campus.refundsDue(for: order) == ["duplicate 2000"])
            }
        }
    }

    @Test("one transaction reported for many orders at once is one order's; the others are told")
    func oneTransactionForMany() async throws {
        try await TestCampus.run { campus in
            var orders: [String] = []
            for _ in 0..<8 { orders.append(try await campus.place()) }
            let answers = try await concurrently(orders) { try await campus.pay($0, "same") }
            #expect(answers.filter { $0.status == 200 }.count == 1)
            #expect(answers.filter { $0.code == "payment-contradiction" }.count == 7)
            #expect(try await campus.count("payment") == 1)
            #expect(try await campus.get("/v1/orders?status=paid")["items"]?.array?.count == 1)
        }
    }

    @Test("a payment against its deadline: paid in time, or due back as late")
    func payAgainstDeadline() async throws {
        try await TestCampus.run(settings: ["payment_deadline_s": 1]) { campus in
            for _ in 0..<6 {
                let order = try await campus.place()
                async let clock = campus.post("/v1/test/clock/advance", ["seconds": 2])
                async let payment = campus.pay(order)
                #expect(try await clock.status == 200)
                #expect(try await payment.status == 200)
                try await campus.settled(order)
                let status = try await campus.get("/v1/orders/\(order)")["status"]?.string
                let due = try await campus.refundsDue(for: order)
                switch status {
                case "paid": #expect(due.isEmpty)
                case "cancelled": #expect(due == ["late 2000"])
                default: Issue.record("neither paid nor cancelled: \(status ?? "")")
                }
            }
        }
    }

    @Test("the same request many times at once is done once")
    func sameKey() async throws {
        try await TestCampus.run { campus in
            let body = campus.orderBody()
            let answers = try await concurrently(0..<20) { _ in
                try await campus.post("/v1/orders", body, idempotencyKey: "k")
            }
            #expect(Set(answers.map(\.status)).isSubset(of: [201, 409]))
            #expect(answers.filter { $0.status == 409 }.allSatisfy { $0.code == "idempotency-in-flight" })
            #expect(Set(answers.filter { $0.status == 201 }.map(\.id)).count == 1)
            #expect(try await campus.count("orders") == 1)
            #expect(try await campus.count("orders_event") == 1)
        }
    }

    @Test("one external number many times at once is one order's")
    func sameExternalID() async throws {
        try await TestCampus.run { campus in
            let answers = try await concurrently(0..<30) { number in
                try await campus.post("/v1/orders", campus.orderBody(externalID: "A-\(number % 3)"))
            }
            #expect(answers.filter { $0.status == 201 }.count == 3)
            #expect(answers.filter { $0.code == "external-id-taken" && $0["order_id"]?.string != nil }.count == 27)
            #expect(try await campus.count("orders") == 3)
            #expect(try await campus.count("orders_idempotency") == 3)
        }
    }

    @Test("in a batch, good orders are placed whatever becomes of the others")
    func mixedBatch() async throws {
        try await TestCampus.run { campus in
            let taken = try await campus.place(externalID: "taken")
            let now = SystemWallClock().now()
            @Sendable func new(_ key: String, externalID: String?, body: UInt8 = 1) throws -> NewOrder {
                var terms = try Example.terms()
                terms.externalID = externalID
                let transition = Order.placed(
                    terms,
                    id: OrderID.make(at: now),
                    campus: campus.id,
                    in: Example.context()
                )
                return try NewOrder(
                    transition,
                    key: campus.idempotencyKey(key, body: body),
                    actor: Actor(role: .platform, id: "app"),
                    trace: nil
                )
            }
            let held = try new("held", externalID: nil)
            let members = [
                try new("a", externalID: "fresh"), try new("b", externalID: "taken"), held,
                try new("c", externalID: nil),
            ]
            // The session keeps the lock until its pool closes: as though another request were at work under the same key.
            try await campus.database.pool(as: .orderService, size: 1).autocommit { session in
                _ = try session.one("select pg_advisory_lock(\(held.key.lockID))::text") { _ in true }
            }
            let pool = try campus.database.pool(as: .orderService)
            let store = OrderStore()
            let outcomes = try await pool.autocommit { try store.place(members, in: $0) }
            #expect(outcomes.map(\.name) == ["placed", "taken \(taken)", "inFlight", "placed"])
            let again = try await pool.autocommit {
                try store.place([members[0], try new("a", externalID: nil, body: 2)], in: $0)
            }
            #expect(again.map(\.name) == ["replayed", "mismatch"])
        }
    }
}

extension PlacingOutcome {
    fileprivate var name: String {
        switch self {
        case .placed: "placed"
        case .replayed: "replayed"
        case .mismatch: "mismatch"
        case .inFlight: "inFlight"
        case .taken(let order): "taken \(order)"
        }
    }
}

extension TestCampus {
    fileprivate func idempotencyKey(_ key: String, body: UInt8) -> IdempotencyKey {
        IdempotencyKey(
            campus: id,
            principal: "test",
            method: "POST",
            path: "/v1/orders",
            key: key,
            bodySHA256: SHA256Digest(of: [body])
        )
    }

    /// The versions in an order's timeline.
    fileprivate func versions(of order: String) async throws -> [Int64] {
        let id = try #require(OrderID(order))
        return try await pool.autocommit { session in
            try session.query("select version from campus.order_timeline where order_id = \(id) order by version") {
                try $0[0]
            }
        }
    }

    /// Waits until the payment deadline of an order has fired or was cancelled.
    fileprivate func settled(_ order: String) async throws {
        try await eventually("the deadline is settled") {
            try await !timers(of: order).contains("payment_deadline")
        }
    }
}

/// Does the same for every element at once.
func concurrently<Element: Sendable, Value: Sendable>(
    _ elements: some Sequence<Element>,
    _ body: @Sendable @escaping (Element) async throws -> Value
) async throws -> [Value] {
    try await withThrowingTaskGroup(of: Value.self) { group in
        for element in elements { group.addTask { try await body(element) } }
        return try await group.reduce(into: []) { $0.append($1) }
    }
}
