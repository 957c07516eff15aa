import HTTPTypes
import Model
import Postgres
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("Money that is due without asking", .timeLimit(.minutes(5)))
struct SystemCaseTests {
    private func due(
        _ order: OrderFixture,
        _ cause: RefundDueCause,
        payment: Int = 0,
        amount: Int64? = nil
    ) -> RefundDue {
        RefundDue(
            paymentID: order.payments[payment].id,
            cause: cause,
            amount: Money(fen: amount ?? order.payments[payment].amount ?? order.payable)
        )
    }

    private func systemCases(_ campus: TestCampus) async throws -> [JSON] {
        let list = try await campus.send(.get, "/v1/cases", as: "agent:kf_1")
        return (list["items"]?.array ?? []).filter { $0["system"] == true }
    }

    /// The case that answers for a payment.
    private func systemCase(_ payment: PaymentFixture, _ campus: TestCampus) async throws -> String {
        let id: CaseID = try await campus.pool.transaction { session in
            try session.one("select case_id from campus.system_case where payment_id = \(payment.id)") { row in
                try row["case_id"]
            }
        }
        return id.description
    }

    private func approve(_ id: String, amount: Int64? = nil, on campus: TestCampus) async throws -> Answer {
        var ruling: JSONObject = ["verdict": "approved", "reasons": [["zh-CN": "好", "en": "Yes"]]]
        if let amount { ruling["amounts"] = [["item": "surplus", "amount_fen": .integer(amount)]] }
        return try await campus.send(.post, "/v1/desk/cases/\(id)/decide", .object(ruling), as: "agent:kf_1")
    }

    @Test("A cancelled order is refunded by a case of the service's own, once, however often the event is read")
    func cancelled() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(status: .cancelled).insert(campus)
            for version in 6...8 {
                try await order.appendDue(due(order, .cancelled), version: Int64(version), on: campus)
            }
            try await eventually("the money is back") { try await campus.promised(order.id) == (0, order.payable) }
            try await eventually("all events were read") {
                try await campus.number("select count(*) from campus.after_sales_task") == 0
            }
            let cases = try await systemCases(campus)
            #expect(cases.count == 1)
            #expect(cases.first?["opened_by"] == "system:money_due")
            #expect(try await campus.number("select count(*) from campus.refund") == 1)
            #expect(try await campus.number("select count(*) from campus.system_case") == 1)
        }
    }

    @Test("Each payment and cause has its case: too much, twice, too late")
    func surplus() async throws {
        try await TestCampus.run { campus in
            var order = OrderFixture()
            order.payments = [
                PaymentFixture(), PaymentFixture(amount: 700, purpose: "duplicate"),
                PaymentFixture(amount: 90, purpose: "excess"),
            ]
            try await order.insert(campus)
            try await order.appendDue(due(order, .duplicate, payment: 1), version: 6, on: campus)
            try await order.appendDue(due(order, .excess, payment: 2), version: 7, on: campus)
            try await eventually("the surplus is back") { try await campus.promised(order.id) == (0, 790) }
            #expect(try await systemCases(campus).count == 2)
            let debits = try await campus.number(
                "select sum(amount_fen)::bigint from campus.ledger_entry where debit = 'unapplied'"
            )
            #expect(debits == 790)
        }
    }

    @Test("What a customer's case has promised already is not paid again")
    func alreadyPromised() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(status: .cancelled, wasAccepted: false).insert(campus)
            let opened = try await campus.openCase(order.id, .changedMind)
            #expect(opened.verdict == "approved")
            try await order.appendDue(due(order, .cancelled), on: campus)
            try await eventually("the event was read") {
                try await campus.number("select count(*) from campus.system_case where case_id is null") == 1
            }
            #expect(try await systemCases(campus).isEmpty)
            try await campus.awaitCase(opened.id, "the case is resolved") { $0["status"] == "resolved" }
            #expect(try await campus.promised(order.id) == (0, order.payable))
        }
    }

    @Test("Part of it promised: the case asks for the rest")
    func rest() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(status: .cancelled, wasAccepted: false).insert(campus)
            _ = try await campus.openCase(order.id, .changedMind, lines: [["line_no": 1, "quantity": 1]])
            try await order.appendDue(due(order, .cancelled), on: campus)
            try await eventually("the money is back") { try await campus.promised(order.id) == (0, order.payable) }
            #expect(try await systemCases(campus).first?["approved_fen"] == .integer(order.payable - 1_500))
        }
    }

    @Test("An open case of the customer's is answered by it, and resolved with it")
    func attaches() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(status: .cancelled).insert(campus)
            let opened = try await campus.openCase(order.id, .quality)
            #expect(opened.verdict == "in_review")
            try await order.appendDue(due(order, .cancelled), on: campus)
            let resolved = try await campus.awaitCase(opened.id, "the case is resolved") { $0["status"] == "resolved" }
            #expect(resolved["attached_to"]?.string != nil)
            #expect(resolved.verdict == "approved")
            #expect(resolved["refund"]?["status"] == "succeeded")
            #expect(try await campus.number("select count(*) from campus.refund") == 1)
            #expect(
                try await campus.number("select count(*) from campus.after_sales_timer where kind <> 'case.follow_up'")
                    == 0
            )
        }
    }

    @Test("A customer who asks afterwards is shown the refund that is on its way")
    func askingAfterwards() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(status: .cancelled, wasAccepted: false).insert(campus)
            try await order.appendDue(due(order, .cancelled), on: campus)
            try await eventually("the case is there") { try await systemCases(campus).count == 1 }
            let opened = try await campus.openCase(order.id, .changedMind)
            #expect(opened.status == 201)
            #expect(opened.verdict == "approved")
            #expect(opened["attached_to"] == (try await systemCases(campus).first?["id"]))
            #expect(opened["refund"]?["amount_fen"] == .integer(order.payable))
            try await campus.awaitCase(opened.id, "the case is resolved") { $0["status"] == "resolved" }
            #expect(try await campus.promised(order.id) == (0, order.payable))
        }
    }

    @Test("When it is not paid after all, a case that waited for it is a person's again")
    func detaches() async throws {
        try await TestCampus.run { campus in
            let payment = PaymentFixture(transaction: "txn_SANDBOX-CLOSED_1")
            let order = try await OrderFixture(status: .cancelled, payments: [payment]).insert(campus)
            let opened = try await campus.openCase(order.id, .quality)
            try await order.appendDue(due(order, .cancelled), on: campus)
            try await eventually("the channel closed the refund") {
                try await systemCases(campus).first?["status"] == "in_review"
            }
            let waiting = try await campus.send(.get, "/v1/cases/\(opened.id)", as: "agent:kf_1")
            #expect(waiting["status"] == "executing")
            let system = try #require(try await systemCases(campus).first?["id"]?.string)
            let rejected = try await campus.send(
                .post,
                "/v1/desk/cases/\(system)/decide",
                ["verdict": "rejected", "reasons": [["zh-CN": "已线下退款", "en": "Paid by hand"]]],
                as: "agent:kf_1"
            )
            #expect(rejected["status"] == "rejected")
            let reopened = try await campus.send(.get, "/v1/cases/\(opened.id)", as: "agent:kf_1")
            #expect(reopened["status"] == "in_review")
            #expect(reopened["attached_to"] == .null)
        }
    }

    @Test("A person decides about the payment that the case is for, not about another that has the same item")
    func decidingAboutOnePayment() async throws {
        let caps: JSON = ["brake_customer_day_fen": 500]
        try await TestCampus.run(settings: caps) { campus in
            var order = OrderFixture()
            order.payments = [
                PaymentFixture(), PaymentFixture(channel: .alipay, amount: 700, purpose: "duplicate"),
                PaymentFixture(amount: 900, purpose: "duplicate"),
            ]
            try await order.insert(campus)
            try await order.appendDue(due(order, .duplicate, payment: 1), version: 6, on: campus)
            try await order.appendDue(due(order, .duplicate, payment: 2), version: 7, on: campus)
            try await eventually("both wait for a person") {
                try await systemCases(campus).count { $0["status"] == "in_review" } == 2
            }
            let elsewhere = try await systemCase(order.payments[1], campus)
            let unavailable = try await approve(elsewhere, on: campus)
            #expect(unavailable.code == "channel-unavailable")
            #expect(unavailable["channels"] == ["alipay"])
            let here = try await systemCase(order.payments[2], campus)
            let tooMuch = try await approve(here, amount: 901, on: campus)
            #expect(tooMuch.pointers == ["/amounts/0/amount_fen"])
            let decided = try await approve(here, on: campus)
            #expect(decided["approved_fen"] == 900)
            let refund = try await campus.send(
                .get,
                "/v1/refunds/\(decided["refund"]?["id"]?.string ?? "")",
                as: "agent:kf_1"
            )
            #expect(refund["payment_id"] == .string(order.payments[2].id.description))
            try await campus.awaitCase(here, "the money is back") { $0["status"] == "resolved" }
        }
    }

    @Test("Surplus that came back from the channel waits for a person, whoever asks for it again")
    func heldSurplus() async throws {
        try await TestCampus.run { campus in
            var order = OrderFixture()
            order.payments = [
                PaymentFixture(),
                PaymentFixture(transaction: "txn_SANDBOX-CLOSED_2", amount: 700, purpose: "duplicate"),
            ]
            try await order.insert(campus)
            try await order.appendDue(due(order, .duplicate, payment: 1), on: campus)
            try await eventually("the channel closed the refund") {
                try await systemCases(campus).first?["status"] == "in_review"
            }
            let asked = try await campus.openCase(order.id, .duplicateCharge)
            #expect(asked.code == "case-already-open")
            #expect(asked["case_id"] == (try await systemCases(campus).first?["id"]))
            #expect(try await campus.number("select count(*) from campus.refund") == 1)
            let options = try await campus.send(
                .get,
                "/v1/after-sales-options?order_id=\(order.id)",
                as: "customer:stu_1"
            )
            let reasons = options["kinds"]?.array?.first?["reasons"]?.array ?? []
            #expect(reasons.first { $0["reason"] == "duplicate_charge" }?["available"] == false)

            // Paid by hand and refused, it is still a person's.
            let ruling: JSON = ["verdict": "rejected", "reasons": [["zh-CN": "已线下退款", "en": "Paid by hand"]]]
            let system = asked["case_id"]?.string ?? ""
            _ = try await campus.send(.post, "/v1/desk/cases/\(system)/decide", ruling, as: "agent:kf_1")
            let again = try await campus.openCase(order.id, .duplicateCharge)
            #expect(again.verdict == "in_review")
            #expect(try await campus.number("select count(*) from campus.refund") == 1)
        }
    }

    @Test("A late payment that goes back answers nobody who asks for the order's own money")
    func otherMoney() async throws {
        try await TestCampus.run { campus in
            var order = OrderFixture(status: .cancelled)
            order.payments = [PaymentFixture(), PaymentFixture(amount: 700, purpose: "late")]
            try await order.insert(campus)
            let opened = try await campus.openCase(order.id, .quality)
            #expect(opened.verdict == "in_review")
            try await order.appendDue(due(order, .late, payment: 1), version: 6, on: campus)
            try await eventually("the late payment is back") { try await campus.promised(order.id) == (0, 700) }
            let waiting = try await campus.send(.get, "/v1/cases/\(opened.id)", as: "agent:kf_1")
            #expect(waiting["status"] == "in_review")
            #expect(waiting["attached_to"] == .null)

            try await order.appendDue(due(order, .cancelled), version: 7, on: campus)
            let own = try await campus.awaitCase(opened.id, "the case is answered") { $0["attached_to"] != .null }
            #expect(own["attached_to"]?.string == (try await systemCase(order.payments[0], campus)))
            try await eventually("all of it is back") {
                try await campus.promised(order.id) == (0, order.payable + 700)
            }
            let surplus = try await campus.openCase(order.id, .duplicateCharge)
            #expect(surplus["attached_to"]?.string == (try await systemCase(order.payments[1], campus)))
            let food = try await campus.openCase(order.id, .changedMind)
            #expect(food["attached_to"]?.string == (try await systemCase(order.payments[0], campus)))
        }
    }

    @Test("Money of a channel that is not there waits for a person, visibly")
    func unavailableChannel() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(status: .cancelled, payments: [PaymentFixture(channel: .alipay)]).insert(
                campus
            )
            try await order.appendDue(due(order, .cancelled), on: campus)
            try await eventually("the case is there") { try await systemCases(campus).count == 1 }
            #expect(try await systemCases(campus).first?["status"] == "in_review")
            let queue = try await campus.send(.get, "/v1/desk/queue", as: "agent:kf_1")
            #expect(queue["items"]?.array?.count == 1)
            #expect(try await campus.promised(order.id) == (0, 0))
        }
    }
}
