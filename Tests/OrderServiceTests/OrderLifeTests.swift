import HTTPTypes
import Model
import ServiceKit
import TestSupport
import Testing

@testable import OrderService

@Suite("An order's life over HTTP")
struct OrderLifeTests {
    @Test("placing answers with every payable, and writes each row once")
    func place() async throws {
        try await TestCampus.run { campus in
            let answer = try await campus.post("/v1/orders", campus.orderBody(externalID: "A-1"))
            #expect(answer.status == 201)
            #expect(answer["status"] == "placed")
            #expect(answer["version"] == 1)
            #expect(answer["external_id"] == "A-1")
            #expect(answer["totals"]?["payable_fen"] == 2_000)
            #expect(answer["totals"]?["lines_fen"] == 1_800)
            #expect(answer["totals"]?["discount_fen"] == 100)
            let lines = try #require(answer["lines"]?.array)
            let fees = try #require(answer["fees"])
            let parts =
                lines.compactMap { $0["payable_fen"]?.integer } + [
                    fees["delivery_payable_fen"]?.integer ?? -1, fees["packaging_payable_fen"]?.integer ?? -1,
                ]
            #expect(parts.reduce(0, +) == 2_000)
            #expect(answer.headers[.location] == "/v1/orders/\(answer.id)")
            #expect(answer.headers[.eTag] == "\"v1\"")
            #expect(try await campus.events(of: answer.id) == ["order.placed"])
            #expect(try await campus.timers(of: answer.id) == ["payment_deadline"])
            let read = try await campus.get("/v1/orders/\(answer.id)")
            #expect(read.body == answer.body)
        }
    }

    @Test("every step is one event, one row of the timeline, and one version")
    func wholeLife() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            try await campus.move(order, "pay", "accept", "ready", "pickup", "deliver", "complete")
            let read = try await campus.get("/v1/orders/\(order)")
            #expect(read["status"] == "completed")
            #expect(read["version"] == 7)
            #expect(read["rider"]?["id"] == "r_1")
            #expect(read["handover"] == ["kind": "door", "proof": ["code": "1234"]])
            #expect(read["totals"]?["paid_fen"] == 2_000)
            #expect(
                try await campus.events(of: order) == [
                    "order.placed", "order.paid", "order.accepted", "order.ready", "order.picked_up", "order.delivered",
                    "order.completed",
                ]
            )
            let timeline = try await campus.get("/v1/orders/\(order)/timeline")
            let items = try #require(timeline["items"]?.array)
            #expect(items.compactMap { $0["version"]?.integer } == Array(1...7))
            #expect(items.allSatisfy { $0["actor"] == "platform:app" })
            #expect(try await campus.timers(of: order).isEmpty)
        }
    }

    @Test("what a state does not allow is 409, names the state and what is allowed, and changes nothing")
    func illegal() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            let answer = try await campus.post("/v1/orders/\(order)/ready", as: "merchant:m_1")
            #expect(answer.status == 409)
            #expect(answer.code == "illegal-transition")
            #expect(answer["state"] == "placed")
            #expect(answer["allowed"] == ["report_exception", "state_line_facts"])
            #expect(try await campus.get("/v1/orders/\(order)")["version"] == 1)
        }
    }

    @Test("a customer's wish to cancel after acceptance is shown the way to after-sales")
    func cancelAfterAcceptance() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            try await campus.move(order, "pay", "accept")
            let answer = try await campus.post(
                "/v1/orders/\(order)/cancel",
                ["reason": "too slow"],
                as: "customer:stu_1"
            )
            #expect(answer.status == 409)
            #expect(answer.code == "after-sales-required")
            #expect(answer["link"]?.string == "/v1/after-sales-options?order_id=\(order)")
            let merchant = try await campus.post("/v1/orders/\(order)/cancel", ["reason": "fire"], as: "merchant:m_1")
            #expect(merchant["status"] == "cancelled")
            #expect(merchant["cancellation"] == ["by": "merchant:m_1", "reason": "fire"])
            #expect(try await campus.refundsDue(for: order) == ["cancelled 2000"])
        }
    }

    @Test("all faults of a request are named at once, and nothing is written")
    func faults() async throws {
        try await TestCampus.run { campus in
            let answer = try await campus.post(
                "/v1/orders",
                [
                    "customer": [:], "merchant": ["id": "m 1", "name": " "], "lines": [],
                    "dropoff": ["address": "x", "lat": 91], "promised_at": "tomorrow", "colour": "red",
                ]
            )
            #expect(answer.status == 422)
            #expect(
                answer.pointers == [
                    "/colour", "/customer/id", "/dropoff/lat", "/lines", "/merchant/id", "/merchant/name",
                    "/promised_at",
                ]
            )
            #expect(try await campus.count("orders") == 0)
            #expect(try await campus.count("orders_idempotency") == 0)
        }
    }

    @Test("a discount that is more than its base, or on no line, is 422")
    func discountFaults() async throws {
        try await TestCampus.run { campus in
            guard case .object(var body) = campus.orderBody() else { return }
            body["discounts"] = [
                ["funded_by": "merchant", "amount_fen": 1_501, "applies_to": "line", "line_no": 1],
                ["funded_by": "campus", "amount_fen": 1, "applies_to": "line", "line_no": 3],
            ]
            let unpriced = try await campus.post("/v1/orders", .object(body))
            #expect(unpriced.status == 422)
            #expect(unpriced.pointers == ["/discounts/0/amount_fen", "/discounts/1/line_no"])
            body["discounts"] = [["funded_by": "merchant", "amount_fen": 1, "applies_to": "line"]]
            #expect(try await campus.post("/v1/orders", .object(body)).pointers == ["/discounts/0/line_no"])
        }
    }

    @Test("an external number is one order's for ever")
    func externalID() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place(externalID: "A-1")
            let again = try await campus.post("/v1/orders", campus.orderBody(externalID: "A-1"))
            #expect(again.status == 409)
            #expect(again.code == "external-id-taken")
            #expect(again["order_id"]?.string == order)
            let other = try await campus.other()
            _ = try await other.place(externalID: "A-1")
            #expect(try await campus.count("orders") == 2)
        }
    }

    @Test("repeating a request under its key replays the answer; another body is refused")
    func idempotency() async throws {
        try await TestCampus.run { campus in
            let body = campus.orderBody(externalID: "A-1")
            let first = try await campus.post("/v1/orders", body, idempotencyKey: "k1")
            let again = try await campus.post("/v1/orders", body, idempotencyKey: "k1")
            #expect(again.status == 201)
            #expect(again.bytes == first.bytes)
            #expect(again.headers[.eTag] == first.headers[.eTag])
            #expect(HTTPField.Name("Idempotent-Replayed").flatMap { again.headers[$0] } == "true")
            let mismatch = try await campus.post(
                "/v1/orders",
                campus.orderBody(externalID: "A-2"),
                idempotencyKey: "k1"
            )
            #expect(mismatch.status == 422)
            #expect(mismatch.code == "idempotency-mismatch")
            #expect(try await campus.count("orders") == 1)

            try await campus.pay(first.id)
            let accepted = try await campus.post("/v1/orders/\(first.id)/accept", idempotencyKey: "k2")
            let replayed = try await campus.post("/v1/orders/\(first.id)/accept", idempotencyKey: "k2")
            #expect(replayed.bytes == accepted.bytes)
            #expect(
                try await campus.post("/v1/orders/\(first.id)/accept", idempotencyKey: "k3").code
                    == "illegal-transition"
            )
        }
    }

    @Test("the version is the ETag, and reading again without change is 304")
    func etag() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            let unchanged = try await campus.send(.get, "/v1/orders/\(order)", headers: [.ifNoneMatch: "\"v1\""])
            #expect(unchanged.status == 304)
            try await campus.pay(order)
            let changed = try await campus.send(.get, "/v1/orders/\(order)", headers: [.ifNoneMatch: "\"v1\""])
            #expect(changed.status == 200)
            #expect(changed.headers[.eTag] == "\"v2\"")
        }
    }

    @Test("orders of other platforms are tracked without payment")
    func foreign() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place(source: "meituan")
            #expect(try await campus.timers(of: order).isEmpty)
            #expect(try await campus.pay(order).code == "paid-elsewhere")
            try await campus.move(order, "accept", "ready", "pickup", "deliver")
            #expect(try await campus.get("/v1/orders/\(order)")["status"] == "delivered")
        }
    }

    @Test("lists filter, page by page, without gaps or repeats")
    func lists() async throws {
        try await TestCampus.run { campus in
            var placed: [String] = []
            for number in 0..<5 { placed.append(try await campus.place(externalID: "A-\(number)")) }
            _ = try await campus.place(customer: "stu_2")
            try await campus.move(placed[2], "pay")
            var seen: [String] = []
            var cursor = ""
            repeat {
                let page = try await campus.get("/v1/orders?customer_id=stu_1&limit=2\(cursor)")
                seen += (page["items"]?.array ?? []).compactMap { $0["id"]?.string }
                cursor = page["next_cursor"]?.string.map { "&cursor=\($0)" } ?? ""
            } while !cursor.isEmpty
            #expect(seen == placed.reversed())
            let one = try await campus.get("/v1/orders?external_id=A-3")
            #expect(one["items"]?.array?.compactMap { $0["id"]?.string } == [placed[3]])
            let paid = try await campus.get("/v1/orders?status=paid")
            #expect(paid["items"]?.array?.compactMap { $0["id"]?.string } == [placed[2]])
            let changes = try await campus.get("/v1/orders?updated_since=2020-01-01T00:00:00Z&limit=100")
            #expect(changes["items"]?.array?.last?["id"]?.string == placed[2])
            #expect(try await campus.get("/v1/orders?cursor=abc").status == 422)
            let foreign = Cursor(time: Timestamp(microseconds: .min), id: OrderID(high: 0, low: 0)).text
            #expect(try await campus.get("/v1/orders?cursor=\(foreign)").status == 422)
        }
    }
}
