import HTTPTypes
import Model
import Postgres
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("Timers of a case", .timeLimit(.minutes(2)))
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

    @Test("A case in review is due twice; a decided one no more")
    func reviewDue() async throws {
        try await TestCampus.run(isTest: true) { campus in
            let order = try await OrderFixture().insert(campus)
            let opened = try await campus.openCase(order.id, .quality)
            let kinds =
                "select count(*) from campus.after_sales_timer where kind in ('case.review_due', 'case.decision_due')"
            #expect(try await campus.number(.init(stringLiteral: kinds)) == 2)
            try await advance(campus, hours: 1)
            try await eventually("the review timer fired") {
                try await campus.number(.init(stringLiteral: kinds)) == 1
            }
            let decided = try await campus.send(
                .post,
                "/v1/desk/cases/\(opened.id)/decide",
                ["verdict": "rejected", "reasons": [["zh-CN": "否", "en": "No"]]],
                as: "agent:kf_1"
            )
            #expect(decided["status"] == "rejected")
            #expect(try await campus.number(.init(stringLiteral: kinds)) == 0)
        }
    }
}
