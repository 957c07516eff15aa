import HTTPTypes
import Model
import Postgres
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("Refunds through a channel that misbehaves", .timeLimit(.minutes(5)))
struct SandboxTests {
    private func openLate(_ campus: TestCampus, marker: SandboxMarker) async throws -> (order: OrderFixture, id: String)
    {
        let payment = PaymentFixture(transaction: "txn_\(marker.rawValue)_1")
        let order = try await OrderFixture(minutesLate: 20, payments: [payment]).insert(campus)
        let opened = try await campus.openCase(order.id, .late)
        #expect(opened.verdict == "approved")
        return (order, opened.id)
    }

    private func awaitRefund(_ campus: TestCampus, _ id: String, _ status: RefundStatus) async throws -> Answer {
        let file = try await campus.awaitCase(id, "the refund is \(status)") { answer in
            answer["refund"]?["status"]?.string == status.rawValue
        }
        return try await campus.send(.get, "/v1/refunds/\(file["refund"]?["id"]?.string ?? "")", as: "agent:kf_1")
    }

    private struct Book: Equatable {
        var rows: Int64
        var submissions: Int64
        var paid: Int64
    }

    private func book(_ campus: TestCampus) async throws -> Book {
        try await campus.pool.transaction { session in
            try session.one(
                """
                select count(*) as rows, coalesce(sum(submissions), 0)::bigint as submissions,
                    coalesce(sum(amount_fen) filter (where outcome = 'succeeded'), 0)::bigint as paid
                from campus.sandbox_refund
                """
            ) { row in Book(rows: try row["rows"], submissions: try row["submissions"], paid: try row["paid"]) }
        }
    }

    @Test("An answer lost after the money moved is found out by asking; nothing is paid twice")
    func lostAnswer() async throws {
        try await TestCampus.run { campus in
            let (order, id) = try await openLate(campus, marker: .loseAnswer)
            _ = try await awaitRefund(campus, id, .unknown)
            #expect(try await campus.promised(order.id) == (order.payable, 0))
            _ = try await awaitRefund(campus, id, .succeeded)
            #expect(try await book(campus) == Book(rows: 1, submissions: 1, paid: order.payable))
            #expect(try await campus.promised(order.id) == (0, order.payable))
            let unknowns = try await campus.number(
                "select count(*) from campus.refund_timeline where type = 'refund.unknown'"
            )
            #expect(unknowns == 1)
        }
    }

    @Test("A request lost on its way is sent again under the same number")
    func lostRequest() async throws {
        try await TestCampus.run { campus in
            let (order, id) = try await openLate(campus, marker: .loseRequest)
            _ = try await awaitRefund(campus, id, .succeeded)
            #expect(try await book(campus) == Book(rows: 1, submissions: 2, paid: order.payable))
        }
    }

    @Test("A refused refund keeps its money reserved, and a person sends it again under the same number")
    func failed() async throws {
        try await TestCampus.run { campus in
            let (order, id) = try await openLate(campus, marker: .failOnce)
            let failed = try await awaitRefund(campus, id, .failed)
            #expect(failed["code"] == "SANDBOX_REFUSED")
            #expect(try await campus.promised(order.id) == (order.payable, 0))
            #expect(try await campus.openCase(order.id, .late).code == "nothing-refundable")
            let shown = try await campus.send(.get, "/v1/cases/\(id)", as: "customer:stu_1")
            #expect(shown["progress"]?.array?[2]["status"] == "attention")

            let path = "/v1/refunds/\(failed.id)/retry"
            #expect(try await campus.send(.post, path, as: "customer:stu_1").status == 403)
            let retried = try await campus.send(.post, path, as: "agent:kf_1", idempotencyKey: "r1")
            #expect(retried.status == 202)
            let succeeded = try await awaitRefund(campus, id, .succeeded)
            #expect(succeeded["out_refund_no"] == failed["out_refund_no"])
            #expect(try await book(campus) == Book(rows: 1, submissions: 2, paid: order.payable))
            let again = try await campus.send(.post, path, as: "agent:kf_1", idempotencyKey: "r1")
            #expect(again.bytes == retried.bytes)
            #expect(try await campus.send(.post, path, as: "agent:kf_1").code == "illegal-transition")
        }
    }

    @Test("A refused refund can be given up; its money is free and a person decides anew")
    func void() async throws {
        try await TestCampus.run { campus in
            let (order, id) = try await openLate(campus, marker: .fail)
            let failed = try await awaitRefund(campus, id, .failed)
            let path = "/v1/refunds/\(failed.id)/void"
            let voided = try await campus.send(.post, path, as: "supervisor:boss", idempotencyKey: "v1")
            #expect(voided["status"] == "closed")
            #expect(voided["code"] == "VOIDED")
            #expect(try await campus.promised(order.id) == (0, 0))
            let again = try await campus.send(.post, path, as: "supervisor:boss", idempotencyKey: "v1")
            #expect(again.bytes == voided.bytes)
            #expect(again.isReplayed)

            let reopened = try await campus.send(.get, "/v1/cases/\(id)", as: "agent:kf_1")
            #expect(reopened["status"] == "in_review")
            // The case still speaks for its units, so nobody asks for them twice meanwhile.
            #expect(try await campus.openCase(order.id, .late).code == "case-already-open")
            let ruling: JSON = ["verdict": "approved", "reasons": [["zh-CN": "重试", "en": "Once more"]]]
            let decided = try await campus.send(.post, "/v1/desk/cases/\(id)/decide", ruling, as: "agent:kf_1")
            #expect(decided["refunds"]?.array?.map { $0["status"] } == ["closed", "created"])
            let second = try await awaitRefund(campus, id, .failed)
            #expect(second["out_refund_no"] != failed["out_refund_no"])
            #expect(try await campus.promised(order.id) == (order.payable, 0))
        }
    }

    @Test("A refund that its channel knows is not given up")
    func notVoidable() async throws {
        try await TestCampus.run { campus in
            let (order, id) = try await openLate(campus, marker: .abnormal)
            let abnormal = try await awaitRefund(campus, id, .abnormal)
            let refused = try await campus.send(.post, "/v1/refunds/\(abnormal.id)/void", as: "agent:kf_1")
            #expect(refused.code == "refund-not-voidable")
            #expect(refused["channel_status"] == "abnormal")
            #expect(try await campus.promised(order.id) == (order.payable, 0))

            let (paid, paidCase) = try await openLate(campus, marker: .loseAnswer)
            let succeeded = try await awaitRefund(campus, paidCase, .succeeded)
            let late = try await campus.send(.post, "/v1/refunds/\(succeeded.id)/void", as: "agent:kf_1")
            #expect(late.code == "illegal-transition")
            #expect(try await campus.promised(paid.id) == (0, paid.payable))
        }
    }

    @Test("A refund that its channel closes releases its money, and the case is a person's again")
    func closed() async throws {
        try await TestCampus.run { campus in
            let (order, id) = try await openLate(campus, marker: .closed)
            _ = try await awaitRefund(campus, id, .closed)
            let file = try await campus.awaitCase(id, "the case is reopened") { $0["status"] == "in_review" }
            #expect(file["refunds"]?.array?.count == 1)
            #expect(try await campus.promised(order.id) == (0, 0))
            #expect(try await campus.number("select count(*) from campus.ledger_entry") == 0)
        }
    }

    @Test("One refund for each payment, each under its own number")
    func severalPayments() async throws {
        try await TestCampus.run { campus in
            var order = OrderFixture(minutesLate: 20)
            order.payments = [
                PaymentFixture(amount: 1_000, purpose: "partial"),
                PaymentFixture(amount: order.payable - 1_000, purpose: "settles"),
            ]
            try await order.insert(campus)
            let opened = try await campus.openCase(order.id, .late)
            #expect(opened["refunds"]?.array?.map { $0["amount_fen"] } == [1_000, .integer(order.payable - 1_000)])
            try await campus.awaitCase(opened.id, "the case is resolved") { $0["status"] == "resolved" }
            #expect(try await book(campus).rows == 2)
            #expect(try await campus.promised(order.id) == (0, order.payable))
        }
    }
}
