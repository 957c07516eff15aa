import Model
import Postgres

/// One line of a case's timeline.
struct TimelineEntry: Hashable, Sendable {
    /// What happened, as events name it.
    let type: String
    /// Where the case or refund stood after it.
    let status: String
    /// Which refund, when it happened to one.
    let refund: RefundID?
    /// Who did it.
    let actor: Actor
    /// When, on the campus's clock.
    let at: Timestamp
    /// What else is known.
    let detail: JSON
}

/// Reads timelines; ``Trail`` writes them.
struct TimelineStore: Sendable {
    /// Everything that happened to a case and to its refunds, in the order in which it was recorded.
    func timeline(of id: CaseID, campus: CampusID, in session: borrowing Session) throws -> [TimelineEntry] {
        try session.query(
            """
            select type, status, refund_id, actor, at, detail from (
                select type, status, null::uuid as refund_id, actor, at, detail, recorded_at, version
                from campus.case_timeline where campus_id = \(campus) and case_id = \(id)
                union all
                select type, status, refund_id, actor, at, detail, recorded_at, version
                from campus.refund_timeline where campus_id = \(campus) and case_id = \(id)
            ) e
            order by recorded_at, version
            """
        ) { row in
            TimelineEntry(
                type: try row["type"],
                status: try row["status"],
                refund: try row["refund_id"],
                actor: try Actor(stored: row["actor"]),
                at: try row["at"],
                detail: try row["detail"]
            )
        }
    }
}
