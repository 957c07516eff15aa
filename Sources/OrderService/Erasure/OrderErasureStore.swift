import Model
import Postgres
import ServiceKit

/// The way to those columns of orders that nobody may change but to erase them.
struct OrderErasureStore: Sendable {
    /// How long after a payment its payer's id at the channel stays: as long as WeChat Pay refunds it, and a day.
    private static let refundPeriod = Duration.days(366)

    /// The orders of somebody that were placed up to a time, after a place.
    func orders(
        of party: Party,
        in campus: CampusID,
        upTo time: Timestamp,
        after place: AnyID,
        _ limit: Int,
        _ session: borrowing Session
    ) throws -> [EraseInRounds.Item] {
        let owner: SQL
        switch party.kind {
        case .customer: owner = "customer_id = \(party.id)"
        case .rider: owner = "rider_id = \(party.id)"
        // An order tells the name of a shop, which belongs to the trade, and nothing else of it.
        case .merchant: return []
        }
        return try session.query(
            """
            select id, status in ('completed', 'cancelled') from campus.orders
            where campus_id = \(campus) and \(owner) and id > \(place) and placed_at <= \(time)
            order by id limit \(limit)
            """
        ) { row in EraseInRounds.Item(id: try row[0], isOver: try row[1]) }
    }

    /// Erases what orders that have ended say of their customers or riders; merchants' are left as they are.
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
    func payersKnownUntil(
        _ customer: String,
        in campus: CampusID,
        upTo time: Timestamp,
        _ session: borrowing Session
    ) throws -> Timestamp? {
        let last: Timestamp? = try session.one(
            """
            select max(p.paid_at) from campus.orders o
            join campus.payment_allocation a on a.campus_id = o.campus_id and a.order_id = o.id
            cross join lateral (
                select * from campus.payment where campus_id = a.campus_id and id = a.payment_id offset 0
            ) p
            where o.campus_id = \(campus) and o.customer_id = \(customer) and o.placed_at <= \(time)
                and p.payer_openid is not null
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
