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
struct TrailEntry: Sendable {
    /// What changed.
    let subject: Subject
    /// Why.
    let cause: Cause

    /// What changed.
    enum Subject: Sendable {
        /// A case; `detail` is what the timeline keeps beside its status, `words` what somebody said.
        case aCase(AfterSalesCase, CaseChange, detail: JSON, words: CaseWords?)
        /// A refund.
        case aRefund(Refund)
    }

    /// A case changed.
    static func changed(
        _ changed: AfterSalesCase,
        _ change: CaseChange,
        detail: JSON,
        words: CaseWords? = nil,
        _ cause: Cause
    ) -> TrailEntry {
        var members = detail.object ?? [:]
        if let words { members[CaseWords.digestMember] = .string(words.digest) }
        return TrailEntry(subject: .aCase(changed, change, detail: .object(members), words: words), cause: cause)
    }

    /// A refund changed.
    static func moved(_ refund: Refund, _ cause: Cause) -> TrailEntry {
        TrailEntry(subject: .aRefund(refund), cause: cause)
    }
}

/// Writes what happened to cases and refunds, in the transaction in which it happened.
struct Trail: Sendable {
    private let events = EventStore(stream: .afterSales)

    private struct CaseLine {
        let subject: AfterSalesCase
        let type: EventType
        let detail: JSON
        let cause: Cause
    }

    private struct RefundLine {
        let refund: Refund
        let cause: Cause
    }

    /// Appends entries to the timelines and the event log, in their order.
    ///
    /// Timelines of cases and of refunds are read as one, by the time of recording; so each run of a kind is a statement of
    /// its own. All of them travel with what comes next, at the latest with the commit.
    func record(_ entries: [TrailEntry], in session: borrowing Session) throws {
        guard !entries.isEmpty else { return }
        var statements: [SQL] = []
        var cases: [CaseLine] = []
        var refunds: [RefundLine] = []
        for entry in entries {
            switch entry.subject {
            case .aCase(let changed, let change, let detail, _):
                if !refunds.isEmpty { statements.append(timeline(of: refunds)) }
                refunds = []
                let type = CaseEvent(facts: changed.facts, change: change).type
                cases.append(CaseLine(subject: changed, type: type, detail: detail, cause: entry.cause))
            case .aRefund(let refund):
                if !cases.isEmpty { statements.append(timeline(of: cases)) }
                cases = []
                refunds.append(RefundLine(refund: refund, cause: entry.cause))
            }
        }
        if !cases.isEmpty { statements.append(timeline(of: cases)) }
        if !refunds.isEmpty { statements.append(timeline(of: refunds)) }
        statements += words(of: entries)
        let told = entries.compactMap(\.event)
        try session.enqueue(statements + (told.isEmpty ? [] : [events.appendSQL(told)]))
    }

    private func timeline(of lines: [CaseLine]) -> SQL {
        """
        insert into campus.case_timeline (campus_id, case_id, version, order_id, type, status, actor, at, detail)
        select * from unnest(
            \(lines.map(\.subject.campus)), \(lines.map(\.subject.id)), \(lines.map(\.subject.version)),
            \(lines.map(\.subject.orderID)), \(lines.map(\.type.rawValue)), \(lines.map(\.subject.status)),
            \(lines.map(\.cause.actor.description)), \(lines.map(\.cause.at)), \(lines.map(\.detail))
        )
        """
    }

    private func words(of entries: [TrailEntry]) -> [SQL] {
        entries.compactMap { entry in
            guard case .aCase(let changed, _, _, let words?) = entry.subject else { return nil }
            return """
                insert into campus.case_words (campus_id, case_id, version, field, words, salt)
                values (\(changed.campus), \(changed.id), \(changed.version), \(words.field.rawValue), \(words.text),
                    \(words.salt))
                """
        }
    }

    private func timeline(of lines: [RefundLine]) -> SQL {
        let details = lines.map { line -> JSON in
            ["code": .optional(line.refund.code), "channel_refund_id": .optional(line.refund.channelRefundID)]
        }
        return """
            insert into campus.refund_timeline (campus_id, refund_id, version, case_id, type, status, actor, at, detail)
            select * from unnest(
                \(lines.map(\.refund.campus)), \(lines.map(\.refund.id)), \(lines.map(\.refund.version)),
                \(lines.map(\.refund.caseID)), \(lines.map { "refund.\($0.refund.status.rawValue)" }),
                \(lines.map(\.refund.status)), \(lines.map(\.cause.actor.description)), \(lines.map(\.cause.at)),
                \(details)
            )
            """
    }
}

extension TrailEntry {
    /// What listeners are told of it; nil for what concerns nobody outside.
    fileprivate var event: NewEvent? {
        switch subject {
        case .aCase(let changed, let change, _, _):
            let payload = CaseEvent(facts: changed.facts, change: change)
            return event(
                payload.type,
                payload.json,
                of: changed.id.retyped(),
                changed.version,
                order: changed.orderID,
                changed.campus
            )
        case .aRefund(let refund):
            guard let change = refund.change else { return nil }
            let payload = RefundEvent(facts: refund.facts, change: change)
            return event(
                payload.type,
                payload.json,
                of: refund.id.retyped(),
                refund.version,
                order: refund.orderID,
                refund.campus
            )
        }
    }

    private func event(
        _ type: EventType,
        _ payload: JSON,
        of subject: AnyID,
        _ version: Int64,
        order: OrderID,
        _ campus: CampusID
    ) -> NewEvent {
        NewEvent(
            type: type,
            campus: campus,
            subject: subject,
            version: version,
            root: order.retyped(),
            actor: cause.actor,
            at: cause.at,
            trace: cause.trace,
            payload: payload
        )
    }
}
