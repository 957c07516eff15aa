import Model
import Postgres

/// Removes deliveries and attempts that were kept long enough.
struct RetentionStore: Sendable {
    /// Removes deliveries made before `time` that are not pending, with their attempts; at most `limit` deliveries.
    ///
    /// - Returns: how many deliveries were removed.
    func pruneDeliveries(before time: Timestamp, limit: Int, in session: borrowing Session) throws -> Int {
        try session.one(
            """
            with due as (
                select campus_id, endpoint_id, event_id from campus.webhook_delivery
                where created_at < \(time) and status <> 'pending'
                limit \(rows: limit)
            ), attempt as (
                delete from campus.webhook_attempt a using due d
                where a.campus_id = d.campus_id and a.endpoint_id = d.endpoint_id and a.event_id = d.event_id
            ), delivery as (
                delete from campus.webhook_delivery w using due d
                where w.campus_id = d.campus_id and w.endpoint_id = d.endpoint_id and w.event_id = d.event_id
                returning 1
            )
            select count(*) from delivery
            """
        ) { row in Int(try row[0] as Int64) }
    }
}
