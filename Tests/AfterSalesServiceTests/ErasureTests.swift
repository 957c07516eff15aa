import EventLog
import HTTPTypes
import Logging
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("Forgetting somebody", .timeLimit(.minutes(5)))
struct ErasureTests {
    private let path = "/v1/parties/customer/stu_1"
    private static let words = "my number is 13800138000"

    /// A case with a description, a comment and, when it goes to a person, a note among staff.
    private func open(_ campus: TestCampus, customer: String = "stu_1") async throws -> String {
        let order = try await OrderFixture(customer: customer).insert(campus)
        let opened = try await campus.send(
            .post,
            "/v1/cases",
            [
                "order_id": .string(order.id.description), "kind": "refund", "reason": "quality",
                "description": .string(Self.words),
            ],
            as: "customer:\(customer)"
        )
        #expect(opened.status == 201)
        let comment: JSON = ["text": .string(Self.words)]
        #expect(
            try await campus.send(.post, "/v1/cases/\(opened.id)/comments", comment, as: "customer:\(customer)").status
                == 200
        )
        let desk = "/v1/desk/cases/\(opened.id)"
        _ = try await campus.send(.post, "\(desk)/claim", as: "agent:kf_1")
        let handed: JSON = ["to": "kf_2", "note": .string(Self.words)]
        #expect(try await campus.send(.post, "\(desk)/transfer", handed, as: "agent:kf_1").status == 200)
        return opened.id
    }

    private func decide(_ id: String, _ campus: TestCampus) async throws {
        let ruling: JSON = ["verdict": "approved", "reasons": [["zh-CN": "好", "en": "Yes"]]]
        let decided = try await campus.send(.post, "/v1/desk/cases/\(id)/decide", ruling, as: "agent:kf_2")
        #expect(decided.status == 200, "\(decided.body)")
        try await campus.awaitCase(id, "the money is back") { $0["status"] == "resolved" }
    }

    /// Everything that reckonings, the trail and listeners rest on, as one text.
    private func books(_ campus: TestCampus) async throws -> [String] {
        let queries: [SQL] = [
            "select row_to_json(t)::text from campus.case_timeline t order by case_id, version",
            "select row_to_json(t)::text from campus.refund_timeline t order by refund_id, version",
            "select row_to_json(t)::text from campus.decision t order by case_id, number",
            "select row_to_json(t)::text from campus.refund t order by id",
            "select row_to_json(t)::text from campus.refundable t order by order_id, payment_id, item",
            "select row_to_json(t)::text from campus.ledger_entry t order by case_id, number",
            "select (to_jsonb(t) - 'description')::text from campus.cases t order by id",
        ]
        return try await campus.pool.transaction { session in
            var rows: [String] = []
            for query in queries { rows += try session.query(query) { row -> String in try row[0] } }
            return rows
        }
    }

    private func ownPart(_ report: Answer) -> JSON? {
        report["services"]?.array?.first { $0["service"] == "after_sales_service" }
    }

    @Test("Words go once a case is decided; the trail, money and reckonings stay as they were")
    func customer() async throws {
        try await TestCampus.run { campus in
            _ = try await campus.send(.put, path, ["member_tier": "gold", "building": "7"])
            let settled = try await open(campus)
            try await decide(settled, campus)
            let undecided = try await open(campus)
            let others = try await open(campus, customer: "stu_2")
            let before = try await books(campus)
            #expect(!before.contains { $0.contains("13800138000") })

            let asked = try await campus.send(.post, "\(path)/erase", idempotencyKey: "once")
            #expect(asked.status == 202, "\(asked.body)")
            #expect(asked["status"] == "pending")
            let repeated = try await campus.send(.post, "\(path)/erase", idempotencyKey: "once")
            #expect(repeated.bytes == asked.bytes)
            var report = asked
            try await eventually("the settled case is erased") {
                report = try await campus.send(.get, "\(path)/erasure")
                return ownPart(report)?["waiting"] == 1
            }
            // Who asks again while that waits means what has come since, too.
            _ = try await campus.send(.put, path, ["member_tier": "silver"])
            #expect(try await campus.send(.get, path)["member_tier"] == "silver")
            let again = try await campus.send(.post, "\(path)/erase")
            #expect(again.status == 202 && again["erasure_id"] != asked["erasure_id"])
            #expect(try await campus.send(.get, path)["member_tier"] == .null)
            try await eventually("the settled case is looked at again") {
                report = try await campus.send(.get, "\(path)/erasure")
                return report["erasure_id"] == again["erasure_id"] && ownPart(report)?["waiting"] == 1
            }

            let seen = try await campus.send(.get, "/v1/cases/\(settled)", as: "agent:kf_1")
            #expect(seen["description"] == .null)
            let timeline = try await campus.send(.get, "/v1/cases/\(settled)/timeline", as: "agent:kf_1")
            #expect(!timeline.body.text.contains(Self.words) && timeline.body.text.contains("words_sha256"))
            let waiting = try await campus.send(.get, "/v1/cases/\(undecided)/timeline", as: "agent:kf_1")
            #expect(waiting.body.text.contains(Self.words))
            #expect(try await books(campus) == before)
            let party = try await campus.send(.get, path)
            #expect(party["member_tier"] == .null && party["erased_at"] != .null)
            let late = try await campus.send(.put, path, ["member_tier": "gold", "updated_at": "2026-01-01T00:00:00Z"])
            #expect(late["member_tier"] == .null)

            try await decide(undecided, campus)
            let after = try await books(campus)
            try await campus.pool.autocommit { session in
                _ = try session.execute(
                    "update campus.after_sales_timer set due_at = now() where kind = \(EraseInRounds.timer)"
                )
            }
            try await eventually("the other case is erased") {
                report = try await campus.send(.get, "\(path)/erasure")
                return ownPart(report)?["status"] == "done"
            }
            #expect(try await books(campus) == after)
            #expect(try await campus.number("select count(*) from campus.case_words") == 2)
            let kept = try await campus.send(.get, "/v1/cases/\(others)", as: "agent:kf_1")
            #expect(kept["description"]?.string == Self.words)
            // The others have not said so yet.
            #expect(report["status"] == "pending")
            #expect(
                try await campus.number("select count(*) from campus.after_sales_event where type like 'party.%'") == 2
            )
            #expect(
                try await campus.number(
                    "select count(*) from campus.audit_entry where action = 'party.erasure_requested'"
                ) == 2
            )
        }
    }

    @Test(
        "Who keeps words and salt can show that they are those that were said; a guess without the salt shows nothing"
    )
    func digests() async throws {
        try await TestCampus.run { campus in
            let id = try await open(campus)
            let rows: [(detail: JSON, words: String, salt: [UInt8])] = try await campus.pool.autocommit { session in
                try session.query(
                    """
                    select t.detail, w.words, w.salt from campus.case_words w
                    join campus.case_timeline t using (campus_id, case_id, version) order by version
                    """
                ) { (try $0[0], try $0[1], try $0[2]) }
            }
            #expect(rows.count == 2)
            #expect(Set(rows.map(\.salt)).count == 2)
            for row in rows {
                let digest = try #require(row.detail["words_sha256"]?.string)
                #expect(SHA256Digest(of: row.salt + row.words.utf8).hexadecimal == digest)
                #expect(SHA256Digest(of: Array(row.words.utf8)).hexadecimal != digest)
                #expect(!row.detail.text.contains(Self.words))
            }
            let seen = try await campus.send(.get, "/v1/cases/\(id)/timeline", as: "customer:stu_1")
            #expect(seen.body.text.contains("\"comment\":\"\(Self.words)\""))
            #expect(!seen.body.text.contains("note") && !seen.body.text.contains("sha256"))
        }
    }

    @Test("All services' parts are shown, and it is done when all are; only the platform and admins may ask")
    func report() async throws {
        try await TestCampus.run { campus in
            #expect(try await campus.send(.get, "\(path)/erasure").status == 404)
            #expect(try await campus.send(.post, "\(path)/erase", as: "customer:stu_1").status == 403)
            #expect(try await campus.send(.post, "\(path)/erase", as: "agent:kf_1").status == 403)
            let asked = try await campus.send(.post, "\(path)/erase", as: "admin:root")
            #expect(asked.status == 202)
            let id = try #require(ErasureID(asked["erasure_id"]?.string ?? ""))
            let request = ErasureRequest(
                id: id,
                party: Party(kind: .customer, id: "stu_1"),
                requestedAt: SystemWallClock().now(),
                isTest: true
            )
            for (stream, role) in [(EventStream.orders, TestRole.orderService), (.notifications, .notifyService)] {
                try await campus.database.pool(as: role, size: 1).transaction { session in
                    _ = try ErasureStore(owner: stream).record(
                        [(campus.id, request)],
                        doneAt: request.requestedAt,
                        in: session
                    )
                }
            }
            try await eventually("all are done") {
                try await campus.send(.get, "\(path)/erasure")["status"] == "done"
            }
            // What came since is another request's.
            let next = try await campus.send(.post, "\(path)/erase")
            #expect(next["erasure_id"] != asked["erasure_id"])
            #expect(try await campus.other().send(.get, "\(path)/erasure").status == 404)
        }
    }

    @Test("After three years cases forget what was said in them")
    func retention() async throws {
        try await TestCampus.run { campus in
            let id = try await open(campus)
            let before = try await books(campus)
            let clock = ManualClock(SystemWallClock().now() + .seconds(1_095 * 86_400))
            let pool = try campus.database.pool(as: .afterSalesService, size: 2)
            let configuration = try ServiceConfiguration(AfterSales.settings, values: [:])
            let rules = try Retention.rules(
                configuration,
                pool: pool,
                directory: CampusDirectory(pool: pool, clock: clock, logger: .silent)
            )
            await RetentionService(rules, logger: .silent).followAll()
            #expect(try await campus.number("select count(*) from campus.case_words") == 2)
            clock.advance(by: .seconds(2 * 86_400))
            await RetentionService(rules, logger: .silent).followAll()
            #expect(try await campus.number("select count(*) from campus.case_words") == 0)
            #expect(try await campus.send(.get, "/v1/cases/\(id)", as: "agent:kf_1")["description"] == .null)
            #expect(try await books(campus) == before)
        }
    }
}
