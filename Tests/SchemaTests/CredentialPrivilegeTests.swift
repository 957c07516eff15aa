import Postgres
import TestSupport
import Testing

@testable import Schema

@Suite("Who may touch credentials")
struct CredentialPrivilegeTests {
    @Test(
        "Every service reads what it verifies with and can ask for key sets; only OrderService changes any of it",
        arguments: [TestRole.orderService, .afterSalesService, .notifyService]
    )
    func services(role: TestRole) async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: role, size: 1)
            let reading: [SQL] = [
                "select * from campus.campus", "select * from campus.platform_key",
                "select * from campus.verification_key", "select * from campus.key_set",
                "select * from campus.key_set_key", "select campus.want_key_sets('{}')",
            ]
            for statement in reading {
                try await pool.transaction { session in _ = try session.query(statement) { _ in } }
            }
            let changing: [SQL] = [
                "update campus.campus set settings = '{}'",
                "insert into campus.campus (id, code, name) values (gen_random_uuid(), 'north', 'North')",
                "insert into campus.platform_key select * from campus.platform_key",
                "update campus.platform_key set revoked_at = now()",
                "insert into campus.verification_key select * from campus.verification_key",
                "insert into campus.key_set_key select * from campus.key_set_key",
                "delete from campus.key_set_key", "update campus.key_set set due_at = now()",
                "select * from campus.audit_entry",
            ]
            for statement in changing {
                var refusal: SQLState?
                do {
                    try await pool.transaction { session in _ = try session.query(statement) { _ in } }
                } catch let error as PostgresError {
                    refusal = error.sqlState
                }
                #expect(refusal == (role == .orderService ? nil : .insufficientPrivilege), "\(statement.text)")
            }
        }
    }

    @Test("Asking for key sets moves none nearer than half a minute after its last fetch, and none farther away")
    func want() async throws {
        try await withDatabase { database in
            let pool = try database.pool()
            let cases: [(attempted: Int?, due: Int, expected: ClosedRange<Int>)] = [
                // Fetched just now, ten seconds ago, a minute ago, never; and due sooner than that already.
                (0, 300, 29...30), (10, 300, 19...20), (60, 300, -1...0), (nil, 300, -1...0), (0, 5, 4...5),
                (60, -7, -8 ... -7),
            ]
            for (attempted, due, expected) in cases {
                let left: Int = try await pool.transaction { session in
                    try session.execute("delete from campus.key_set")
                    try session.execute(
                        """
                        insert into campus.key_set (campus_id, id, url, created_at, due_at, attempted_at)
                        values (
                            '00000000-0000-7000-8000-000000000001', gen_random_uuid(), 'https://example.com/', now(),
                            now() + make_interval(secs => \(due)), now() - make_interval(secs => \(attempted))
                        )
                        """
                    )
                    _ = try session.query(
                        "select campus.want_key_sets('{00000000-0000-7000-8000-000000000001}')"
                    ) { _ in }
                    return try session.one(
                        "select floor(extract(epoch from due_at - clock_timestamp()))::bigint from campus.key_set"
                    ) {
                        try $0[0]
                    }
                }
                #expect(expected.contains(left), "fetched \(attempted ?? -1) s ago, due in \(due) s: \(left)")
            }
        }
    }
}
