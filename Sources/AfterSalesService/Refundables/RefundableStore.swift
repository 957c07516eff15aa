import Model
import Postgres

/// The only reader of the guard on refundable money, which only the database itself writes.
struct RefundableStore: Sendable {
    /// Serialises everything that promises or moves money of these orders until the transaction ends.
    ///
    /// It is the `order` of the lock order: OrderService's own row cannot be locked by this service. Orders are locked
    /// by the numbers that stand for them, in their order; two orders that share a number merely wait for each other.
    func lock(_ orders: some Sequence<OrderID>, in session: borrowing Session) throws {
        try session.pipeline(locking(orders))
    }

    /// The statements of ``lock(_:in:)``, for a pipeline.
    func locking(_ orders: some Sequence<OrderID>) -> [SQL] {
        Set(orders.map { Int32(truncatingIfNeeded: $0.low) }).sorted().map { key in
            "select pg_advisory_xact_lock(\(Self.lockClass), \(key))"
        }
    }

    /// The statement that locks what a refund's payment paid for, in the order of its keys.
    func locking(for refund: RefundID, campus: CampusID) -> SQL {
        "select campus.lock_refundables(\(campus), \(refund))"
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

    /// The stored rows of an order; none before anything was promised of it.
    func rows(of order: OrderID, campus: CampusID, in session: borrowing Session) throws -> [Refundable] {
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

    /// The statement that copies what the payments of an order paid for from their rows, where that was not done before.
    ///
    /// Only the database does so: what was paid is never told to it, and what is promised and paid back follows from
    /// the refunds.
    func copying(_ order: OrderID, campus: CampusID) -> SQL {
        "select campus.copy_refundables(\(campus), \(order))"
    }
}
