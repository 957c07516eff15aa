import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import AfterSalesService

/// What the database holds whoever writes: every statement here runs with the login of the service itself.
@Suite("The database guards refunds", .timeLimit(.minutes(5)))
struct RefundGuardTests {
    /// A campus on which the first line of an order is being refunded by a case, and nothing works on it.
    private struct Site {
        let campus: CampusID
        let order: OrderFixture
        let refund: Refund
        let pool: ConnectionPool
        let database: TestDatabase

        /// Another refund of that amount, with what it gives back.
        func another(
            _ index: Int,
            number: String? = nil,
            amount: Int64 = 300,
            items: [(item: String, amount: Int64)] = [("delivery", 300)],
            payment: PaymentID? = nil,
            isTest: Bool = true
        ) -> [SQL] {
            let id = RefundID(high: 7, low: UInt64(index))
            let payment = payment ?? refund.payment.id
            return [
                """
                insert into campus.refund (
                    campus_id, id, case_id, order_id, payment_id, customer_id, merchant_id, is_test, channel,
                    transaction_id, out_refund_no, amount_fen, payment_fen, automatic, created_at, updated_at
                )
                select campus_id, \(id), case_id, order_id, payment_id, customer_id, merchant_id, \(isTest), channel,
                    transaction_id, \(number ?? "R\(index)"), \(amount), payment_fen, automatic, created_at, updated_at
                from campus.refund where id = \(refund.id)
                """
            ]
                + items.map { entry in
                    """
                    insert into campus.refund_item (campus_id, refund_id, order_id, payment_id, item, amount_fen)
                    values (\(campus), \(id), \(order.id), \(payment), \(entry.item), \(entry.amount))
                    """
                }
        }

        /// Refunds whose amount is wrong, each with the constraint that says so.
        var badAmounts: [(constraint: String, statements: [SQL])] {
            [
                ("refund_is_reserved", another(1, items: [])), ("refund_is_its_items", another(1, amount: 400)),
                ("refund_is_its_items", another(1, amount: 200)),
                ("refundable_never_exceeded", another(1, amount: 301, items: [("delivery", 301)])),
                ("refundable_never_exceeded", another(1, amount: 1, items: [("line:1", 1)])),
                ("refundable_never_exceeded", another(1) + another(2)),
                ("refund_item_campus_id_order_id_payment_id_item_fkey", another(1, items: [("line:7", 300)])),
                ("refund_number_unique", another(1) + another(2, number: "R1")),
                ("refund_sandbox_in_tests_only", another(1, isTest: false)),
            ]
        }

        /// Stores the refund's status as the service would.
        func becoming(_ status: RefundStatus) -> SQL {
            let settledAt: Timestamp? = status.isFinal ? order.now : nil
            return """
                update campus.refund set status = \(status), version = version + 1, settled_at = \(settledAt)
                where id = \(refund.id)
                """
        }

        func run(_ statements: [SQL]) async throws {
            try await pool.transaction { session in
                for statement in statements { try session.execute(statement) }
            }
        }

        /// What the database says to these statements in one transaction; nil when it takes them.
        func refusal(of statements: [SQL]) async throws -> PostgresError? {
            do {
                try await run(statements)
                return nil
            } catch let error as PostgresError {
                return error
            }
        }

        func insert(_ payment: PaymentFixture, _ orders: ConnectionPool) async throws {
            try await orders.transaction { session in
                try payment.insert(
                    for: order.id,
                    campus: campus,
                    amount: Money(fen: payment.amount ?? 0),
                    at: order.now,
                    in: session
                )
            }
        }

        func money(_ item: String) async throws -> [Int64] {
            try await pool.transaction { session in
                try session.one(
                    """
                    select paid_fen, reserved_fen, refunded_fen from campus.refundable
                    where order_id = \(order.id) and payment_id = \(refund.payment.id) and item = \(item)
                    """
                ) { row in [try row[0], try row[1], try row[2]] }
            }
        }
    }

    private func withSite(_ body: @Sendable (Site) async throws -> Void) async throws {
        try await RefundBench.with(ScriptedChannel([]), lines: [LineQuantity(number: 1, quantity: 1)]) { bench in
            try await body(
                Site(
                    campus: bench.campus.id,
                    order: bench.order,
                    refund: bench.refund,
                    pool: bench.pool,
                    database: bench.database
                )
            )
        }
    }

    @Test("What was paid, promised and paid back is not for the service to say, nor is a refund's past")
    func privileges() async throws {
        try await withSite { site in
            let forbidden: [SQL] = [
                "update campus.refundable set paid_fen = 1000000", "update campus.refundable set reserved_fen = 0",
                "update campus.refundable set refunded_fen = 0", "delete from campus.refundable",
                """
                insert into campus.refundable (campus_id, order_id, payment_id, item, paid_fen)
                values (\(site.campus), \(site.order.id), \(site.refund.payment.id), 'line:9', 1000000)
                """,
                "select campus.move_refundables(r, -1, 0) from campus.refund r",
                """
                insert into campus.refund (campus_id, id, status) values (\(site.campus), \(site.refund.id), 'succeeded')
                """,
                "update campus.refund set out_refund_no = 'R2'", "update campus.refund set amount_fen = 1",
                "update campus.refund set payment_id = id", "delete from campus.refund",
                "update campus.refund_item set amount_fen = 1", "delete from campus.refund_item",
                "update campus.decision set verdict = 'rejected'", "delete from campus.case_timeline",
                "update campus.ledger_entry set amount_fen = 1", "update campus.orders set status = 'cancelled'",
                "update campus.payment_allocation set amount_fen = 1000000",
            ]
            for statement in forbidden {
                let refusal = try await site.refusal(of: [statement])
                #expect(refusal?.sqlState == .insufficientPrivilege, "\(statement.text)")
            }
        }
    }

    @Test("A refund reserves what its items say, until it is paid or closed and no longer")
    func reservation() async throws {
        try await withSite { site in
            #expect(try await site.money("line:1") == [1_500, 1_500, 0])
            #expect(try await site.money("whole") == [2_900, 1_500, 0])
            try await site.run(site.another(1))
            #expect(try await site.money("delivery") == [300, 300, 0])
            #expect(try await site.money("whole") == [2_900, 1_800, 0])
            for status in [RefundStatus.submitting, .unknown, .processing, .abnormal, .failed] {
                try await site.run([site.becoming(status)])
                #expect(try await site.money("line:1") == [1_500, 1_500, 0], "\(status)")
            }
            try await site.run([site.becoming(.succeeded)])
            #expect(try await site.money("line:1") == [1_500, 0, 1_500])
            #expect(try await site.money("whole") == [2_900, 300, 1_500])
        }
        try await withSite { site in
            try await site.run([site.becoming(.closed)])
            #expect(try await site.money("line:1") == [1_500, 0, 0])
            #expect(try await site.money("whole") == [2_900, 0, 0])
        }
    }

    @Test("No refund is more than what is left, less than the sum of its items, or without any")
    func amounts() async throws {
        try await withSite { site in
            for (constraint, statements) in site.badAmounts {
                let refusal = try await site.refusal(of: statements)
                #expect(refusal?.constraint == constraint)
            }
            #expect(try await site.money("whole") == [2_900, 1_500, 0])
        }
    }

    @Test("Nothing is added to a refund later, and a refund of one payment gives back nothing of another")
    func items() async throws {
        try await withSite { site in
            try await site.run(site.another(1))
            let later: SQL = """
                insert into campus.refund_item (campus_id, refund_id, order_id, payment_id, item, amount_fen)
                values (\(site.campus), \(site.refund.id), \(site.order.id), \(site.refund.payment.id), 'packaging', 1)
                """
            #expect(try await site.refusal(of: [later])?.constraint == "refund_is_its_items")
            try await site.run([site.becoming(.submitting)])
            #expect(try await site.refusal(of: [later])?.constraint == "refund_item_of_new_refund")

            let other = PaymentFixture(amount: 700, purpose: "duplicate")
            try await site.insert(other, try site.database.pool(as: .orderService, size: 1))
            try await site.run(["select campus.copy_refundables(\(site.campus), \(site.order.id))"])
            let foreign = site.another(2, items: [("surplus", 300)], payment: other.id)
            #expect(try await site.refusal(of: foreign)?.constraint == "refund_is_its_items")
            let mixed =
                site.another(2, amount: 100, items: [("packaging", 100)]) + [
                    """
                    insert into campus.refund_item (campus_id, refund_id, order_id, payment_id, item, amount_fen)
                    values (\(site.campus), \(RefundID(high: 7, low: 2)), \(site.order.id), \(other.id), 'surplus', 1)
                    """
                ]
            #expect(try await site.refusal(of: mixed)?.constraint == "refund_is_its_items")
        }
    }

    @Test("A refund's end is final, and says when it was", arguments: [RefundStatus.succeeded, .closed])
    func end(status: RefundStatus) async throws {
        try await withSite { site in
            let untimed: SQL = """
                update campus.refund set status = \(status), version = version + 1 where id = \(site.refund.id)
                """
            #expect(try await site.refusal(of: [untimed])?.constraint == "refund_settled_when_final")
            let early: SQL = "update campus.refund set settled_at = created_at where id = \(site.refund.id)"
            #expect(try await site.refusal(of: [early])?.constraint == "refund_settled_when_final")
            try await site.run([site.becoming(status)])
            let before = try await site.money("whole")
            for next in RefundStatus.allCases {
                #expect(try await site.refusal(of: [site.becoming(next)])?.constraint == "refund_end_is_final")
            }
            #expect(try await site.money("whole") == before)
        }
    }

    @Test("One open case at most asks for an item of an order")
    func askedOnce() async throws {
        try await withSite { site in
            let again: SQL = """
                insert into campus.case_item (campus_id, case_id, item, order_id, units, asked_fen, state)
                select campus_id, case_id, 'packaging', order_id, '[]', 100, 'asked' from campus.case_item limit 1
                """
            try await site.run([again])
            let other = CaseID(high: 8, low: 8)
            let refusal = try await site.refusal(of: [
                """
                insert into campus.cases (
                    campus_id, id, order_id, kind, reason, status, version, customer_id, merchant_id, opened_by, is_system,
                    is_test, source, asks_whole_order, requested_fen, policy_version, opened_at, updated_at, review_due_at,
                    decision_due_at, priority_at
                )
                select campus_id, \(other), order_id, kind, reason, 'in_review', 1, customer_id, merchant_id, opened_by,
                    is_system, is_test, source, asks_whole_order, requested_fen, policy_version, opened_at, updated_at,
                    review_due_at, decision_due_at, priority_at
                from campus.cases
                """,
                """
                insert into campus.case_item (campus_id, case_id, item, order_id, units, asked_fen, state)
                values (\(site.campus), \(other), 'packaging', \(site.order.id), '[]', 100, 'asked')
                """,
            ])
            #expect(refusal?.constraint == "case_item_asked_once")
        }
    }

    @Test("A payment is never spread over more than it was, not even by two at once")
    func spread() async throws {
        try await withSite { site in
            let orders = try site.database.pool(as: .orderService, size: 2)
            let payment = PaymentFixture(amount: 1_000, share: 400, purpose: "duplicate")
            try await site.insert(payment, orders)
            let isContested = Flag()
            let outcomes = try await withThrowingTaskGroup(of: String?.self) { group in
                for purpose in ["excess", "late"] {
                    group.addTask {
                        do {
                            try await orders.transaction { session in
                                try session.execute(
                                    """
                                    insert into campus.payment_allocation
                                        (campus_id, payment_id, order_id, purpose, amount_fen)
                                    values (\(site.campus), \(payment.id), \(site.order.id), \(purpose), 400)
                                    """
                                )
                                try session.stayOpen(until: isContested)
                            }
                            return nil
                        } catch {
                            return (error as? PostgresError)?.constraint ?? "\(error)"
                        }
                    }
                }
                // The first has the payment, and the second has asked for it.
                try await site.database.pool(size: 1).waitForLockWaits()
                isContested.set()
                return try await group.reduce(into: [String?]()) { $0.append($1) }
            }
            #expect(outcomes.compactMap { $0 } == ["payment_allocation_within_payment"])
        }
    }

    @Test("What the database copies is what decisions are worked out with", arguments: 0..<6)
    func parity(round: Int) async throws {
        try await withDatabase { database in
            let owner = try database.pool(as: .superuser, size: 1)
            let orders = try database.pool(as: .orderService, size: 1)
            let pool = try database.pool(as: .afterSalesService, size: 1)
            let campus = try await TestCampus.insertCampus(owner, isTest: true)
            var order = OrderFixture(
                lines: (0...round).map { (quantity: $0 + 1, payable: Int64(($0 * 733) % 1_000)) },
                delivery: Int64(round * 100 % 300)
            )
            let first = order.payable / 3
            order.payments = [
                PaymentFixture(amount: first, purpose: "partial"),
                PaymentFixture(amount: order.payable - first, purpose: "settles"),
                PaymentFixture(amount: 250, purpose: "duplicate"), PaymentFixture(amount: 90, purpose: "late"),
            ].filter { $0.amount != 0 || $0.purpose == "settles" }
            try await order.insert(campus, orders)
            let copied = try await pool.transaction { [order] session -> (RefundableBook, RefundableBook, Int64) in
                let record = try #require(try OrderRecordStore().find(order.id, campus: campus, in: session))
                let refundables = RefundableStore()
                try session.execute(refundables.copying(order.id, campus: campus))
                try session.execute(refundables.copying(order.id, campus: campus))
                let wholes: Int64 = try session.one(
                    "select sum(paid_fen)::bigint from campus.refundable where item = 'whole'"
                ) { try $0[0] }
                let stored = try refundables.rows(of: order.id, campus: campus, in: session)
                return (RefundableBook(of: record), RefundableBook(rows: stored), wholes)
            }
            let byKey: (Refundable, Refundable) -> Bool = { ($0.payment, $0.item) < ($1.payment, $1.item) }
            #expect(copied.0.rows.sorted(by: byKey) == copied.1.rows.sorted(by: byKey))
            #expect(copied.2 == order.payable + 340)
        }
    }
}
