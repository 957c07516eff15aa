import Model
import Postgres
import TestSupport
import Testing

@testable import Schema

@Suite("Acting in a user's name")
struct OnBehalfTests {
    @Test(
        "Each service's stored answer leaves a note of the key behind it, and no service can take it back",
        arguments: [
            (TestRole.orderService, "orders_idempotency"), (.afterSalesService, "after_sales_idempotency"),
            (.notifyService, "notifications_idempotency"),
        ]
    )
    func note(role: TestRole, table: String) async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: role, size: 1)
            let campus = CampusID(high: 1, low: 1)
            let key = KeyID(high: 2, low: 2)
            let answers: [(principal: String, headers: JSON)] = [
                ("key:\(key)/customer:a/b", ["location": "/v1/things/7"]), ("key:\(key)/agent:kf_1", [:]),
                ("key:\(key)", [:]), ("agent:kf_2", [:]),
            ]
            try await pool.transaction { session in
                let table = try SQLIdentifier(validating: table)
                for answer in answers {
                    try session.execute(
                        """
                        insert into campus.\(identifier: table)
                            (campus_id, principal, method, path, key, body_sha256, status, headers, body)
                        values (\(campus), \(answer.principal), 'POST', '/v1/things', 'k', '', 200, \(answer.headers), '')
                        """
                    )
                }
            }
            let notes = try await database.pool().transaction { session in
                try session.query(
                    """
                    select actor || ' ' || subject || ' ' || (detail ->> 'key_id') from campus.audit_entry
                    where campus_id = \(campus) order by actor
                    """
                ) { row -> String in try row[0] }
            }
            #expect(notes == ["agent:kf_1 /v1/things \(key)", "customer:a/b /v1/things/7 \(key)"])
            for statement: SQL in ["delete from campus.audit_entry", "update campus.audit_entry set actor = 'x'"] {
                let refusal = await #expect(throws: PostgresError.self) {
                    try await pool.transaction { session in try session.execute(statement) }
                }
                #expect(refusal?.sqlState == .insufficientPrivilege)
            }
        }
    }
}
