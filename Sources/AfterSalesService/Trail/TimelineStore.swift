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

    /// The type of a report of the platform that cannot be true beside what stands.
    static let contradiction = "refund.contradicted"
}

/// Reads timelines; ``Trail`` writes them.
struct TimelineStore: Sendable {
    /// Everything that happened to a case and to its refunds, in the order in which it was recorded.
    func timeline(of id: CaseID, campus: CampusID, in session: borrowing Session) throws -> [TimelineEntry] {
        try session.query(
            """
            select type, status, refund_id, actor, at, detail from (
                select t.type, t.status, null::uuid as refund_id, t.actor, t.at,
                    case when w.field is null then t.detail else t.detail || jsonb_build_object(w.field, w.words) end as detail,
                    t.recorded_at, t.version
                from campus.case_timeline t
                left join campus.case_words w
                    on w.campus_id = t.campus_id and w.case_id = t.case_id and w.version = t.version
                where t.campus_id = \(campus) and t.case_id = \(id)
                union all
                select type, status, refund_id, actor, at, detail, recorded_at, version
                from campus.refund_timeline where campus_id = \(campus) and case_id = \(id)
                union all
                select \(TimelineEntry.contradiction), p.stood, p.refund_id, p.actor, p.received_at,
                    jsonb_build_object('result', p.result, 'code', p.code, 'channel_refund_id', p.channel_refund_id),
                    p.recorded_at, p.number
                from campus.refund r
                join campus.refund_report p
                    on p.campus_id = r.campus_id and p.refund_id = r.id and p.outcome = 'contradictory'
                where r.campus_id = \(campus) and r.case_id = \(id)
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
