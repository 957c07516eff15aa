import Model
import Postgres

/// Refunds of a campus that the ledger does not show as they were paid.
struct LedgerDifference: Hashable, Sendable {
    /// The campus's code.
    let campus: String
    /// How many refunds.
    let count: Int
    /// How far they are apart, all together.
    let amount: Money
}

/// Holds the ledger against the refunds that reached their customers.
struct LedgerWatchStore: Sendable {
    /// What does not agree among the refunds that were settled since `span` ago, by each campus's own clock.
    func differences(
        within span: Duration,
        of now: Timestamp,
        in session: borrowing Session
    ) throws -> [LedgerDifference] {
        try session.query(
            """
            select c.code, d.refunds, d.apart_fen
            from campus.campus c
            left join campus.campus_clock k on k.campus_id = c.id
            cross join lateral (
                select count(*) as refunds, coalesce(sum(abs(r.amount_fen - coalesce(l.given_fen, 0))), 0)::bigint as apart_fen
                from campus.refund r
                left join lateral (
                    select sum(e.amount_fen)::bigint as given_fen from campus.ledger_entry e
                    where e.campus_id = r.campus_id and e.refund_id = r.id and e.credit like 'customer:%'
                ) l on true
                where r.campus_id = c.id and r.status = 'succeeded'
                    and r.settled_at > \(now - span) + coalesce(k.clock_offset, '0')
                    and l.given_fen is distinct from r.amount_fen
            ) d
            where d.refunds > 0
            order by c.code
            """
        ) { row in
            LedgerDifference(campus: try row["code"], count: try row["refunds"], amount: try row["apart_fen"])
        }
    }
}
