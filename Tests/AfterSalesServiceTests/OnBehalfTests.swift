import HTTPTypes
import Model
import Postgres
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("What a platform key does in a user's name", .timeLimit(.minutes(5)))
struct OnBehalfTests {
    private struct Note: Equatable {
        let actor: String
        let subject: String
        let path: String
    }

    private func notes(_ campus: TestCampus, by key: String) async throws -> [Note] {
        try await campus.pool.transaction { session in
            try session.query(
                """
                select actor, subject, detail ->> 'path' as path from campus.audit_entry
                where campus_id = \(campus.id) and action = 'request.on_behalf' and detail ->> 'key_id' = \(key)
                order by at
                """
            ) { row in Note(actor: try row["actor"], subject: try row["subject"], path: try row["path"]) }
        }
    }

    @Test("It stays known by which key a decision in an agent's name was made, also after the stored answer is gone")
    func decision() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture().insert(campus)
            let opened = try await campus.openCase(order.id, .quality, idempotencyKey: "o1")
            _ = try await campus.openCase(order.id, .quality, idempotencyKey: "o1")
            let path = "/v1/desk/cases/\(opened.id)/decide"
            let ruling: JSON = ["verdict": "approved", "reasons": [["zh-CN": "好", "en": "Yes"]]]
            #expect(try await campus.send(.post, path, ruling, as: "customer:stu_1").status == 403)
            #expect(try await campus.send(.post, path, ruling, as: "agent:kf_1").status == 200)
            try await campus.pool.transaction { session in
                _ = try session.execute("delete from campus.after_sales_idempotency")
            }
            let key: String = try await campus.pool.transaction { session in
                try session.one("select id::text from campus.platform_key where campus_id = \(campus.id)") { try $0[0] }
            }
            #expect(
                try await notes(campus, by: key) == [
                    Note(actor: "customer:stu_1", subject: "/v1/cases/\(opened.id)", path: "/v1/cases"),
                    Note(actor: "agent:kf_1", subject: path, path: path),
                ]
            )
        }
    }

    @Test("What the platform does for itself is noted as its own, nowhere else")
    func ownName() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture().insert(campus)
            let opened = try await campus.openCase(order.id, .quality)
            let before = try await campus.number("select count(*) from campus.audit_entry")
            let path = "/v1/desk/cases/\(opened.id)/decide"
            let ruling: JSON = ["verdict": "approved", "reasons": [["zh-CN": "好", "en": "Yes"]]]
            #expect(try await campus.send(.post, path, ruling).status == 200)
            #expect(try await campus.number("select count(*) from campus.audit_entry") == before)
            let decided = try await campus.number(
                "select count(*) from campus.decision where decided_by = 'platform:app'"
            )
            #expect(decided == 1)
        }
    }
}
