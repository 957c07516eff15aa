import HTTPTypes
import Model
import Postgres
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("Opening a case", .timeLimit(.minutes(5)))
struct OpenCaseTests {
    @Test("A late order is refunded in the request, and the money comes back by itself")
    func lateOrder() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(minutesLate: 20).insert(campus)
            let opened = try await campus.openCase(order.id, .late)
            #expect(opened.status == 201)
            #expect(opened.verdict == "approved")
            #expect(opened["status"] == "executing")
            #expect(opened["approved_fen"] == .integer(order.payable))
            #expect(opened["refund"]?["amount_fen"] == .integer(order.payable))
            #expect(opened["decision"]?["reasons"]?.array?.first?["zh-CN"]?.string?.contains("20分钟") == true)
            #expect(opened["decision"]?["policy_version"] == 1)
            let stages = opened["progress"]?.array?.map { "\($0["stage"]?.string ?? "") \($0["status"]?.string ?? "")" }
            #expect(stages == ["submitted done", "decision done", "refund current", "follow_up pending"])

            let resolved = try await campus.awaitCase(opened.id, "the case is resolved") { $0["status"] == "resolved" }
            #expect(resolved["refund"]?["status"] == "succeeded")
            #expect(try await campus.promised(order.id) == (0, order.payable))
            let refund = try await campus.send(
                .get,
                "/v1/refunds/\(resolved["refund"]?["id"]?.string ?? "")",
                as: "customer:stu_1"
            )
            #expect(refund["out_refund_no"]?.string?.count == 33)
            #expect(refund["settled_at"]?.string != nil)

            let timeline = try await campus.send(.get, "/v1/cases/\(opened.id)/timeline", as: "customer:stu_1")
            let types = timeline["entries"]?.array?.compactMap { $0["type"]?.string }
            #expect(
                types == [
                    "case.opened", "case.decided", "refund.created", "refund.submitting", "refund.processing",
                    "refund.succeeded", "case.resolved",
                ]
            )
            let explained = try await campus.send(.get, "/v1/cases/\(opened.id)/explanation", as: "customer:stu_1")
            #expect(explained.rules("approves") == ["late"])
            #expect(explained["decisions"]?.array?.first?["rules"]?.array?.count == Rule.refund.count + 1)
            #expect(
                try await campus.number(
                    "select sum(amount_fen)::bigint from campus.ledger_entry where credit = 'customer:stu_1'"
                ) == order.payable
            )
        }
    }

    @Test("Every change of a case and a refund is an event, once, in order")
    func events() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(minutesLate: 20).insert(campus)
            let opened = try await campus.openCase(order.id, .late)
            try await campus.awaitCase(opened.id, "the case is resolved") { $0["status"] == "resolved" }
            let types = try await campus.pool.transaction { session in
                try session.query(
                    "select type from campus.after_sales_event where root_id = \(order.id) order by id"
                ) { row in try row["type"] as String }
            }
            #expect(
                types == [
                    "case.opened", "case.decided", "refund.created", "refund.processing", "refund.succeeded",
                    "case.resolved",
                ]
            )
        }
    }

    @Test("Lines are refunded unit by unit, and all units together come to what the line cost")
    func units() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(minutesLate: 30).insert(campus)
            var amounts: [Int64] = []
            for _ in 0..<3 {
                let opened = try await campus.openCase(order.id, .late, lines: [["line_no": 2, "quantity": 1]])
                #expect(opened.verdict == "approved")
                amounts.append(opened["approved_fen"]?.integer ?? 0)
            }
            #expect(amounts == [333, 333, 334])
            let fourth = try await campus.openCase(order.id, .late, lines: [["line_no": 2, "quantity": 1]])
            #expect(fourth.status == 422)
            #expect(fourth.pointers == ["/lines/0/quantity"])
            let rest = try await campus.openCase(order.id, .late)
            #expect(rest["approved_fen"] == .integer(order.payable - 1_000))
            let nothing = try await campus.openCase(order.id, .late)
            #expect(nothing.code == "nothing-refundable")
        }
    }

    @Test("What rules cannot decide waits for a person, and one open case may ask for an item")
    func inReview() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture().insert(campus)
            let opened = try await campus.openCase(order.id, .quality, lines: [["line_no": 1, "quantity": 1]])
            #expect(opened.verdict == "in_review")
            #expect(opened["status"] == "in_review")
            #expect(opened["refund"] == .null)
            #expect(opened["progress"]?.array?[1]["eta"]?.string == opened["review_due_at"]?.string)
            let again = try await campus.openCase(order.id, .spilled, lines: [["line_no": 1, "quantity": 1]])
            #expect(again.status == 409)
            #expect(again.code == "case-already-open")
            #expect(again["case_id"]?.string == opened.id)
            // The whole order is what is left of it: everything that the open case does not ask for.
            let rest = try await campus.openCase(order.id, .spilled)
            #expect(rest.status == 201)
            #expect(rest["items"]?.array?.map { $0["item"] } == ["line:2", "packaging"])
            #expect(try await campus.openCase(order.id, .quality).code == "case-already-open")
            #expect(try await campus.promised(order.id) == (0, 0))
        }
    }

    @Test("Not delivered is refunded once overdue, and never against a recorded handover")
    func notDelivered() async throws {
        try await TestCampus.run { campus in
            let overdue = try await OrderFixture(status: .pickedUp, minutesSincePromised: 16).insert(campus)
            #expect(try await campus.openCase(overdue.id, .notDelivered).verdict == "approved")
            let onItsWay = try await OrderFixture(status: .pickedUp, minutesSincePromised: 5).insert(campus)
            #expect(try await campus.openCase(onItsWay.id, .notDelivered).verdict == "in_review")
            let handedOver = try await OrderFixture().insert(campus)
            #expect(try await campus.openCase(handedOver.id, .notDelivered).verdict == "in_review")
        }
    }

    @Test("A second payment goes back whole")
    func duplicateCharge() async throws {
        try await TestCampus.run { campus in
            var order = OrderFixture()
            order.payments = [PaymentFixture(), PaymentFixture(amount: order.payable, purpose: "duplicate")]
            try await order.insert(campus)
            let opened = try await campus.openCase(order.id, .duplicateCharge)
            #expect(opened.verdict == "approved")
            #expect(opened["approved_fen"] == .integer(order.payable))
            try await campus.awaitCase(opened.id, "the case is resolved") { $0["status"] == "resolved" }
            #expect(try await campus.promised(order.id) == (0, order.payable))
            let single = try await OrderFixture().insert(campus)
            #expect(try await campus.openCase(single.id, .duplicateCharge).verdict == "in_review")
        }
    }

    @Test("An order cancelled before acceptance is refunded, fees included")
    func cancelled() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(status: .cancelled, wasAccepted: false).insert(campus)
            let opened = try await campus.openCase(order.id, .changedMind)
            #expect(opened.verdict == "approved")
            #expect(opened["approved_fen"] == .integer(order.payable))
        }
    }

    @Test("A payment whose channel is not there is never refunded by rule")
    func unavailableChannel() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(minutesLate: 20, payments: [PaymentFixture(channel: .wechat)]).insert(
                campus
            )
            let opened = try await campus.openCase(order.id, .late)
            #expect(opened.verdict == "in_review")
            let decided = try await campus.send(
                .post,
                "/v1/desk/cases/\(opened.id)/decide",
                ["verdict": "approved", "reasons": [["zh-CN": "好", "en": "Yes"]]],
                as: "agent:kf_1"
            )
            #expect(decided.code == "channel-unavailable")
            #expect(decided["channels"] == ["wechat"])
            #expect(try await campus.promised(order.id) == (0, 0))
        }
    }

    @Test("The same key answers the same bytes and does nothing twice")
    func idempotent() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(minutesLate: 20).insert(campus)
            let first = try await campus.openCase(order.id, .late, idempotencyKey: "k1")
            let second = try await campus.openCase(order.id, .late, idempotencyKey: "k1")
            #expect(first.bytes == second.bytes)
            #expect(second.isReplayed)
            let other = try await campus.openCase(order.id, .quality, idempotencyKey: "k1")
            #expect(other.code == "idempotency-mismatch")
            #expect(try await campus.number("select count(*) from campus.cases") == 1)
            #expect(try await campus.number("select count(*) from campus.refund") == 1)
        }
    }

    @Test("A case can be withdrawn before it is decided, and what it asked for is free again")
    func withdrawing() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture().insert(campus)
            let opened = try await campus.openCase(order.id, .quality)
            let withdrawn = try await campus.send(.post, "/v1/cases/\(opened.id)/withdraw", as: "customer:stu_1")
            #expect(withdrawn["status"] == "withdrawn")
            #expect(try await campus.openCase(order.id, .quality).status == 201)
            let again = try await campus.send(.post, "/v1/cases/\(opened.id)/withdraw", as: "customer:stu_1")
            #expect(again.code == "illegal-transition")
            #expect(again["state"] == "withdrawn")
            #expect(try await campus.number("select count(*) from campus.after_sales_timer") == 2)
        }
    }

    @Test("Comments and urging are heard; urging waits its turn")
    func speaking() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture().insert(campus)
            let opened = try await campus.openCase(order.id, .quality)
            let path = "/v1/cases/\(opened.id)"
            let commented = try await campus.send(.post, "\(path)/comments", ["text": "快点"], as: "customer:stu_1")
            #expect(commented.status == 200)
            let urged = try await campus.send(.post, "\(path)/urge", as: "customer:stu_1")
            #expect(urged["urged"] == 1)
            let before = try #require(opened["priority_at"]?.string.flatMap(Timestamp.init(rfc3339:)))
            let after = try #require(urged["priority_at"]?.string.flatMap(Timestamp.init(rfc3339:)))
            #expect(before.duration(since: after) == AfterSalesCase.urgeHeadStart)
            let tooSoon = try await campus.send(.post, "\(path)/urge", as: "customer:stu_1")
            #expect(tooSoon.status == 429)
            #expect(tooSoon.headers[.retryAfter] != nil)
        }
    }
}
