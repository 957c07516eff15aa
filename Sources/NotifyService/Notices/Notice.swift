import EventLog
import Model

/// What an event has to say to people: facts to file once, and whom to file them for.
struct Notice: Hashable, Sendable {
    /// What an inbox line carries beside its words: ids to go to, amounts, the reasons of a decision.
    ///
    /// The same for every recipient, so it holds nothing that one of them may not know.
    let data: JSON
    /// Whom to tell; nobody twice.
    let recipients: [Recipient]

    /// What `event` has to say; nil when it concerns nobody's inbox.
    init?(of event: RecordedEvent) throws {
        guard let type = EventType(rawValue: event.type),
            let domainEvent = try DomainEvent(type: type, payload: event.payload)
        else { return nil }
        recipients = domainEvent.audience(actor: Actor(event.actor) ?? .system("unknown"), campus: event.campus)
        guard !recipients.isEmpty else { return nil }
        data = domainEvent.noticeData
    }
}

extension DomainEvent {
    /// The facts that words for this event are made of, and that a client needs to open the right page.
    var noticeData: JSON {
        switch self {
        case .order(let event): event.noticeData
        case .afterSales(let event): event.noticeData
        case .refund(let event): event.noticeData
        }
    }
}

extension OrderEvent {
    fileprivate var noticeData: JSON {
        var data: JSONObject = [
            "order_id": .string(facts.orderID.description),
            "external_id": .optional(facts.externalID),
            "short_no": .optional(facts.shortNumber),
            "status": .string(facts.status.rawValue),
        ]
        switch change {
        case .placed, .paid: data["amount_fen"] = .integer(facts.payable.fen)
        case .accepted, .ready, .pickedUp, .completed: break
        case .rejected(let reason): data["reason"] = .string(reason)
        case .delivered(let handover): data["handover"] = .string(handover.rawValue)
        case .cancelled(let reason, let actor):
            data["reason"] = .string(reason)
            data["by"] = .string(actor.role.rawValue)
            data["paid"] = .bool(facts.paid > .zero)
        case .refundDue(let due): data["amount_fen"] = .integer(due.amount.fen)
        case .exceptionReported(let kind, let actor):
            data["kind"] = .string(kind.rawValue)
            data["by"] = .string(actor.role.rawValue)
        case .anomalyDetected(let kind): data["kind"] = .string(kind)
        }
        return .object(data)
    }
}

extension CaseEvent {
    fileprivate var noticeData: JSON {
        var data: JSONObject = [
            "case_id": .string(facts.caseID.description),
            "order_id": .string(facts.orderID.description),
            "external_id": .optional(facts.externalID),
            "kind": .string(facts.kind.rawValue),
            "reason": .string(facts.reason.rawValue),
            "status": .string(facts.status.rawValue),
            "requested_fen": .integer(facts.requested.fen),
        ]
        if case .decided(let verdict, let reasons) = change {
            data["verdict"] = .string(verdict.rawValue)
            data["reasons"] = .array(reasons.map(\.json))
        }
        if let approved = facts.approved { data["approved_fen"] = .integer(approved.fen) }
        return .object(data)
    }
}

extension RefundEvent {
    fileprivate var noticeData: JSON {
        [
            "refund_id": .string(facts.refundID.description),
            "case_id": .string(facts.caseID.description),
            "order_id": .string(facts.orderID.description),
            "external_id": .optional(facts.externalID),
            "channel": .string(facts.channel.rawValue),
            "status": .string(facts.status.rawValue),
            "amount_fen": .integer(facts.amount.fen),
        ]
    }
}
