import Model
import Postgres
import TestSupport
import Testing

@testable import OrderService

@Suite("Payments over HTTP")
struct PaymentTests {
    @Test("several payments may complete the price; what is too much is due back")
    func partialAndExcess() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            let partial = try await campus.pay(order, "t1", 700)
            #expect(partial["status"] == "placed")
            #expect(partial["totals"]?["paid_fen"] == 700)
            #expect(try await campus.timers(of: order) == ["payment_deadline"])
            let full = try await campus.pay(order, "t2", 1_500)
            #expect(full["status"] == "paid")
            #expect(full["totals"]?["paid_fen"] == 2_000)
            #expect(full["payments"]?.array?.compactMap { $0["purpose"]?.string } == ["partial", "settles", "excess"])
            #expect(try await campus.refundsDue(for: order) == ["excess 200"])
            #expect(try await campus.timers(of: order) == ["acceptance_deadline"])
        }
    }

    @Test("the same transaction is one payment, however often it is reported")
    func sameTransaction() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            let first = try await campus.pay(order, "t1")
            let again = try await campus.pay(order, "t1")
            #expect(again.status == 200)
            #expect(again.body == first.body)
            #expect(try await campus.count("payment") == 1)
            #expect(try await campus.refundsDue(for: order).isEmpty)
        }
    }

    @Test("a report that contradicts an earlier one is refused, and names it")
    func contradiction() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            let other = try await campus.place()
            let paid = try await campus.pay(order, "t1")
            let amount = try await campus.pay(order, "t1", 1_999)
            #expect(amount.status == 409)
            #expect(amount.code == "payment-contradiction")
            #expect(amount["payment_id"] == paid["payments"]?.array?.first?["payment_id"])
            #expect(try await campus.pay(other, "t1").code == "payment-contradiction")
            #expect(try await campus.get("/v1/orders/\(other)")["status"] == "placed")
            #expect(try await campus.count("payment") == 1)
        }
    }

    @Test("paid twice, paid late, cancelled when paid: each is due back exactly once")
    func causes() async throws {
        try await TestCampus.run { campus in
            let twice = try await campus.place()
            try await campus.pay(twice, "a1")
            try await campus.pay(twice, "a2")
            try await campus.pay(twice, "a2")
            #expect(try await campus.refundsDue(for: twice) == ["duplicate 2000"])

            let late = try await campus.place()
            try await campus.move(late, "cancel")
            try await campus.pay(late, "b1")
            try await campus.pay(late, "b1")
            #expect(try await campus.refundsDue(for: late) == ["late 2000"])
            #expect(try await campus.get("/v1/orders/\(late)")["totals"]?["paid_fen"] == 0)

            let rejected = try await campus.place()
            try await campus.pay(rejected, "c1", 2_100)
            try await campus.move(rejected, "reject")
            #expect(try await campus.post("/v1/orders/\(rejected)/reject", ["reason": "again"]).status == 409)
            #expect(try await campus.refundsDue(for: rejected) == ["excess 100", "cancelled 2000"])
        }
    }

    @Test("pretend money pays on a test campus only")
    func sandbox() async throws {
        try await TestCampus.run(isTest: false) { campus in
            let order = try await campus.place()
            #expect(try await campus.pay(order).pointers == ["/channel"])
            guard case .object(var several) = campus.payBody("t1") else { return }
            several["orders"] = [["order_id": .string(order), "amount_fen": 2_000]]
            #expect(try await campus.post("/v1/payments", .object(several)).pointers == ["/channel"])
            guard case .object(var real) = campus.payBody("t1") else { return }
            real["channel"] = "wechat"
            #expect(try await campus.post("/v1/orders/\(order)/pay", .object(real))["status"] == "paid")
        }
    }

    @Test("what a refund will need is kept as it was reported")
    func references() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            guard case .object(var body) = campus.payBody("t1") else { return }
            let references: JSONObject = [
                "out_trade_no": "O-1", "mchid": "1900000109", "sub_mchid": "1900000110", "payer_fen": 1_500,
                "payer_openid": "oUpF8uMuAJO",
            ]
            for member in references.members { body[member.name] = member.value }
            let paid = try await campus.post("/v1/orders/\(order)/pay", .object(body))
            #expect(paid.status == 200, "\(paid.body)")
            let stored: JSON = try await campus.pool.autocommit { session in
                try session.one(
                    """
                    select to_jsonb(r) from (
                        select out_trade_no, mchid, sub_mchid, payer_fen, payer_openid from campus.payment
                    ) r
                    """
                ) { try $0[0] }
            }
            for member in references.members { #expect(stored[member.name] == member.value, "\(member.name)") }
        }
    }

    @Test("of one payment for several orders, each takes what it can use, and gives back its own part alone")
    func severalStates() async throws {
        try await TestCampus.run { campus in
            var orders: [String] = []
            for _ in 0..<4 { orders.append(try await campus.place()) }
            let cancelled = orders[0]
            let paid = orders[1]
            try await campus.move(cancelled, "cancel")
            try await campus.pay(paid)
            guard case .object(var body) = campus.payBody("t1", 8_000) else { return }
            body["orders"] = .array(orders.map { ["order_id": .string($0), "amount_fen": 2_000] })
            let answer = try await campus.post("/v1/payments", .object(body))
            #expect(answer.status == 201, "\(answer.body)")
            #expect(
                answer["orders"]?.array?.compactMap { $0["status"]?.string } == ["cancelled", "paid", "paid", "paid"]
            )
            #expect(try await campus.refundsDue(for: cancelled) == ["late 2000"])
            #expect(try await campus.refundsDue(for: paid) == ["duplicate 2000"])
            #expect(try await campus.refundsDue(for: orders[2]).isEmpty)
            try await campus.move(orders[2], "cancel")
            #expect(try await campus.refundsDue(for: orders[2]) == ["cancelled 2000"])
            #expect(try await campus.refundsDue(for: orders[3]).isEmpty)
            #expect(try await campus.get("/v1/orders/\(orders[3])")["totals"]?["paid_fen"] == 2_000)
        }
    }

    @Test("one payment settles several orders, all or none")
    func severalOrders() async throws {
        try await TestCampus.run { campus in
            let orders = [try await campus.place(), try await campus.place()]
            func report(_ ids: [String], _ amounts: [Int64], total: Int64, transaction: String = "t1") -> JSON {
                guard case .object(var body) = campus.payBody(transaction, total) else { return .null }
                body["orders"] = .array(
                    zip(ids, amounts).map { ["order_id": .string($0), "amount_fen": .integer($1)] }
                )
                return .object(body)
            }
            let sum = try await campus.post("/v1/payments", report(orders, [2_000, 1_999], total: 4_000))
            #expect(sum.status == 422)
            #expect(sum.pointers == ["/orders"])
            let twice = try await campus.post(
                "/v1/payments",
                report([orders[0], orders[0]], [2_000, 2_000], total: 4_000)
            )
            #expect(twice.pointers == ["/orders/1/order_id"])
            let unknown = OrderID.make(at: Timestamp(seconds: 0)).description
            let missing = try await campus.post(
                "/v1/payments",
                report([orders[0], unknown], [2_000, 2_000], total: 4_000)
            )
            #expect(missing.pointers == ["/orders/1/order_id"])
            #expect(try await campus.get("/v1/orders/\(orders[0])")["status"] == "placed")

            let paid = try await campus.post("/v1/payments", report(orders, [2_000, 2_000], total: 4_000))
            #expect(paid.status == 201)
            #expect(paid["orders"]?.array?.compactMap { $0["status"]?.string } == ["paid", "paid"])
            let again = try await campus.post("/v1/payments", report(orders, [2_000, 2_000], total: 4_000))
            #expect(again.body == paid.body)
            let other = try await campus.post("/v1/payments", report(orders, [1_900, 2_100], total: 4_000))
            #expect(other.code == "payment-contradiction")
            #expect(try await campus.count("payment") == 1)
            #expect(try await campus.count("payment_allocation") == 2)
        }
    }

    @Test("an order that costs nothing is paid with nothing")
    func free() async throws {
        try await TestCampus.run { campus in
            guard case .object(var body) = campus.orderBody() else { return }
            body["discounts"] = [["funded_by": "campus", "amount_fen": 2_100]]
            let order = try await campus.post("/v1/orders", .object(body)).id
            #expect(try await campus.pay(order, "t1", 0)["status"] == "paid")
            let costly = try await campus.place()
            #expect(try await campus.pay(costly, "t2", 0).pointers == ["/amount_fen"])
        }
    }

    @Test("a payment's faults are named at once")
    func faults() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            let answer = try await campus.post(
                "/v1/orders/\(order)/pay",
                ["channel": "cash", "transaction_id": "", "amount_fen": -1, "paid_at": "2999-01-01T00:00:00Z"]
            )
            #expect(answer.pointers == ["/amount_fen", "/channel", "/transaction_id"])
            let ahead = try await campus.post(
                "/v1/orders/\(order)/pay",
                campus.payBody("t1", paidAt: Timestamp(seconds: 32_000_000_000))
            )
            #expect(ahead.pointers == ["/paid_at"])
            let payer = try await campus.post(
                "/v1/orders/\(order)/pay",
                [
                    "channel": "wechat", "transaction_id": "t", "amount_fen": 2_000, "paid_at": "2026-03-01T00:00:00Z",
                    "payer_fen": 2_001,
                ]
            )
            #expect(payer.pointers == ["/payer_fen"])
            #expect(try await campus.count("payment") == 0)
        }
    }
}
