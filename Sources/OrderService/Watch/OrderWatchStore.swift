import Model
import Postgres

/// What somebody should look at in a campus's orders.
struct OrderFindings: Hashable, Sendable {
    /// Orders that were picked up long ago and neither handed over nor cancelled.
    let stuck: Int
    /// When the first of them was picked up.
    let oldestPickup: Timestamp?
    /// Orders on their way whose rider was seen before, and not for a while.
    let unseen: Int
    /// When the first of those riders was last seen.
    let oldestSight: Timestamp?
    /// How many orders were placed of late.
    let placed: Int
    /// How many were placed in the same span a week before.
    let placedWeekBefore: Int
}

/// Looks over a campus's orders; each count walks an index from its end.
struct OrderWatchStore: Sendable {
    /// The campuses that are not tests.
    func liveCampuses(in session: borrowing Session) throws -> [CampusID] {
        try session.query("select id from campus.campus where not is_test order by id") { try $0["id"] }
    }

    /// What there is to find in a campus's orders at that time.
    func findings(
        in campus: CampusID,
        at now: Timestamp,
        _ limits: WatchOrders.Limits,
        _ session: borrowing Session
    ) throws -> OrderFindings {
        let span = limits.silence
        let weekBefore = now - .days(7)
        return try session.one(
            """
            select o.stuck, o.oldest_pickup, o.unseen, o.oldest_sight,
                \(placed(in: campus, from: now - span, to: now)) as placed,
                \(placed(in: campus, from: weekBefore - span, to: weekBefore)) as placed_week_before
            from (
                select count(*) filter (where o.picked_up_at < \(now - limits.stuck)) as stuck,
                    min(o.picked_up_at) filter (where o.picked_up_at < \(now - limits.stuck)) as oldest_pickup,
                    count(*) filter (where p.at < \(now - limits.unseen)) as unseen,
                    min(p.at) filter (where p.at < \(now - limits.unseen)) as oldest_sight
                from campus.orders o
                left join campus.order_position p on p.campus_id = o.campus_id and p.order_id = o.id
                where o.campus_id = \(campus) and o.status = 'picked_up'
            ) o
            """
        ) { row in
            OrderFindings(
                stuck: try row["stuck"],
                oldestPickup: try row["oldest_pickup"],
                unseen: try row["unseen"],
                oldestSight: try row["oldest_sight"],
                placed: try row["placed"],
                placedWeekBefore: try row["placed_week_before"]
            )
        }
    }

    /// How many orders were placed in a span: their ids begin with the time, so that the primary key finds them.
    private func placed(in campus: CampusID, from: Timestamp, to: Timestamp) -> SQL {
        """
        (select count(*) from campus.orders where campus_id = \(campus)
            and id >= \(OrderID.first(at: from)) and id < \(OrderID.first(at: to)))
        """
    }
}

extension ID {
    /// The least id that is made at that time (UUID version 7).
    fileprivate static func first(at time: Timestamp) -> ID {
        ID(high: UInt64(clamping: time.microseconds / 1_000) << 16 | 0x7000, low: 0x8000 << 48)
    }
}
