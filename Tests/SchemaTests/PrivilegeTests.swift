import Postgres
import TestSupport
import Testing

@testable import Schema

@Suite("Privileges")
struct PrivilegeTests {
    private struct Refused: Error {}

    /// Runs a statement as a role and undoes it; whether the role may.
    private func isPermitted(_ sql: SQL, as pool: ConnectionPool) async throws -> Bool {
        do {
            try await pool.transaction { session in
                try session.execute(sql)
                throw Refused()
            }
        } catch is Refused {
            return true
        } catch let error as PostgresError where error.sqlState == .insufficientPrivilege {
            return false
        }
        return true
    }

    /// The prefixes of tables that each service has of its own.
    private static let prefixes: [String: String] = [
        "order_service": "orders", "after_sales_service": "after_sales", "notify_service": "notifications",
    ]

    @Test("NotifyService can neither write an order, nor enqueue a refund, nor forge an event")
    func notifyService() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .notifyService)
            let forbidden: [SQL] = [
                "update campus.orders set status = 'cancelled'",
                "delete from campus.orders",
                "insert into campus.orders (id) values (gen_random_uuid())",
                """
                insert into campus.after_sales_task (queue, destination, dedupe_key, campus_id, payload, run_at, max_attempts, holds_lane_when_dead)
                values ('refund', 'wechat', 'x', gen_random_uuid(), '{}', now(), 1, true)
                """,
                "update campus.after_sales_lane set ready_at = now()",
                "delete from campus.orders_timer",
                """
                insert into campus.after_sales_event (campus_id, type, subject_id, subject_version, root_id, actor, occurred_at, payload)
                values (gen_random_uuid(), 'refund.succeeded', gen_random_uuid(), 1, gen_random_uuid(), 'system:x', now(), '{}')
                """,
                "update campus.tick set snapshot = snapshot",
                "delete from campus.notifications_event",
                "update campus.notifications_event set payload = '{}'",
                "insert into campus.schema_version values (999, 'x', 'x', 1)",
                "select campus.make_event_partitions(current_date, current_date)",
                "drop table campus.notifications_task",
                "alter table campus.orders disable trigger all",
                "create table campus.mine (id int)",
                "set role campus_owner",
            ]
            for statement in forbidden {
                let mayDo = try await isPermitted(statement, as: pool)
                #expect(!mayDo, "\(statement.text)")
            }
            let permitted: [SQL] = [
                "select * from campus.orders limit 1", "select * from campus.orders_event limit 1",
                "select campus.tick()",
                "delete from campus.notifications_task", "update campus.notifications_timer set attempt = 0",
            ]
            for statement in permitted {
                let mayDo = try await isPermitted(statement, as: pool)
                #expect(mayDo, "\(statement.text)")
            }
        }
    }

    @Test("OrderService cannot change what was agreed, what was paid, or what happened; nor delete any of it")
    func orderService() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            let columns: [String] = try await database.pool().autocommit { session in
                try session.query(
                    """
                    select column_name::text from information_schema.columns
                    where table_schema = 'campus' and table_name = 'orders'
                    """
                ) { try $0[0] }
            }
            let standing: Set<String> = [
                "status", "version", "rider_id", "rider_name", "paid_fen", "paid_at", "accepted_at", "ready_at",
                "picked_up_at",
                "delivered_at", "completed_at", "cancelled_at", "cancelled_by", "cancel_reason", "handover",
                "reported_step",
                "reported_at", "updated_at",
            ]
            #expect(standing.isSubset(of: columns) && columns.count > standing.count + 20)
            for column in columns {
                let statement = SQL(stringLiteral: "update campus.orders set \(column) = \(column)")
                let mayDo = try await isPermitted(statement, as: pool)
                #expect(mayDo == standing.contains(column), "\(column)")
            }
            let tables = [
                "payment", "payment_allocation", "order_timeline", "order_exception", "order_track", "orders_event",
                "past_refund", "imported_order",
            ]
            for table in tables {
                for statement in ["update campus.\(table) set campus_id = campus_id", "delete from campus.\(table)"] {
                    let mayDo = try await isPermitted(SQL(stringLiteral: statement), as: pool)
                    #expect(!mayDo, "\(statement)")
                }
            }
            let mayDelete = try await isPermitted("delete from campus.orders", as: pool)
            #expect(!mayDelete)
        }
    }

    @Test(
        "A table that a service may write belongs to it alone",
        arguments: [TestRole.orderService, .afterSalesService, .notifyService]
    )
    func oneWriter(role: TestRole) async throws {
        try await withDatabase { database in
            let pool = try database.pool()
            // Tables that several write are an exception that must be named here.
            let shared: Set<String> = ["audit_entry"]
            let writable: [String] = try await pool.autocommit { session in
                try session.query(
                    """
                    select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
                    where n.nspname = 'campus' and c.relkind in ('r', 'p') and (
                        has_any_column_privilege(\(role.rawValue), c.oid, 'insert, update')
                        or has_table_privilege(\(role.rawValue), c.oid, 'delete, truncate, trigger, references')
                    )
                    """
                ) { try $0[0] }
            }
            #expect(writable.count > 8)
            let others: [(String, String)] = try await pool.autocommit { session in
                try session.query(
                    """
                    select c.relname::text, r.rolname::text
                    from pg_class c join pg_namespace n on n.oid = c.relnamespace
                    cross join (values ('order_service'), ('after_sales_service'), ('notify_service')) r (rolname)
                    where n.nspname = 'campus' and c.relname = any (\(writable)) and r.rolname <> \(role.rawValue) and (
                        has_any_column_privilege(r.rolname, c.oid, 'insert, update')
                        or has_table_privilege(r.rolname, c.oid, 'delete, truncate, trigger, references')
                    )
                    """
                ) { (try $0[0], try $0[1]) }
            }
            #expect(others.filter { !shared.contains($0.0) }.isEmpty, "\(others)")
            let prefix = try #require(Self.prefixes[role.rawValue])
            let foreign = Self.prefixes.values.filter { $0 != prefix }
            let trespassing = writable.filter { table in
                foreign.contains { table.hasPrefix("\($0)_") || table == $0 }
            }
            #expect(trespassing.isEmpty, "\(trespassing)")
            let truncatable = try await pool.autocommit { session in
                try session.query(
                    """
                    select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
                    where n.nspname = 'campus' and c.relkind in ('r', 'p')
                        and has_table_privilege(\(role.rawValue), c.oid, 'truncate, trigger')
                    """
                ) { try $0[0] as String }
            }
            #expect(truncatable.isEmpty)
        }
    }

    @Test(
        "How people are reached is NotifyService's alone to read",
        arguments: [TestRole.orderService, .afterSalesService]
    )
    func contacts(role: TestRole) async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: role)
            let forbidden: [SQL] = [
                "select * from campus.contact", "select count(*) from campus.contact",
                "select phone from campus.contact",
                "insert into campus.contact (campus_id, kind, id, updated_at) values (gen_random_uuid(), 'rider', 'x', now())",
                "update campus.contact set phone = null", "delete from campus.contact",
            ]
            for statement in forbidden {
                let mayDo = try await isPermitted(statement, as: pool)
                #expect(!mayDo, "\(statement.text)")
            }
            let owner = try database.pool(as: .notifyService)
            let mayRead = try await isPermitted("select * from campus.contact", as: owner)
            #expect(mayRead)
        }
    }

    @Test("The trail of a case is for good, its words are not; what is erased in orders is erased by functions alone")
    func words() async throws {
        try await withDatabase { database in
            let afterSales = try database.pool(as: .afterSalesService)
            for (statement, isAllowed) in [
                ("delete from campus.case_words", true), ("update campus.case_words set words = 'x'", false),
                ("delete from campus.case_timeline", false), ("update campus.case_timeline set detail = '{}'", false),
                ("delete from campus.party", false),
                ("select campus.erase_orders(gen_random_uuid(), 'customer', '{}', now())", false),
                ("select campus.erase_words_of_orders(gen_random_uuid(), '{}')", false),
                ("delete from campus.after_sales_erasure", false),
                ("update campus.orders_erasure set done_at = now()", false),
            ] {
                let mayDo = try await isPermitted(SQL(stringLiteral: statement), as: afterSales)
                #expect(mayDo == isAllowed, "\(statement)")
            }
            let orders = try database.pool(as: .orderService)
            for (statement, isAllowed) in [
                ("select campus.erase_orders(gen_random_uuid(), 'customer', '{}', now())", true),
                ("select campus.prune_positions(now(), 1)", true), ("update campus.orders set dropoff = '{}'", false),
                ("select campus.erase_words_of_orders(gen_random_uuid(), '{}')", false),
                ("update campus.payment set payer_openid = null", false),
            ] {
                let mayDo = try await isPermitted(SQL(stringLiteral: statement), as: orders)
                #expect(mayDo == isAllowed, "\(statement)")
            }
        }
    }

    @Test("What the public may do is nothing")
    func nothingPublic() async throws {
        try await withDatabase { database in
            let pool = try database.pool()
            let found: [String] = try await pool.autocommit { session in
                try session.query(
                    """
                    select 'table ' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a
                    where n.nspname = 'campus' and a.grantee = 0
                    union all
                    select 'function ' || p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace,
                        aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                    where n.nspname = 'campus' and a.grantee = 0
                    union all
                    select 'schema' from pg_namespace n, aclexplode(n.nspacl) a where n.nspname = 'campus' and a.grantee = 0
                    """
                ) { try $0[0] }
            }
            #expect(found.isEmpty, "\(found)")
        }
    }

    @Test("Functions that run as the owner have a fixed search path")
    func securityDefiners() async throws {
        try await withDatabase { database in
            let pool = try database.pool()
            let open: [String] = try await pool.autocommit { session in
                try session.query(
                    """
                    select p.proname::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
                    where n.nspname = 'campus' and p.prosecdef
                        and not exists (select from unnest(p.proconfig) s where s like 'search_path=%')
                    """
                ) { try $0[0] }
            }
            #expect(open.isEmpty, "\(open)")
        }
    }

    @Test("The services' logins are nothing but logins")
    func logins() async throws {
        try await withDatabase { database in
            let pool = try database.pool()
            let powerful: [String] = try await pool.autocommit { session in
                try session.query(
                    """
                    select rolname::text from pg_roles
                    where rolname in ('campus_owner', 'campus_migrator', 'order_service', 'after_sales_service', 'notify_service')
                        and (rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls
                            or rolcanlogin = (rolname = 'campus_owner'))
                    """
                ) { try $0[0] }
            }
            #expect(powerful.isEmpty, "\(powerful)")
            let members: [String] = try await pool.autocommit { session in
                try session.query(
                    """
                    select m.rolname::text from pg_auth_members a
                    join pg_roles r on r.oid = a.roleid join pg_roles m on m.oid = a.member where r.rolname = 'campus_owner'
                    """
                ) { try $0[0] }
            }
            #expect(members == ["campus_migrator"])
        }
    }
}
