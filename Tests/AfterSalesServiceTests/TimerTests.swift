import HTTPTypes
import Model
import Postgres
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("Timers of a case", .timeLimit(.minutes(5)))
struct TimerTests {
    /// Moves the campus's clock, as OrderService does on a test campus.
    private func advance(_ campus: TestCampus, hours: Int64) async throws {
        try await campus.orders.transaction { session in
            try session.execute(
                """
                update campus.campus_clock set clock_offset = clock_offset + \(Duration.seconds(hours * 3_600))
                where campus_id = \(campus.id)
                """
            )
        }
    }

    @Test("A resolved case is closed a day later, by the campus's clock")
    func followUp() async throws {
        try await TestCampus.run(isTest: true) { campus in
            let order = try await OrderFixture(minutesLate: 20).insert(campus)
            let opened = try await campus.openCase(order.id, .late)
            let resolved = try await campus.awaitCase(opened.id, "the case is resolved") { $0["status"] == "resolved" }
            let stage = try #require(resolved["progress"]?.array?.last)
            #expect(stage["stage"] == "follow_up")
            #expect(stage["status"] == "current")
            #expect(try await campus.number("select count(*) from campus.after_sales_timer") == 1)
            try await advance(campus, hours: 25)
            let closed = try await campus.awaitCase(opened.id, "the case is closed") { $0["status"] == "closed" }
            #expect(closed["closed_at"]?.string != nil)
            #expect(try await campus.number("select count(*) from campus.after_sales_timer") == 0)
            let comment = try await campus.send(
                .post,
                "/v1/cases/\(opened.id)/comments",
                ["text": "Thanks"],
                as: "customer:stu_1"
            )
            #expect(comment.code == "illegal-transition")
        }
    }

    @Test("A case whose refund did not arrive is due anew, and one that waited for it too")
    func reopened() async throws {
        try await TestCampus.run(isTest: true) { campus in
            let payment = PaymentFixture(transaction: "txn_SANDBOX-CLOSED_1")
            let order = try await OrderFixture(minutesLate: 20, payments: [payment]).insert(campus)
            let opened = try await campus.openCase(order.id, .late)
            let reopened = try await campus.awaitCase(opened.id, "the case is reopened") { $0["status"] == "in_review" }
            try expectDueAnew(reopened)
            #expect(try await campus.number(Self.due) == 2)
            try await advance(campus, hours: 1)
            try await eventually("the review timer fired") { try await campus.number(Self.due) == 1 }

            let cancelled = try await OrderFixture(
                status: .cancelled,
                payments: [PaymentFixture(transaction: "txn_SANDBOX-CLOSED_2")]
            ).insert(campus)
            let waiting = try await campus.openCase(cancelled.id, .quality)
            let amount = Money(fen: cancelled.payable)
            let due = RefundDue(paymentID: cancelled.payments[0].id, cause: .cancelled, amount: amount)
            try await cancelled.appendDue(due, on: campus)
            let attached = try await campus.awaitCase(waiting.id, "it is answered") { $0["attached_to"] != .null }
            let system = attached["attached_to"]?.string ?? ""
            try await campus.awaitCase(system, "the channel closed the refund") { $0["status"] == "in_review" }
            try await advance(campus, hours: 1)
            _ = try await campus.send(
                .post,
                "/v1/desk/cases/\(system)/decide",
                ["verdict": "rejected", "reasons": [["zh-CN": "否", "en": "No"]]],
                as: "agent:kf_1"
            )
            try expectDueAnew(try await campus.send(.get, "/v1/cases/\(waiting.id)", as: "agent:kf_1"))
            let armed: SQL = """
                select count(*) from campus.after_sales_timer
                where kind in ('case.review_due', 'case.decision_due')
                    and subject_id = \(try #require(CaseID(waiting.id)))
                """
            #expect(try await campus.number(armed) == 2)
        }
    }

    private func expectDueAnew(_ reopened: Answer) throws {
        let times = ["updated_at", "review_due_at", "decision_due_at"].map { name in
            reopened[name]?.string.flatMap(Timestamp.init(rfc3339:))
        }
        let since = try #require(times[0])
        #expect(times[1] == since + .seconds(600))
        #expect(times[2] == since + .seconds(86_400))
        #expect(reopened["status"] == "in_review")
    }

    private static let due: SQL =
        "select count(*) from campus.after_sales_timer where kind in ('case.review_due', 'case.decision_due')"

    @Test("A case in review is due twice; a decided one no more")
    func reviewDue() async throws {
        try await TestCampus.run(isTest: true) { campus in
            let order = try await OrderFixture().insert(campus)
            let opened = try await campus.openCase(order.id, .quality)
            #expect(try await campus.number(Self.due) == 2)
            try await advance(campus, hours: 1)
            try await eventually("the review timer fired") {
                try await campus.number(Self.due) == 1
            }
            let decided = try await campus.send(
                .post,
                "/v1/desk/cases/\(opened.id)/decide",
                ["verdict": "rejected", "reasons": [["zh-CN": "否", "en": "No"]]],
                as: "agent:kf_1"
            )
            #expect(decided["status"] == "rejected")
            #expect(try await campus.number(Self.due) == 0)
        }
    }
}
