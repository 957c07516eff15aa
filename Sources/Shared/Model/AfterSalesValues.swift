/// What a case asks for.
public enum CaseKind: String, CaseIterable, Hashable, Sendable {
    /// Money back.
    case refund
    /// Goods back, then money back.
    case `return`
    /// The food once more.
    case redelivery
    /// To be heard.
    case complaint
}

/// Why a case was opened.
public enum CaseReason: String, CaseIterable, Hashable, Sendable {
    case late
    case notDelivered = "not_delivered"
    case takenByOther = "taken_by_other"
    case missingItem = "missing_item"
    case wrongItem = "wrong_item"
    case damaged
    case spilled
    case quality
    case foreignObject = "foreign_object"
    case illness
    case notAsDescribed = "not_as_described"
    case duplicateCharge = "duplicate_charge"
    case changedMind = "changed_mind"
    case other
}

/// Where a case stands.
public enum CaseStatus: String, CaseIterable, Hashable, Sendable {
    /// Just opened; lives only within the request that decides it.
    case opened
    /// The customer was asked for evidence.
    case awaitingEvidence = "awaiting_evidence"
    /// The merchant was asked.
    case awaitingMerchant = "awaiting_merchant"
    /// An agent is to decide.
    case inReview = "in_review"
    /// The customer was made an offer.
    case awaitingConfirmation = "awaiting_confirmation"
    /// Decided in the customer's favour, in full or in part.
    case approved
    /// The goods are on their way back.
    case returning
    /// The goods came back and were looked at.
    case inspected
    /// What was approved is being done.
    case executing
    /// What was approved is done.
    case resolved
    /// Followed up and closed. Final.
    case closed
    /// Taken back by the customer. Final.
    case withdrawn
    /// Decided against the customer; final once it can no longer be appealed.
    case rejected
    /// The customer appealed.
    case appealed
    /// A second person is to decide.
    case arbitration
}

/// What a decision says.
public enum Verdict: String, CaseIterable, Hashable, Sendable {
    /// All that was asked for.
    case approved
    /// Some of what was asked for.
    case partlyApproved = "partly_approved"
    /// Nothing.
    case rejected
    /// A person is to decide.
    case inReview = "in_review"
}

/// Where a refund stands.
public enum RefundStatus: String, CaseIterable, Hashable, Sendable {
    /// Decided and reserved; nothing was sent. Becomes submitting.
    case created
    /// Being handed to the channel. Becomes processing, succeeded, failed, abnormal, closed or unknown.
    case submitting
    /// The channel has taken it on. Becomes succeeded, failed, abnormal, closed or unknown.
    case processing
    /// The money is back. Final.
    case succeeded
    /// The channel refused; the money stays reserved. Becomes submitting again, or closed.
    case failed
    /// The channel could not pay it out; the money stays reserved. A person mends it at the channel, which is asked now and
    /// then what came of it. Becomes processing again, succeeded or closed.
    case abnormal
    /// The channel's answer was lost; the money stays reserved. Leaves only by asking the channel.
    case unknown
    /// It will not be paid under this number; the money is released. Final.
    case closed
}
