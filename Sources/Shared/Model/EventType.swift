/// What an event says happened.
///
/// Raw values are the names that platforms see, so they never change.
public enum EventType: String, CaseIterable, Hashable, Sendable {
    case orderPlaced = "order.placed"
    case orderPaid = "order.paid"
    case orderAccepted = "order.accepted"
    case orderRejected = "order.rejected"
    case orderReady = "order.ready"
    case orderPickedUp = "order.picked_up"
    case orderDelivered = "order.delivered"
    case orderCompleted = "order.completed"
    case orderCancelled = "order.cancelled"
    case orderRefundDue = "order.refund_due"
    case orderExceptionReported = "order.exception_reported"
    case orderAnomalyDetected = "order.anomaly_detected"

    case caseOpened = "case.opened"
    case caseEvidenceRequested = "case.evidence_requested"
    case caseMerchantAsked = "case.merchant_asked"
    case caseReviewStarted = "case.review_started"
    case caseDecided = "case.decided"
    case caseOfferMade = "case.offer_made"
    case caseAppealed = "case.appealed"
    case caseWithdrawn = "case.withdrawn"
    case caseResolved = "case.resolved"
    case caseClosed = "case.closed"
    case caseCommented = "case.commented"

    case refundCreated = "refund.created"
    case refundRequested = "refund.requested"
    case refundProcessing = "refund.processing"
    case refundSucceeded = "refund.succeeded"
    case refundFailed = "refund.failed"
    case refundAbnormal = "refund.abnormal"
    case refundUnknown = "refund.unknown"
    case refundClosed = "refund.closed"

    case compensationGranted = "compensation.granted"

    /// What is known of a person is to be erased: each service does its own part.
    case partyErasureRequested = "party.erasure_requested"

    /// New lines stand in some inboxes; wakes the streams of other instances and goes no further.
    case inboxAdvanced = "inbox.advanced"
    /// A test campus's clock was advanced.
    case clockAdvanced = "campus.clock_advanced"

    /// Whether platforms may subscribe to it; the others are the services' own.
    public var isPublic: Bool {
        self != .inboxAdvanced && self != .clockAdvanced
    }
}
