import Model
import Postgres

/// Refunds that are not through, over all campuses.
struct UnsettledRefunds: Hashable, Sendable {
    /// How many there are.
    let count: Int
    /// When the oldest was decided.
    let oldest: Timestamp?
    /// Of how many the channel's answer is lost.
    let unknown: Int
    /// Since when the oldest of those is.
    let oldestUnknown: Timestamp?
}

/// Counts refunds that are not through; the partial index holds no others.
struct RefundWatchStore: Sendable {
    /// What is not through now.
    func unsettled(in session: borrowing Session) throws -> UnsettledRefunds {
        try session.one(
            """
            select count(*) as unsettled, min(created_at) as oldest,
                count(*) filter (where status = 'unknown') as unknown,
                min(updated_at) filter (where status = 'unknown') as oldest_unknown
            from campus.refund where settled_at is null
            """
        ) { row in
            UnsettledRefunds(
                count: try row["unsettled"],
                oldest: try row["oldest"],
                unknown: try row["unknown"],
                oldestUnknown: try row["oldest_unknown"]
            )
        }
    }
}
