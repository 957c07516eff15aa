import HTTPTypes
import Logging
import Model
import Postgres
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("Refunds that the platform pays itself", .timeLimit(.minutes(5)))
struct DelegatedRefundTests {
    /// A refund that waits for the platform.
    private struct Waiting {
        let order: OrderFixture
        let caseID: String
        let refund: String
        var path: String { "/v1/refunds/\(refund)" }
    }

    private func request(_ campus: TestCampus) async throws -> Waiting {
        let payment = PaymentFixture(
            channel: .delegated,
            outTradeNumber: "T1",
            merchantAccount: "1900000001",
            payerAmount: 2_000,
            payerID: "o_secret"
        )
        let order = try await OrderFixture(minutesLate: 20, payments: [payment]).insert(campus)
        let opened = try await campus.openCase(order.id, .late)
        #expect(opened.verdict == "approved")
        let refund = try #require(opened["refund"]?["id"]?.string)
        try await awaitStatus(.submitting, refund, campus)
        return Waiting(order: order, caseID: opened.id, refund: refund)
    }

    private func awaitStatus(_ status: RefundStatus, _ refund: String, _ campus: TestCampus) async throws {
        try await eventually("the refund is \(status)") {
            try await campus.send(.get, "/v1/refunds/\(refund)")["status"]?.string == status.rawValue
        }
    }

    private func report(
        _ waiting: Waiting,
        _ result: String,
        _ more: JSONObject = [:],
        _ campus: TestCampus,
        key: String? = nil
    ) async throws -> Answer {
        var body: JSONObject = ["result": .string(result)]
        if result == "succeeded" { body["amount_fen"] = .integer(waiting.order.payable) }
        if result == "failed" || result == "abnormal" { body["code"] = "NOT_ENOUGH" }
        for member in more.members { body[member.name] = member.value }
        return try await campus.send(.post, waiting.path + "/result", .object(body), idempotencyKey: key)
    }

    /// What was told of a refund after it was decided.
    private func events(_ campus: TestCampus, of refund: String) async throws -> [(type: String, payload: JSON)] {
        try await campus.pool.transaction { session in
            try session.query(
                """
                select type, payload from campus.after_sales_event
                where campus_id = \(campus.id) and payload ->> 'refund_id' = \(refund) and type like 'refund.%' and type <> 'refund.created'
                order by id
                """
            ) { row in (try row["type"], try row["payload"]) }
        }
    }

    /// Moves the campus's clock past the time the platform has to answer.
    private func outwait(_ campus: TestCampus, _ time: Duration = .seconds(16 * 60)) async throws {
        try await campus.pool.transaction { session in
            _ = try session.execute(
                "update campus.campus_clock set clock_offset = clock_offset + \(time) where campus_id = \(campus.id)"
            )
        }
    }

    @Test("The platform is asked with all it needs, under one number, pays, and the case is settled")
    func paid() async throws {
        try await TestCampus.run { campus in
            let waiting = try await request(campus)
            let asked = try await events(campus, of: waiting.refund)
            #expect(asked.map(\.type) == ["refund.requested"])
            let payload = try #require(asked.first?.payload)
            let shown = try await campus.send(.get, waiting.path)
            #expect(payload["out_refund_no"] == shown["out_refund_no"])
            #expect(payload["amount_fen"] == .integer(waiting.order.payable))
            #expect(payload["payment_fen"] == .integer(waiting.order.payable))
            #expect(payload["currency"] == "CNY")
            #expect(payload["out_trade_no"] == "T1")
            #expect(payload["mchid"] == "1900000001")
            #expect(payload["sub_mchid"] == .null)
            #expect(payload["payer_fen"] == 2_000)
            #expect(payload["reason"] == "late")
            #expect(payload["version"] == shown["version"])
            #expect(payload["test"] == true)
            #expect(try await campus.promised(waiting.order.id) == (waiting.order.payable, 0))

            let taken = try await report(waiting, "processing", ["channel_refund_id": "50300"], campus)
            #expect(taken["outcome"] == "taken")
            #expect(taken["refund"]?["status"] == "processing")
            let done = try await report(waiting, "succeeded", ["destination": "balance"], campus, key: "k1")
            #expect(done["outcome"] == "taken")
            #expect(done["refund"]?["status"] == "succeeded")
            #expect(done["refund"]?["channel_refund_id"] == "50300")
            let replayed = try await report(waiting, "succeeded", ["destination": "balance"], campus, key: "k1")
            #expect(replayed.isReplayed && replayed.bytes == done.bytes)
            #expect(try await campus.promised(waiting.order.id) == (0, waiting.order.payable))
            try await campus.awaitCase(waiting.caseID, "the case is settled") { $0["status"] == "resolved" }
            let told = try await events(campus, of: waiting.refund).map(\.type)
            #expect(told == ["refund.requested", "refund.processing", "refund.succeeded"])
            #expect(
                try await campus.number("select count(*) from campus.after_sales_timer where kind = 'refund.silence'")
                    == 0
            )
        }
    }

    @Test("Who paid is in no event, and the platform's own key alone reads it")
    func payer() async throws {
        try await TestCampus.run { campus in
            let waiting = try await request(campus)
            let own = try await campus.send(.get, waiting.path)
            #expect(own["payment"]?["payer_openid"] == "o_secret")
            #expect(own["payment"]?["amount_fen"] == .integer(waiting.order.payable))
            for reader in ["customer:stu_1", "agent:kf_1", "admin:boss"] {
                let seen = try await campus.send(.get, waiting.path, as: reader)
                #expect(seen.status == 200)
                #expect(seen["payment"] == nil, "\(reader)")
            }
            let leaks = try await campus.number(
                "select count(*) from campus.after_sales_event where payload::text like '%o_secret%'"
            )
            #expect(leaks == 0)
            try await campus.pool.transaction { session in
                _ = try session.execute("update campus.payment set payer_openid = null where campus_id = \(campus.id)")
            }
            #expect(try await campus.send(.get, waiting.path)["payment"]?["payer_openid"] == .null)
        }
    }

    @Test("Only the platform's own key of the campus reports")
    func access() async throws {
        try await TestCampus.run { campus in
            let waiting = try await request(campus)
            let body: JSON = ["result": "succeeded", "amount_fen": .integer(waiting.order.payable)]
            for actor in ["customer:stu_1", "merchant:m_1", "agent:kf_1", "admin:boss"] {
                let refused = try await campus.send(.post, waiting.path + "/result", body, as: actor)
                #expect(refused.status == 403, "\(actor)")
            }
            let elsewhere = try await campus.other()
            #expect(try await elsewhere.send(.post, waiting.path + "/result", body).status == 404)
            #expect(try await elsewhere.send(.get, waiting.path).status == 404)
            let order = try await OrderFixture(minutesLate: 20).insert(campus)
            let sandboxed = try await campus.openCase(order.id, .late)
            let path = "/v1/refunds/\(sandboxed["refund"]?["id"]?.string ?? "")/result"
            let other = try await campus.send(.post, path, ["result": "failed", "code": "F"])
            #expect(other.status == 409)
            #expect(other.code == "not-paid-by-platform")
            #expect(try await campus.send(.get, waiting.path)["status"] == "submitting")
            #expect(try await campus.number("select count(*) from campus.refund_report") == 0)
        }
    }

    @Test("Partial success is refused, and every fault of a report is named at once")
    func faults() async throws {
        let lines = LoggedLines()
        try await TestCampus.run(logger: lines.logger) { campus in
            let waiting = try await request(campus)
            let partly = try await report(
                waiting,
                "succeeded",
                ["amount_fen": .integer(waiting.order.payable - 1)],
                campus
            )
            #expect(partly.status == 422)
            #expect(partly.pointers == ["/amount_fen"])
            #expect(lines.refundEvents(.error) == ["refund.partly_paid"])
            let faulty = try await campus.send(
                .post,
                waiting.path + "/result",
                [
                    "result": "succeeded", "code": "F", "out_refund_no": "R1", "version": 99,
                    "at": "2999-01-01T00:00:00Z",
                ]
            )
            #expect(faulty.pointers == ["/amount_fen", "/at", "/code", "/out_refund_no", "/version"])
            let silent = try await campus.send(.post, waiting.path + "/result", ["result": "failed"])
            #expect(silent.pointers == ["/code"])
            let early = try await report(waiting, "failed", ["at": "2001-01-01T00:00:00Z"], campus)
            #expect(early.pointers == ["/at"])
            let unknown = try await campus.send(.post, waiting.path + "/result", ["result": "closed", "colour": "red"])
            #expect(unknown.pointers == ["/colour", "/result"])
            #expect(try await campus.send(.get, waiting.path)["status"] == "submitting")
            #expect(try await campus.promised(waiting.order.id) == (waiting.order.payable, 0))
        }
    }

    @Test("Contradictory reports move nothing, are flagged once, and stand in the timeline for staff")
    func contradictory() async throws {
        let lines = LoggedLines()
        try await TestCampus.run(logger: lines.logger) { campus in
            let waiting = try await request(campus)
            _ = try await report(waiting, "succeeded", ["channel_refund_id": "c1"], campus)
            for (result, more, outcome) in [
                ("succeeded", ["channel_refund_id": "c1"], "repeated"), ("processing", [:], "outdated"),
                ("failed", [:], "contradictory"), ("failed", [:], "repeated"),
                ("succeeded", ["channel_refund_id": "c2"], "contradictory"), ("abnormal", [:], "contradictory"),
            ] as [(String, JSONObject, JSON)] {
                let answer = try await report(waiting, result, more, campus)
                #expect(answer.status == 200)
                #expect(answer["outcome"] == outcome, "\(result)")
                #expect(answer["refund"]?["status"] == "succeeded")
                #expect(answer["refund"]?["channel_refund_id"] == "c1")
            }
            #expect(try await campus.promised(waiting.order.id) == (0, waiting.order.payable))
            #expect(try await campus.number("select count(*) from campus.refund_report") == 7)
            #expect(lines.refundEvents(.error) == Array(repeating: "refund.contradicted", count: 3))
            func types(_ reader: String) async throws -> [String] {
                let timeline = try await campus.send(.get, "/v1/cases/\(waiting.caseID)/timeline", as: reader)
                return timeline["entries"]?.array?.compactMap { $0["type"]?.string } ?? []
            }
            #expect(try await types("agent:kf_1").filter { $0 == "refund.contradicted" }.count == 3)
            #expect(try await !types("customer:stu_1").contains("refund.contradicted"))
        }
    }

    @Test("Reports that contradict each other at the same moment end as paid, once", arguments: 0..<3)
    func race(round: Int) async throws {
        try await TestCampus.run { campus in
            let waiting = try await request(campus)
            let outcomes = try await withThrowingTaskGroup(of: Answer.self) { group in
                for result in ["succeeded", "failed", "abnormal", "processing", "succeeded", "failed"].shuffled() {
                    group.addTask { try await report(waiting, result, [:], campus) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.allSatisfy { $0.status == 200 })
            #expect(try await campus.send(.get, waiting.path)["status"] == "succeeded")
            #expect(try await campus.promised(waiting.order.id) == (0, waiting.order.payable))
            let paid = try await campus.number(
                "select count(*) from campus.refund_timeline where status = 'succeeded'"
            )
            #expect(paid == 1)
            let settled = try await campus.number(
                "select sum(amount_fen)::bigint from campus.ledger_entry where credit = 'customer:stu_1'"
            )
            #expect(settled == waiting.order.payable)
        }
    }

    @Test("Silence makes it unknown and nothing else; the platform's word is taken whenever it comes")
    func silence() async throws {
        try await TestCampus.run { campus in
            let waiting = try await request(campus)
            try await outwait(campus)
            try await awaitStatus(.unknown, waiting.refund, campus)
            #expect(try await campus.promised(waiting.order.id) == (waiting.order.payable, 0))
            let refused = try await campus.send(.post, waiting.path + "/void", as: "supervisor:boss")
            #expect(refused.code == "refund-not-voidable")
            let late = try await report(waiting, "processing", [:], campus)
            #expect(late["outcome"] == "late")

            // While the platform says that it is at it, its time begins anew.
            try await outwait(campus, .seconds(2 * 86_400))
            #expect(try await report(waiting, "processing", [:], campus)["outcome"] == "repeated")
            try await outwait(campus, .seconds(2 * 86_400))
            let ahead = try await campus.number(
                """
                select count(*) from campus.after_sales_timer t join campus.campus_clock c on c.campus_id = t.campus_id
                where t.kind = 'refund.silence' and t.due_at > now() + c.clock_offset
                """
            )
            #expect(ahead == 1)
            #expect(try await campus.send(.get, waiting.path)["status"] == "processing")
            try await outwait(campus, .seconds(2 * 86_400))
            try await awaitStatus(.unknown, waiting.refund, campus)
            let paid = try await report(waiting, "succeeded", [:], campus)
            #expect(paid["outcome"] == "late")
            #expect(paid["refund"]?["status"] == "succeeded")
            #expect(try await campus.promised(waiting.order.id) == (0, waiting.order.payable))
            let told = try await events(campus, of: waiting.refund).map(\.type)
            #expect(
                told == [
                    "refund.requested", "refund.unknown", "refund.processing", "refund.unknown", "refund.succeeded",
                ]
            )
        }
    }

    @Test("A refund that failed or is unknown is asked for again under its one number")
    func again() async throws {
        try await TestCampus.run { campus in
            let waiting = try await request(campus)
            _ = try await report(waiting, "failed", [:], campus)
            #expect(try await campus.send(.post, waiting.path + "/retry", as: "agent:kf_1").status == 202)
            try await awaitStatus(.submitting, waiting.refund, campus)
            // A refusal of the first request, which was on its way, is no refusal of the second.
            let first = try await report(waiting, "failed", ["version": 2, "code": "LATE"], campus)
            #expect(first["outcome"] == "outdated")
            #expect(first["refund"]?["status"] == "submitting")
            // Nor is one that does not say of which it is: giving the refund up on its word could pay it twice.
            let vague = try await report(waiting, "failed", ["code": "LATE"], campus)
            #expect(vague.status == 422)
            #expect(vague.pointers == ["/version"])
            #expect(
                try await campus.send(.post, waiting.path + "/retry", as: "agent:kf_1").code == "illegal-transition"
            )
            try await outwait(campus)
            try await awaitStatus(.unknown, waiting.refund, campus)
            #expect(try await campus.send(.post, waiting.path + "/retry", as: "agent:kf_1").status == 202)
            try await awaitStatus(.submitting, waiting.refund, campus)
            let asked = try await events(campus, of: waiting.refund).filter { $0.type == "refund.requested" }
            #expect(asked.count == 3)
            #expect(Set(asked.map(\.payload["out_refund_no"]?.string)).count == 1)
            #expect(Set(asked.map(\.payload["version"]?.integer)).count == 3)
        }
    }

    @Test("Money that is paid after it was released is recorded once, and nothing flips")
    func paidThoughReleased() async throws {
        let lines = LoggedLines()
        try await TestCampus.run(logger: lines.logger) { campus in
            let waiting = try await request(campus)
            _ = try await report(waiting, "failed", [:], campus)
            let voided = try await campus.send(.post, waiting.path + "/void", as: "supervisor:boss")
            #expect(voided["status"] == "closed")
            #expect(try await campus.promised(waiting.order.id) == (0, 0))
            let late = try await report(waiting, "succeeded", ["channel_refund_id": "c1"], campus)
            #expect(late.status == 200)
            #expect(late["outcome"] == "contradictory")
            #expect(late["refund"]?["status"] == "closed")
            let again = try await report(waiting, "succeeded", ["channel_refund_id": "c2"], campus)
            #expect(again["outcome"] == "repeated")
            // It is gone, and counts once: nobody can have it again.
            #expect(try await campus.promised(waiting.order.id) == (0, waiting.order.payable))
            let recorded = try await campus.number(
                """
                select count(*) from campus.refund_report
                where stood = 'closed' and result = 'succeeded' and outcome = 'contradictory'
                """
            )
            #expect(recorded == 1)
            #expect(lines.refundEvents(.error) == ["refund.paid_though_released"])
        }
    }
}
