import Postgres
import TestSupport
import Testing

/// Every way of listing orders, cases and money has an index that finds its rows in the list's order.
@Suite("Indexes of lists")
struct ListIndexTests {
    /// A list of a table, as the services ask for it, and the index that serves it.
    struct List: Sendable, CustomTestStringConvertible {
        var table: String
        var condition: String
        var order: String
        var index: String

        var testDescription: String { "\(table) by \(condition)" }
    }

    private static let lists: [List] = [
        List(table: "orders", condition: "customer_id = 'a'", order: "id desc", index: "orders_by_customer"),
        List(table: "orders", condition: "merchant_id = 'a'", order: "id desc", index: "orders_by_merchant"),
        List(table: "orders", condition: "status = 'paid'", order: "id desc", index: "orders_by_status"),
        List(table: "orders", condition: "rider_id = 'a'", order: "id desc", index: "orders_by_rider"),
        List(table: "orders", condition: "updated_at >= now()", order: "updated_at, id", index: "orders_by_campus"),
        List(table: "cases", condition: "customer_id = 'a'", order: "id desc", index: "cases_by_customer"),
        List(table: "cases", condition: "merchant_id = 'a'", order: "id desc", index: "cases_by_merchant"),
        List(
            table: "cases",
            condition: "order_id = '00000000-0000-7000-8000-000000000002'",
            order: "id",
            index: "cases_by_order"
        ),
        List(table: "cases", condition: "status = 'in_review'", order: "id desc", index: "cases_by_status"),
        List(table: "cases", condition: "updated_at >= now()", order: "updated_at, id", index: "cases_by_update"),
        List(table: "payment", condition: "created_at < now()", order: "created_at, id", index: "payment_by_recording"),
        List(table: "refund", condition: "settled_at < now()", order: "settled_at, id", index: "refund_by_end"),
        List(
            table: "reconciliation_row",
            condition: "line::jsonb ->> 'belongs_to' = '2026-03-01'",
            order: "day, number",
            index: "reconciliation_row_by_belonging"
        ),
        List(
            table: "audit_entry",
            condition: "action <> 'request.on_behalf' and (at, id) < (now(), '00000000-0000-7000-8000-000000000002')",
            order: "at desc, id desc",
            index: "audit_entry_by_campus"
        ),
        List(
            table: "audit_entry",
            condition: "action = 'request.on_behalf'",
            order: "at desc, id desc",
            index: "audit_entry_on_behalf"
        ),
        List(
            table: "platform_key",
            condition: "created_at >= now()",
            order: "created_at, id",
            index: "platform_key_by_campus"
        ),
        List(table: "key_set", condition: "created_at >= now()", order: "created_at, id", index: "key_set_by_campus"),
    ]

    @Test("a list is an index, read in its order", arguments: lists)
    func index(list: List) async throws {
        try await withDatabase { database in
            let plan: [String] = try await database.pool().transaction { session in
                // Of an empty table everything is read at once; of one that counts, by what is asked for here.
                try session.execute("set local enable_seqscan = off")
                try session.execute("set local enable_bitmapscan = off")
                try session.execute("set local enable_sort = off")
                return try session.query(
                    SQL(
                        stringLiteral: """
                            explain select 1 from campus.\(list.table)
                            where campus_id = '00000000-0000-7000-8000-000000000001' and \(list.condition)
                            order by \(list.order) limit 20
                            """
                    )
                ) { try $0[0] }
            }
            let text = plan.joined(separator: "\n")
            #expect(text.contains(" \(list.index) "), "\(text)")
            #expect(!text.contains("Filter:"), "\(text)")
        }
    }
}
