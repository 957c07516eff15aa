import Model

extension Rule {
    /// The rules that refund cases are decided by, in the order in which they are tried.
    static let refund: [Rule] = [
        refundChannelAvailable, withinClaimWindow, notRefusedBefore, lowRisk, moneyDue, cancelledBeforeAcceptance, late,
        notDelivered, duplicateCharge,
    ]

    /// Money goes back only through a channel that this service can speak to; anything else needs a person.
    static let refundChannelAvailable = Rule(name: "refund_channel_available", stage: .eligibility) { inputs in
        let looked: JSON = ["unavailable_channels": .array(inputs.unavailableChannels.map { .string($0.rawValue) })]
        return inputs.unavailableChannels.isEmpty ? .passes(looked) : .refers(looked, .channelNotAvailable)
    }

    /// A claim long after delivery is not refused, but no rule answers it.
    static let withinClaimWindow = Rule(name: "within_claim_window", stage: .eligibility) { inputs in
        let looked: JSON = [
            "delivered_at": .optional(inputs.deliveredAt?.rfc3339),
            "claim_window_s": .integer(inputs.claimWindow.components.seconds),
        ]
        guard inputs.due == nil, let deliveredAt = inputs.deliveredAt,
            inputs.now.duration(since: deliveredAt) > inputs.claimWindow
        else { return .passes(looked) }
        return .refers(looked, .longAfterDelivery)
    }

    /// What a person refused, no rule grants: asked for again, it is a person's again.
    static let notRefusedBefore = Rule(name: "not_refused_before", stage: .eligibility) { inputs in
        let looked: JSON = ["refused_before": .array(inputs.refusedBefore.map { .string($0.description) })]
        return inputs.refusedBefore.isEmpty ? .passes(looked) : .refers(looked, .refusedBefore)
    }

    /// Circumstances that speak against deciding by rule add up; too much of them needs a person.
    static let lowRisk = Rule(name: "low_risk", stage: .risk) { inputs in
        let risk = Risk(inputs)
        return risk.score < Risk.limit ? .passes(risk.json) : .refers(risk.json, .closerLook)
    }

    /// OrderService found that money is due back: an order was cancelled after it was paid, or was paid too much, twice
    /// or too late.
    static let moneyDue = Rule(name: "money_due", stage: .strategy) { inputs in
        let looked: JSON = ["due": .optional(inputs.due?.rawValue)]
        guard let due = inputs.due else { return .silent(looked) }
        return .approves(looked, .moneyDue(due))
    }

    /// An order that the merchant never took on costs the customer nothing.
    static let cancelledBeforeAcceptance = Rule(name: "cancelled_before_acceptance", stage: .strategy) { inputs in
        let looked: JSON = [
            "order_status": .string(inputs.orderStatus.rawValue),
            "accepted_at": .optional(inputs.acceptedAt?.rfc3339),
        ]
        let applies =
            inputs.orderStatus == .cancelled && inputs.acceptedAt == nil && inputs.reason != .duplicateCharge
        return applies ? .approves(looked, .cancelledBeforeAcceptance) : .silent(looked)
    }

    /// An order that came, or still does not come, by the campus's threshold after it was promised.
    static let late = Rule(name: "late", stage: .strategy) { inputs in
        let lateness = (inputs.deliveredAt ?? inputs.now).duration(since: inputs.promisedAt)
        let looked: JSON = [
            "promised_at": .string(inputs.promisedAt.rfc3339),
            "delivered_at": .optional(inputs.deliveredAt?.rfc3339),
            "lateness_s": .integer(lateness.components.seconds),
            "late_threshold_s": .integer(inputs.lateThreshold.components.seconds),
        ]
        guard inputs.reason == .late, inputs.orderStatus.isOnItsWayOrThere else { return .silent(looked) }
        guard lateness >= inputs.lateThreshold else {
            return .silent(looked, .notLateEnough(threshold: inputs.lateThreshold))
        }
        return .approves(looked, .late(by: lateness, delivered: inputs.deliveredAt != nil))
    }

    /// An order that nobody says was handed over, once it is late by the campus's threshold.
    ///
    /// One that is marked as handed over has proof that a person must weigh.
    static let notDelivered = Rule(name: "not_delivered", stage: .strategy) { inputs in
        let overdue = inputs.now.duration(since: inputs.promisedAt)
        let looked: JSON = [
            "promised_at": .string(inputs.promisedAt.rfc3339),
            "delivered_at": .optional(inputs.deliveredAt?.rfc3339),
            "handover": .optional(inputs.handover?.rawValue),
            "overdue_s": .integer(overdue.components.seconds),
            "late_threshold_s": .integer(inputs.lateThreshold.components.seconds),
        ]
        guard inputs.reason == .notDelivered, inputs.orderStatus.isOnItsWayOrThere else { return .silent(looked) }
        guard inputs.deliveredAt == nil, inputs.handover == nil else { return .silent(looked, .markedAsDelivered) }
        guard overdue >= inputs.lateThreshold else { return .silent(looked, .stillOnItsWay) }
        return .approves(looked, .notDelivered)
    }

    /// Money came in that the order had no use for, and nobody has promised it yet.
    static let duplicateCharge = Rule(name: "duplicate_charge", stage: .strategy) { inputs in
        let looked: JSON = [
            "payments": .integer(Int64(inputs.payments)),
            "surplus_left_fen": .integer(inputs.surplusLeft.fen),
        ]
        guard inputs.reason == .duplicateCharge else { return .silent(looked) }
        guard inputs.surplusLeft > .zero else { return .silent(looked, .oneChargeKnown) }
        return .approves(looked, inputs.payments > 1 ? .paidTwice : .paidForNothing)
    }
}

extension OrderStatus {
    /// Whether it is paid and was not called off, so that it is or was to be brought.
    var isOnItsWayOrThere: Bool {
        switch self {
        case .paid, .accepted, .ready, .pickedUp, .delivered, .completed: true
        case .placed, .cancelled: false
        }
    }
}
