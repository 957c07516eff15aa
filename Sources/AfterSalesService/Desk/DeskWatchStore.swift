import Model
import Postgres

/// Cases of a campus that a person has to deal with soon.
struct DeskFindings: Hashable, Sendable {
    /// The campus's code.
    let campus: String
    /// How many nobody has looked at, and soon somebody should have.
    let reviewsDue: Int
    /// How many soon should have been decided.
    let decisionsDue: Int
}

/// Looks over the desk's queues; the partial index holds no other cases.
struct DeskWatchStore: Sendable {
    /// The campuses with cases that come due within those spans, each by its own clock.
    func findings(
        at now: Timestamp,
        reviewWithin review: Duration,
        decisionWithin decision: Duration,
        in session: borrowing Session
    ) throws -> [DeskFindings] {
        try session.query(
            """
            select c.code, q.reviews, q.decisions
            from campus.campus c
            left join campus.campus_clock k on k.campus_id = c.id
            cross join lateral (select coalesce(k.clock_offset, '0') as ahead) t
            cross join lateral (
                select
                    count(*) filter (
                        where q.handler is null and q.review_due_at > \(now) + t.ahead
                            and q.review_due_at <= \(now + review) + t.ahead
                    ) as reviews,
                    count(*) filter (
                        where q.decision_due_at > \(now) + t.ahead
                            and q.decision_due_at <= \(now + decision) + t.ahead
                    ) as decisions
                from campus.cases q
                where q.campus_id = c.id and q.status in ('in_review', 'appealed', 'arbitration')
            ) q
            where q.reviews + q.decisions > 0
            order by c.code
            """
        ) { row in
            DeskFindings(campus: try row["code"], reviewsDue: try row["reviews"], decisionsDue: try row["decisions"])
        }
    }
}
