import Model

extension DomainEvent {
    /// Who is told of this event in an inbox.
    ///
    /// The platform has no inbox: its webhooks carry every event. The desk hears only what it has to act on, because
    /// its one counter is a row that every such event locks.
    ///
    /// - `actor`: who caused the event; nobody is told what they said themselves.
    /// - `campus`: where.
    func audience(actor: Actor, campus: CampusID) -> [Recipient] {
        switch self {
        case .order(let event): event.audience(in: campus)
        case .afterSales(let event): event.audience(actor: actor, in: campus)
        case .refund(let event): event.audience(in: campus)
        }
    }
}

extension OrderEvent {
    fileprivate func audience(in campus: CampusID) -> [Recipient] {
        let customer = Recipient(campus: campus, kind: .customer, id: facts.customerID)
        let merchant = Recipient(campus: campus, kind: .merchant, id: facts.merchantID)
        let rider = facts.riderID.map { Recipient(campus: campus, kind: .rider, id: $0) }
        let desk = Recipient.desk(of: campus)
        switch change {
        case .placed, .accepted, .rejected, .pickedUp, .delivered: return [customer]
        case .paid: return [customer, merchant]
        case .ready: return [customer] + [rider].compactMap(\.self)
        case .completed: return [merchant]
        case .cancelled:
            // A merchant never heard of an order that was not paid.
            return [customer] + (facts.paid > .zero ? [merchant] : []) + [rider].compactMap(\.self)
        case .refundDue: return []
        case .exceptionReported(_, let reporter):
            return [customer] + (reporter.role == .merchant ? [] : [merchant]) + [desk]
        case .anomalyDetected: return [desk]
        }
    }
}

extension CaseEvent {
    fileprivate func audience(actor: Actor, in campus: CampusID) -> [Recipient] {
        let customer = Recipient(campus: campus, kind: .customer, id: facts.customerID)
        let merchant = Recipient(campus: campus, kind: .merchant, id: facts.merchantID)
        let desk = Recipient.desk(of: campus)
        switch change {
        // What the services opened themselves follows from a cancellation or a payment that was told; the refund tells the rest.
        case .opened: return facts.isSystem ? [] : [customer, merchant]
        case .resolved: return facts.isSystem ? [] : [customer]
        case .evidenceRequested, .offerMade: return [customer]
        case .merchantAsked: return [merchant]
        case .reviewStarted: return [customer, desk]
        case .decided(let verdict, _):
            // That a person is to decide is told once, by the start of the review.
            return verdict == .inReview || facts.isSystem ? [] : [customer, merchant]
        case .appealed: return [merchant, desk]
        case .withdrawn: return [merchant]
        case .closed: return []
        case .commented:
            switch actor.role {
            case .customer: return [merchant, desk]
            case .merchant: return [customer, desk]
            case .rider: return [customer, desk]
            case .agent, .supervisor, .admin, .platform, .system: return [customer]
            }
        }
    }
}

extension RefundEvent {
    fileprivate func audience(in campus: CampusID) -> [Recipient] {
        let customer = Recipient(campus: campus, kind: .customer, id: facts.customerID)
        let merchant = Recipient(campus: campus, kind: .merchant, id: facts.merchantID)
        let desk = Recipient.desk(of: campus)
        switch change {
        case .created: return [customer]
        case .requested, .processing: return []
        case .succeeded: return [customer, merchant]
        case .failed, .abnormal: return [customer, desk]
        case .unknown: return [desk]
        case .closed: return [customer, desk]
        }
    }
}
