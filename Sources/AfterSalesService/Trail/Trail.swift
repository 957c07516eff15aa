import EventLog
import Model
import Postgres

/// Who caused a change, when, and under which trace.
struct Cause: Hashable, Sendable {
    /// Who did it.
    let actor: Actor
    /// When, on the campus's clock.
    let at: Timestamp
    /// The trace context of the request, event or task behind it.
    let trace: String?
}

/// One change, as it is told: a row of the append-only timeline, and an event for whoever listens.
enum TrailEntry: Sendable {
    /// A case changed; `detail` is what the timeline keeps beside its status.
    case changed(AfterSalesCase, CaseChange, detail: JSON)
    /// A refund changed.
    case moved(Refund)
}

/// Writes what happened to cases and refunds, in the transaction in which it happened.
struct Trail: Sendable {
    private let events = EventStore(stream: .afterSales)

    /// Appends entries to the timelines and the event log, in their order.
    func record(_ entries: [TrailEntry], _ cause: Cause, in session: borrowing Session) throws {
        guard !entries.isEmpty else { return }
        var statements: [SQL] = []
        var events: [NewEvent] = []
        var cases: [(AfterSalesCase, CaseChange, JSON)] = []
        var refunds: [Refund] = []
        for entry in entries {
            switch entry {
            case .changed(let changed, let change, let detail):
                cases.append((changed, change, detail))
                events.append(event(of: CaseEvent(facts: changed.facts, change: change), changed, cause))
            case .moved(let refund):
                refunds.append(refund)
                if let change = refund.change {
                    events.append(event(of: RefundEvent(facts: refund.facts, change: change), refund, cause))
                }
            }
        }
        if !cases.isEmpty { statements.append(timeline(of: cases, cause)) }
        if !refunds.isEmpty { statements.append(timeline(of: refunds, cause)) }
        try session.pipeline(statements)
        try self.events.append(events, in: session)
    }

    private func event(of payload: CaseEvent, _ changed: AfterSalesCase, _ cause: Cause) -> NewEvent {
        NewEvent(
            type: payload.type,
            campus: changed.campus,
            subject: changed.id.retyped(),
            version: changed.version,
            root: changed.orderID.retyped(),
            actor: cause.actor,
            at: cause.at,
            trace: cause.trace,
            payload: payload.json
        )
    }

    private func event(of payload: RefundEvent, _ refund: Refund, _ cause: Cause) -> NewEvent {
        NewEvent(
            type: payload.type,
            campus: refund.campus,
            subject: refund.id.retyped(),
            version: refund.version,
            root: refund.orderID.retyped(),
            actor: cause.actor,
            at: cause.at,
            trace: cause.trace,
            payload: payload.json
        )
    }

    private func timeline(of cases: [(AfterSalesCase, CaseChange, JSON)], _ cause: Cause) -> SQL {
        let types = cases.map { CaseEvent(facts: $0.0.facts, change: $0.1).type.rawValue }
        return """
            insert into campus.case_timeline (campus_id, case_id, version, order_id, type, status, actor, at, detail)
            select e.campus_id, e.case_id, e.version, e.order_id, e.type, e.status, \(cause.actor.description),
                \(cause.at), e.detail
            from unnest(\(cases.map(\.0.campus)), \(cases.map(\.0.id)), \(cases.map(\.0.version)),
                \(cases.map(\.0.orderID)), \(types), \(cases.map(\.0.status)), \(cases.map(\.2)))
                as e (campus_id, case_id, version, order_id, type, status, detail)
            """
    }

    private func timeline(of refunds: [Refund], _ cause: Cause) -> SQL {
        let details = refunds.map { refund -> JSON in
            ["code": .optional(refund.code), "channel_refund_id": .optional(refund.channelRefundID)]
        }
        return """
            insert into campus.refund_timeline (campus_id, refund_id, version, case_id, type, status, actor, at, detail)
            select e.campus_id, e.refund_id, e.version, e.case_id, 'refund.' || e.status, e.status,
                \(cause.actor.description), \(cause.at), e.detail
            from unnest(\(refunds.map(\.campus)), \(refunds.map(\.id)), \(refunds.map(\.version)),
                \(refunds.map(\.caseID)), \(refunds.map(\.status)), \(details))
                as e (campus_id, refund_id, version, case_id, status, detail)
            """
    }
}
