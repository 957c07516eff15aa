import Model
import ServiceKit

/// All that rules may know of a case when it is decided; stored with the decision, so that it can be followed a year
/// later.
struct DecisionInputs: Hashable, Sendable {
    /// When it is decided, on the campus's clock.
    var now: Timestamp
    /// The policy that was in force when the order was placed.
    var policyVersion: Int
    /// What is asked for.
    var kind: CaseKind
    /// Why.
    var reason: CaseReason
    /// How much.
    var requested: Money
    /// Where the order stands.
    var orderStatus: OrderStatus
    /// When it was promised to arrive.
    var promisedAt: Timestamp
    /// When the merchant took it on.
    var acceptedAt: Timestamp?
    /// When it was handed over.
    var deliveredAt: Timestamp?
    /// When it was called off.
    var cancelledAt: Timestamp?
    /// How it was handed over.
    var handover: HandoverKind?
    /// How many payments were made for it.
    var payments: Int
    /// How much of them the order had no use for and is not promised yet.
    var surplusLeft: Money
    /// Channels of payments that refunds cannot travel through here.
    var unavailableChannels: [PaymentChannel]
    /// Why money is due back without anybody asking.
    var due: RefundDueCause?
    /// What of it a person refused in an earlier case, in full or in part.
    var refusedBefore: [RefundItem]
    /// The customer's tier with the platform, which changes no amount; nil when it was not told.
    var memberTier: String?
    /// For how many whole days the customer had been with the platform, 365 at most; nil when it was not told.
    var accountAgeDays: Int?
    /// How long an account is new.
    var newAccount: Duration
    /// From how much on a claim is large.
    var largeClaim: Money
    /// How late an order must be for lateness to count.
    var lateThreshold: Duration
    /// How long after delivery rules answer claims.
    var claimWindow: Duration
    /// When a person is to have looked at it, should a person have to.
    var reviewDueAt: Timestamp
    /// The same on the campus's clocks, to the minute.
    var reviewDue: LocalTime

    /// As it is stored.
    var json: JSON {
        [
            "now": .string(now.rfc3339),
            "policy_version": .integer(Int64(policyVersion)),
            "kind": .string(kind.rawValue),
            "reason": .string(reason.rawValue),
            "requested_fen": .integer(requested.fen),
            "order_status": .string(orderStatus.rawValue),
            "promised_at": .string(promisedAt.rfc3339),
            "accepted_at": .optional(acceptedAt?.rfc3339),
            "delivered_at": .optional(deliveredAt?.rfc3339),
            "cancelled_at": .optional(cancelledAt?.rfc3339),
            "handover": .optional(handover?.rawValue),
            "payments": .integer(Int64(payments)),
            "surplus_left_fen": .integer(surplusLeft.fen),
            "unavailable_channels": .array(unavailableChannels.map { .string($0.rawValue) }),
            "due": .optional(due?.rawValue),
            "refused_before": .array(refusedBefore.map { .string($0.description) }),
            "member_tier": .optional(memberTier),
            "account_age_days": .optional(accountAgeDays.map(Int64.init)),
            "new_account_s": .integer(newAccount.components.seconds),
            "large_claim_fen": .integer(largeClaim.fen),
            "late_threshold_s": .integer(lateThreshold.components.seconds),
            "claim_window_s": .integer(claimWindow.components.seconds),
            "review_due_at": .string(reviewDueAt.rfc3339),
        ]
    }

    /// As others than staff read it: where risk begins is the staff's to know, and what is known of the customer is no shop's.
    static func shown(_ stored: JSON, to viewer: Principal) -> JSON {
        guard !viewer.isStaff, var object = stored.object else { return stored }
        let hidden = ["new_account_s", "large_claim_fen"]
        let customers = viewer.actor.role == .customer ? [] : ["member_tier", "account_age_days"]
        for member in hidden + customers { object[member] = nil }
        return .object(object)
    }
}
