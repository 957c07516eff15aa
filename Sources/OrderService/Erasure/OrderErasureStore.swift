import Model
import Postgres
import ServiceKit

/// Erases personal columns of orders, which nothing else may change.
struct OrderErasureStore: Sendable {
    /// How long after a payment its payer's id at the channel stays: as long as WeChat Pay refunds it, and a day.
    private static let refundPeriod = Duration.days(366)

    /// How long an order is under way at most: one to which nothing happened for longer will not come to its end.
    private static let longestLife = Duration.days(30)

    /// The orders of somebody that were placed before they asked, in the order of ids from the erasure's place on.
    func orders(
        of erasure: Erasure,
        at now: Timestamp,
        limit: Int,
        in session: borrowing Session
    ) throws -> [EraseInRounds.Item] {
        let owner: SQL
        switch erasure.party.kind {
        case .customer: owner = "customer_id = \(erasure.party.id)"
        case .rider: owner = "rider_id = \(erasure.party.id)"
        // An order tells the name of a shop, which belongs to the trade, and nothing else of it.
        case .merchant: return []
        }
        return try session.query(
            """
            select id, status in ('completed', 'cancelled') or updated_at < \(now - Self.longestLife) from campus.orders
            where campus_id = \(erasure.campus) and \(owner) and id > \(erasure.place)
                and placed_at <= \(erasure.requestedAt)
            order by id limit \(rows: limit)
            """
        ) { row in EraseInRounds.Item(id: try row[0], isOver: try row[1]) }
    }

    /// Erases what orders that are over say of their customers or riders; merchants' are left as they are.
    func erase(
        _ orders: [AnyID],
        of kind: PartyKind,
        in campus: CampusID,
        at now: Timestamp,
        session: borrowing Session
    ) throws {
        _ = try session.one("select campus.erase_orders(\(campus), \(kind), \(orders), \(now))") { row -> Int64 in
            try row[0]
        }
    }

    /// Until when the ids of somebody at payment channels stay; nil when none is left.
    func payersKnownUntil(of erasure: Erasure, in session: borrowing Session) throws -> Timestamp? {
        let last: Timestamp? = try session.one(
            """
            select max(p.paid_at) from campus.orders o
            join campus.payment_allocation a on a.campus_id = o.campus_id and a.order_id = o.id
            cross join lateral (
                select * from campus.payment where campus_id = a.campus_id and id = a.payment_id offset 0
            ) p
            where o.campus_id = \(erasure.campus) and o.customer_id = \(erasure.party.id)
                and o.placed_at <= \(erasure.requestedAt) and p.payer_openid is not null
            """
        ) { try $0[0] }
        return last.map { $0 + Self.refundPeriod + .seconds(1) }
    }

    /// Removes positions that were recorded before a time.
    ///
    /// - Returns: how many, at most `limit`.
    func prunePositions(before time: Timestamp, limit: Int, in session: borrowing Session) throws -> Int {
        try session.one("select campus.prune_positions(\(time), \(Int32(clamping: limit)))") { try $0[0] }
    }
}
