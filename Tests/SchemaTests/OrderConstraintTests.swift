import Postgres
import TestSupport
import Testing

@testable import Schema

/// What the tables of orders refuse, whatever the program above them does.
@Suite("Constraints of orders and payments")
struct OrderConstraintTests {
    private static let campus = "00000000-0000-7000-8000-000000000001"

    /// An order that is delivered and paid, with some columns given other values (as SQL).
    private static func order(_ changes: [String: String] = [:]) -> SQL {
        var columns = [
            "campus_id": "'\(campus)'", "id": "gen_random_uuid()", "source": "'own'", "status": "'delivered'",
            "version": "6",
            "customer_id": "'stu_1'", "merchant_id": "'m_1'", "merchant_name": "'Canteen'", "rider_id": "'r_1'",
            "lines": "'[]'", "discounts": "'[]'", "delivery_fen": "200", "packaging_fen": "100",
            "delivery_payable_fen": "200", "packaging_payable_fen": "100", "lines_fen": "1800", "fees_fen": "300",
            "discount_fen": "100", "payable_fen": "2000", "paid_fen": "2000", "dropoff": "'{}'", "promised_at": "now()",
            "placed_at": "now()", "picked_up_at": "now()", "delivered_at": "now()", "updated_at": "now()",
        ]
        columns.merge(changes) { _, new in new }
        let names = columns.keys.sorted()
        return SQL(
            stringLiteral: """
                insert into campus.orders (\(names.joined(separator: ", ")))
                values (\(names.map { columns[$0] ?? "null" }.joined(separator: ", ")))
                """
        )
    }

    private static func payment(_ changes: [String: String] = [:]) -> SQL {
        var columns = [
            "campus_id": "'\(campus)'", "id": "gen_random_uuid()", "channel": "'wechat'", "transaction_id": "'t1'",
            "amount_fen": "2000", "paid_at": "now()", "created_at": "now()",
        ]
        columns.merge(changes) { _, new in new }
        let names = columns.keys.sorted()
        return SQL(
            stringLiteral: """
                insert into campus.payment (\(names.joined(separator: ", ")))
                values (\(names.map { columns[$0] ?? "null" }.joined(separator: ", ")))
                """
        )
    }

    /// The constraint that refuses the last of these statements, run as OrderService; nil when nothing does.
    private func refusal(_ statements: [SQL], in pool: ConnectionPool) async throws -> String? {
        struct Undone: Error {}
        do {
            try await pool.transaction { session in
                for statement in statements { try session.execute(statement) }
                throw Undone()
            }
        } catch is Undone {
            return nil
        } catch PostgresError.server(let error) {
            return error.constraint ?? error.message
        }
        return nil
    }

    @Test("an order that agrees with itself is stored; one that does not is refused")
    func orders() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            #expect(try await refusal([Self.order()], in: pool) == nil)
            let wrong: [(changes: [String: String], constraint: String)] = [
                (["paid_fen": "1999"], "orders_paid_in_full"),
                (["source": "'meituan'"], "orders_of_other_platforms_hold_no_money"),
                (["rider_id": "null"], "orders_carried_by_a_rider"),
                (["picked_up_at": "null"], "orders_carried_by_a_rider"),
                (["payable_fen": "2001", "paid_fen": "2001"], "orders_totals_agree"),
                (["paid_fen": "2001"], "orders_check"),
                (["status": "'placed'"], "orders_delivered_says_when"),
                (["delivered_at": "null"], "orders_delivered_says_when"),
                (["status": "'completed'"], "orders_completed_says_when"),
                (["completed_at": "now()"], "orders_completed_says_when"),
                (["status": "'cancelled'", "delivered_at": "null"], "orders_cancelled_says_when_and_by_whom"),
                (["cancelled_at": "now()", "cancelled_by": "'customer:x'"], "orders_cancelled_says_when_and_by_whom"),
                (["reported_step": "'deliver'"], "orders_reported_time_has_a_step"),
                (["version": "0"], "orders_version_check"),
                (["status": "'lost'", "delivered_at": "null"], "orders_status_check"),
                (["customer_id": "''"], "orders_customer_id_check"),
                (["external_id": "''"], "orders_external_id_check"),
            ]
            for (changes, constraint) in wrong {
                let refused = try await refusal([Self.order(changes)], in: pool)
                // Checks of a single column are named by the server, several of them with numbers.
                #expect(refused?.hasPrefix(constraint) == true, "\(changes): \(refused ?? "stored")")
            }
            let twice = [Self.order(["external_id": "'A-1'"]), Self.order(["external_id": "'A-1'"])]
            #expect(try await refusal(twice, in: pool) == "orders_external_id_unique")
            let elsewhere = [
                Self.order(["external_id": "'A-1'"]),
                Self.order(["external_id": "'A-1'", "campus_id": "gen_random_uuid()"]),
            ]
            #expect(try await refusal(elsewhere, in: pool) == nil)
        }
    }

    @Test("a transaction of a channel is one payment of a campus")
    func payments() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            #expect(try await refusal([Self.payment(), Self.payment(["channel": "'alipay'"])], in: pool) == nil)
            #expect(
                try await refusal([Self.payment(), Self.payment(["campus_id": "gen_random_uuid()"])], in: pool) == nil
            )
            #expect(try await refusal([Self.payment(), Self.payment()], in: pool) == "payment_transaction_unique")
            let wrong: [(changes: [String: String], constraint: String)] = [
                (["channel": "'cash'"], "payment_channel_check"), (["amount_fen": "-1"], "payment_amount_fen_check"),
                (["transaction_id": "''"], "payment_transaction_id_check"), (["payer_fen": "2001"], "payment_check"),
            ]
            for (changes, constraint) in wrong {
                #expect(try await refusal([Self.payment(changes)], in: pool) == constraint, "\(changes)")
            }
        }
    }

    @Test("a part of a payment belongs to a payment and an order that are there, and is something")
    func allocations() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            func allocation(_ purpose: String, _ fen: Int) -> SQL {
                SQL(
                    stringLiteral: """
                        insert into campus.payment_allocation (campus_id, payment_id, order_id, purpose, amount_fen)
                        select p.campus_id, p.id, o.id, '\(purpose)', \(fen) from campus.payment p, campus.orders o
                        """
                )
            }
            let both = [Self.payment(), Self.order()]
            #expect(try await refusal(both + [allocation("settles", 2_000)], in: pool) == nil)
            #expect(try await refusal(both + [allocation("settles", 0)], in: pool) == nil)
            for (purpose, fen) in [("excess", 0), ("settles", -1), ("gift", 1)] {
                let refused = try await refusal(both + [allocation(purpose, fen)], in: pool)
                #expect(refused?.hasPrefix("payment_allocation_") == true, "\(purpose) \(fen): \(refused ?? "stored")")
            }
            let orphan: SQL = """
                insert into campus.payment_allocation (campus_id, payment_id, order_id, purpose, amount_fen)
                select campus_id, gen_random_uuid(), id, 'settles', 1 from campus.orders
                """
            #expect(try await refusal(both + [orphan], in: pool) == "payment_allocation_campus_id_payment_id_fkey")
            let twice = both + [allocation("partial", 1), allocation("partial", 1)]
            #expect(try await refusal(twice, in: pool) == "payment_allocation_pkey")
        }
    }
}
