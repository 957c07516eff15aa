import HTTPTypes
import Model
import Postgres
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("What a campus sets for its cases", .timeLimit(.minutes(5)))
struct CampusSettingsTests {
    private func settings(_ own: JSONObject) -> JSON {
        var all = TestCampus.generous.object ?? [:]
        for member in own.members { all[member.name] = member.value }
        return .object(all)
    }

    @Test("How late is late", arguments: [(60, 2, "approved"), (3_600, 20, "in_review"), (1_200, 20, "approved")])
    func lateThreshold(seconds: Int64, minutesLate: Int64, verdict: String) async throws {
        try await TestCampus.run(settings: settings(["late_threshold_s": .integer(seconds)])) { campus in
            let order = try await OrderFixture(minutesLate: minutesLate).insert(campus)
            #expect(try await campus.openCase(order.id, .late).verdict == verdict)
        }
    }

    @Test("How long after delivery rules answer", arguments: [(3_600, "in_review"), (7_200, "approved")])
    func claimWindow(seconds: Int64, verdict: String) async throws {
        try await TestCampus.run(settings: settings(["claim_window_s": .integer(seconds)])) { campus in
            // Delivered an hour and forty minutes ago.
            let order = try await OrderFixture(minutesLate: 20, minutesSincePromised: 120).insert(campus)
            let opened = try await campus.openCase(order.id, .late)
            #expect(opened.verdict == verdict)
            let explained = try await campus.send(.get, "/v1/cases/\(opened.id)/explanation", as: "customer:stu_1")
            #expect(explained.rules("refers") == (verdict == "approved" ? [] : ["within_claim_window"]))
        }
    }

    @Test("How soon a person looks, in opening hours, is what the case, its progress and its reasons say")
    func firstReview() async throws {
        let evening = try #require(Timestamp(rfc3339: "2026-03-02T13:55:00Z"))
        let own: JSONObject = [
            "first_review_s": 600, "decision_s": 7_200, "calendar": ["opening": [["from": "07:00", "to": "22:00"]]],
        ]
        try await TestCampus.run(clock: ManualClock(evening), settings: settings(own)) { campus in
            let order = try await OrderFixture(now: evening).insert(campus)
            let opened = try await campus.openCase(order.id, .quality)
            // Five minutes are left of the day, so five more count from seven in the morning on.
            #expect(opened["review_due_at"] == "2026-03-02T23:05:00Z")
            #expect(opened["decision_due_at"] == "2026-03-03T00:55:00Z")
            #expect(opened["progress"]?.array?[1]["eta"] == "2026-03-02T23:05:00Z")
            let reason = opened["decision"]?["reasons"]?.array?.last
            #expect(reason?["zh-CN"] == "客服会在3月3日07:05前查看。")
            #expect(reason?["en"] == "A person will look at it by 07:05 on 3 March.")
            let options = try await campus.send(
                .get,
                "/v1/after-sales-options?order_id=\(order.id)",
                as: "customer:stu_1"
            )
            let reasons = options["kinds"]?.array?.first?["reasons"]?.array ?? []
            #expect(reasons.first { $0["reason"] == "late" }?["first_answer_by"] == "2026-03-02T23:05:00Z")
        }
    }
}
