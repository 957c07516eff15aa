import Model
import Postgres

/// The only writer and reader of the guard on refundable money.
struct RefundableStore: Sendable {
    /// Serialises everything that promises or moves money of these orders until the transaction ends.
    ///
    /// It is the `order` of the lock order: OrderService's own row cannot be locked by this service. Orders are locked
    /// by the numbers that stand for them, in their order; two orders that share a number merely wait for each other.
    func lock(_ orders: some Sequence<OrderID>, in session: borrowing Session) throws {
        for key in Set(orders.map { Int32(truncatingIfNeeded: $0.low) }).sorted() {
            try session.execute("select pg_advisory_xact_lock(\(Self.lockClass), \(key))")
        }
    }

    /// The first half of the advisory locks that stand for orders.
    private static let lockClass: Int32 = 7_320

    /// What is left of an order: its stored rows where there are some, and what they will say where there are none yet.
    func book(of order: OrderRecord, campus: CampusID, in session: borrowing Session) throws -> RefundableBook {
        RefundableBook(of: order).updated(with: try rows(of: order.id, campus: campus, in: session))
    }

    /// What has been paid back for an order itself, surplus aside.
    func refunded(of order: OrderID, campus: CampusID, in session: borrowing Session) throws -> Money {
        try session.one(
            """
            select coalesce(sum(refunded_fen), 0)::bigint as refunded_fen from campus.refundable
            where campus_id = \(campus) and order_id = \(order) and item not in ('surplus', 'whole')
            """
        ) { row in try row["refunded_fen"] }
    }

    private func rows(of order: OrderID, campus: CampusID, in session: borrowing Session) throws -> [Refundable] {
        try session.query(
            """
            select payment_id, item, paid_fen, reserved_fen, refunded_fen from campus.refundable
            where campus_id = \(campus) and order_id = \(order) and item <> 'whole'
            """
        ) { row in
            Refundable(
                payment: try row["payment_id"],
                item: try RefundItem(stored: row["item"]),
                paid: try row["paid_fen"],
                reserved: try row["reserved_fen"],
                refunded: try row["refunded_fen"]
            )
        }
    }

    /// Reserves these parts; the order is locked and the book was read under that lock.
    ///
    /// Rows are copied from the payments on first use, then locked and raised in the order of their keys.
    ///
    /// - Throws: a violation of `refundable_never_exceeded` when a part does not fit.
    func reserve(
        _ parts: [PaymentPart],
        of order: OrderRecord,
        book: RefundableBook,
        campus: CampusID,
        in session: borrowing Session
    ) throws {
        guard !parts.isEmpty else { return }
        let touched = Set(parts.map(\.payment))
        var rows = book.rows.filter { touched.contains($0.payment) }.map { ($0.payment, $0.item.description, $0.paid) }
        for payment in order.payments where touched.contains(payment.id) {
            rows.append((payment.id, Self.whole, Money(fen: payment.settled.fen + payment.surplus.fen)))
        }
        let copying: SQL = """
            insert into campus.refundable (campus_id, order_id, payment_id, item, paid_fen)
            select \(campus), \(order.id), copied.payment_id, copied.item, copied.paid_fen
            from unnest(\(rows.map(\.0)), \(rows.map(\.1)), \(rows.map(\.2))) as copied (payment_id, item, paid_fen)
            order by copied.payment_id, copied.item
            on conflict do nothing
            """
        let raising = moving(parts, of: order.id, campus: campus, "reserved_fen = r.reserved_fen + moved.amount_fen")
        try check(try session.pipeline([copying, raising]).last, moved: parts)
    }

    /// Turns a reservation into money paid back.
    func settle(_ part: PaymentPart, of order: OrderID, campus: CampusID, in session: borrowing Session) throws {
        let change: SQL = """
            reserved_fen = r.reserved_fen - moved.amount_fen, refunded_fen = r.refunded_fen + moved.amount_fen
            """
        try check(try session.execute(moving([part], of: order, campus: campus, change)), moved: [part])
    }

    /// Gives a reservation up.
    func release(_ part: PaymentPart, of order: OrderID, campus: CampusID, in session: borrowing Session) throws {
        let change: SQL = "reserved_fen = r.reserved_fen - moved.amount_fen"
        try check(try session.execute(moving([part], of: order, campus: campus, change)), moved: [part])
    }

    private func check(_ changed: Int?, moved parts: [PaymentPart]) throws {
        guard changed == parts.reduce(0, { $0 + $1.items.count + 1 }) else { throw GuardMissing() }
    }

    private func moving(_ parts: [PaymentPart], of order: OrderID, campus: CampusID, _ change: SQL) -> SQL {
        var rows: [(PaymentID, String, Money)] = []
        for part in parts {
            rows += part.items.map { (part.payment, $0.item.description, $0.amount) }
            rows.append((part.payment, Self.whole, part.total))
        }
        return """
            with locked as materialized (
                select r.payment_id, r.item, moved.amount_fen
                from campus.refundable r
                join unnest(\(rows.map(\.0)), \(rows.map(\.1)), \(rows.map(\.2))) as moved (payment_id, item, amount_fen)
                    on moved.payment_id = r.payment_id and moved.item = r.item
                where r.campus_id = \(campus) and r.order_id = \(order)
                order by r.payment_id, r.item
                for update of r
            )
            update campus.refundable r set \(change)
            from locked moved
            where r.campus_id = \(campus) and r.order_id = \(order)
                and r.payment_id = moved.payment_id and r.item = moved.item
            """
    }

    /// The item that stands for all that a payment paid for an order.
    private static let whole = "whole"
}

/// Rows that guard money were not where they must be; the transaction is given up.
struct GuardMissing: Error {}
