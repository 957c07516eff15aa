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

    /// What has been paid back for each item of an order.
    func refunded(
        of order: OrderID,
        campus: CampusID,
        in session: borrowing Session
    ) throws -> [RefundItem: Money] {
        let sums = try session.query(
            """
            select item, sum(refunded_fen)::bigint as refunded_fen from campus.refundable
            where campus_id = \(campus) and order_id = \(order) and item <> 'whole' group by item
            """
        ) { row -> (RefundItem, Money) in (try RefundItem(stored: row["item"]), try row["refunded_fen"]) }
        return Dictionary(uniqueKeysWithValues: sums)
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
}

/// Rows that guard money were not where they must be; the transaction is given up.
struct GuardMissing: Error {}
