import Model

extension OrderStep {
    /// The name of the change in the timeline: the event's, or one of its own where no event is sent.
    var type: String {
        switch kind {
        case .event(let change): OrderEvent(facts: facts, change: change).type.rawValue
        case .partPaid: "order.part_paid"
        case .lineFactsStated: "order.line_facts_stated"
        }
    }

    /// The event that it sends, if it sends one.
    var event: OrderEvent? {
        guard case .event(let change) = kind else { return nil }
        return OrderEvent(facts: facts, change: change)
    }

    /// What the timeline shows beyond who and when.
    var detail: JSON? {
        switch kind {
        case .partPaid(let payment, let amount):
            ["payment_id": .string(payment.description), "amount_fen": .integer(amount.fen)]
        case .lineFactsStated(let line, let stated):
            ["line_no": .integer(Int64(line)), "facts": stated.json]
        case .event(let change): detail(of: change)
        }
    }

    private func detail(of change: OrderChange) -> JSON? {
        switch change {
        case .placed, .accepted, .ready, .completed: nil
        case .paid(let payment, let channel):
            ["payment_id": .string(payment.description), "channel": .string(channel.rawValue)]
        case .rejected(let reason): ["reason": .string(reason)]
        case .pickedUp: ["rider_id": .optional(facts.riderID)]
        case .delivered(let handover): ["handover": .string(handover.rawValue)]
        case .cancelled(let reason, _): ["reason": .string(reason)]
        case .refundDue(let due):
            [
                "payment_id": .string(due.paymentID.description),
                "cause": .string(due.cause.rawValue),
                "amount_fen": .integer(due.amount.fen),
            ]
        case .exceptionReported(let kind, _): ["kind": .string(kind.rawValue)]
        case .anomalyDetected(let kind): ["kind": .string(kind)]
        }
    }
}
