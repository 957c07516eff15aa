import Model
import Postgres

/// Refunds of a campus that are not through.
///
/// Times are the machine's; what was there before a test campus's clock was advanced ages by as much.
struct UnsettledRefunds: Hashable, Sendable {
    /// The campus's code.
    let campus: String
    /// How many there are.
    let count: Int
    /// When the oldest was decided.
    let oldest: Timestamp
    /// Of how many the channel's answer is lost.
    let unknown: Int
    /// Since when the oldest of those is.
    let oldestUnknown: Timestamp?
}

/// Counts refunds that are not through; the partial index holds no others.
struct RefundWatchStore: Sendable {
    /// What is not through now, of each campus that has any.
    func unsettled(in session: borrowing Session) throws -> [UnsettledRefunds] {
        try session.query(
            """
            select c.code, r.unsettled, r.unknown, r.oldest - t.ahead as oldest, r.oldest_unknown - t.ahead as oldest_unknown
            from (
                select campus_id, count(*) as unsettled, min(created_at) as oldest,
                    count(*) filter (where status = 'unknown') as unknown,
                    min(updated_at) filter (where status = 'unknown') as oldest_unknown
                from campus.refund where settled_at is null group by campus_id
            ) r
            join campus.campus c on c.id = r.campus_id
            left join campus.campus_clock k on k.campus_id = c.id
            cross join lateral (select coalesce(k.clock_offset, '0') as ahead) t
            order by c.code
            """
        ) { row in
            UnsettledRefunds(
                campus: try row["code"],
                count: try row["unsettled"],
                oldest: try row["oldest"],
                unknown: try row["unknown"],
                oldestUnknown: try row["oldest_unknown"]
            )
        }
    }
}
