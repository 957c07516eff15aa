import HTTPTypes
import Model
import Postgres
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("What a refund moves in the ledger", .timeLimit(.minutes(5)))
struct LedgerTests {
    private static let approval: JSON = ["verdict": "approved", "reasons": [["zh-CN": "好", "en": "Yes"]]]

    /// The ledger's rows as `debit > credit: fen`, sorted.
    private func movements(_ campus: TestCampus) async throws -> [String] {
        try await campus.pool.transaction { session in
            try session.query(
                """
                select debit, credit, sum(amount_fen)::bigint as amount_fen from campus.ledger_entry
                group by debit, credit order by debit, credit
                """
            ) { row -> String in
                let (debit, credit): (String, String) = (try row["debit"], try row["credit"])
                let amount: Int64 = try row["amount_fen"]
                return "\(debit) > \(credit): \(amount)"
            }
        }
    }

    private func coupons(_ campus: TestCampus, _ id: String) async throws -> (timeline: JSON?, event: JSON?) {
        let timeline = try await campus.send(.get, "/v1/cases/\(id)/timeline", as: "customer:stu_1")
        let entry = timeline["entries"]?.array?.last { $0["type"] == "case.resolved" }
        let payload: JSON = try await campus.pool.transaction { session in
            try session.one(
                """
                select payload from campus.after_sales_event
                where type = 'case.resolved' and payload ->> 'case_id' = \(id)
                """
            ) { row in try row["payload"] }
        }
        return (entry?["detail"]?["returned_coupons"], payload["returned_coupons"])
    }

    @Test("A full refund gives each funder its share from whoever had it, and names the coupons that go back")
    func inFull() async throws {
        try await TestCampus.run { campus in
            var order = OrderFixture(minutesLate: 20)
            order.delivery = 0
            order.discounts = [
                DiscountFixture(funder: .campus, shares: [.delivery: 300], coupon: "free_delivery"),
                DiscountFixture(funder: .platform, shares: [.line(1): 200, .packaging: 20], coupon: "welcome"),
                DiscountFixture(funder: .merchant, shares: [.line(2): 50], coupon: nil),
            ]
            try await order.insert(campus)
            let opened = try await campus.openCase(order.id, .late)
            #expect(opened["approved_fen"] == 2_600)
            try await campus.awaitCase(opened.id, "the case is resolved") { $0["status"] == "resolved" }
            #expect(
                try await movements(campus) == [
                    "merchant:m_1 > customer:stu_1: 2600", "merchant:m_1 > platform: 220", "platform > campus: 300",
                ]
            )
            let named = try await coupons(campus, opened.id)
            #expect(named.timeline == ["free_delivery", "welcome"])
            #expect(named.event == ["free_delivery", "welcome"])
        }
    }

    @Test("Part of a refund gives back no more than that part's share, and its coupon with the last part")
    func inPart() async throws {
        try await TestCampus.run { campus in
            var order = OrderFixture(minutesLate: 20)
            order.discounts = [DiscountFixture(funder: .campus, shares: [.line(1): 100, .line(2): 200], coupon: "c_1")]
            try await order.insert(campus)
            let unit = try await campus.openCase(order.id, .late, lines: [["line_no": 2, "quantity": 1]])
            try await campus.awaitCase(unit.id, "the first part is back") { $0["status"] == "resolved" }
            #expect(
                try await movements(campus) == ["merchant:m_1 > campus: 66", "merchant:m_1 > customer:stu_1: 333"]
            )
            #expect(try await coupons(campus, unit.id) == (nil, []))
            let rest = try await campus.openCase(order.id, .late)
            try await campus.awaitCase(rest.id, "the rest is back") { $0["status"] == "resolved" }
            #expect(
                try await movements(campus) == [
                    "merchant:m_1 > campus: 300", "merchant:m_1 > customer:stu_1: 2600",
                    "platform > customer:stu_1: 300",
                ]
            )
            #expect(try await coupons(campus, rest.id) == (["c_1"], ["c_1"]))
        }
    }

    @Test("An order that cost nothing pays back whoever paid for it when a person approves")
    func costless() async throws {
        try await TestCampus.run { campus in
            var order = OrderFixture(lines: [(2, 0)], delivery: 0, packaging: 0)
            order.discounts = [
                DiscountFixture(funder: .campus, shares: [.line(1): 999, .delivery: 300], coupon: "meal")
            ]
            try await order.insert(campus)
            let opened = try await campus.openCase(order.id, .takenByOther)
            #expect(opened.verdict == "in_review")
            let decided = try await campus.send(
                .post,
                "/v1/desk/cases/\(opened.id)/decide",
                Self.approval,
                as: "agent:kf_1"
            )
            #expect(decided["status"] == "resolved")
            #expect(decided["approved_fen"] == 0)
            #expect(try await movements(campus) == ["merchant:m_1 > campus: 999", "platform > campus: 300"])
            #expect(try await coupons(campus, opened.id) == (["meal"], ["meal"]))
            #expect(try await campus.openCase(order.id, .takenByOther).code == "nothing-refundable")
        }
    }

    @Test("A cancelled order gives back what cost nothing along with what was paid")
    func cancelled() async throws {
        try await TestCampus.run { campus in
            var order = OrderFixture(status: .cancelled, lines: [(1, 1_500), (2, 0)], delivery: 0)
            order.discounts = [
                DiscountFixture(funder: .campus, shares: [.line(2): 800, .delivery: 300], coupon: "c_2")
            ]
            try await order.insert(campus)
            let amount = Money(fen: order.payable)
            let due = RefundDue(paymentID: order.payments[0].id, cause: .cancelled, amount: amount)
            try await order.appendDue(due, on: campus)
            try await eventually("the money is back") {
                try await campus.number("select count(*) from campus.cases where is_system and status = 'resolved'")
                    == 1
            }
            #expect(
                try await movements(campus) == [
                    "merchant:m_1 > campus: 800", "merchant:m_1 > customer:stu_1: 1600", "platform > campus: 300",
                ]
            )
        }
    }
}
