import EventLog
import Model

/// An event of another service, read into its values.
enum DomainEvent: Hashable, Sendable {
    /// An event about an order.
    case order(OrderEvent)
    /// An event about a case.
    case afterSales(CaseEvent)
    /// An event about a refund.
    case refund(RefundEvent)

    /// Reads an event's payload; nil when nobody's inbox hears of events of that type, which newer services may add to.
    init?(type: EventType, payload: JSON) throws(PayloadMismatch) {
        switch type {
        case .orderPlaced, .orderPaid, .orderAccepted, .orderRejected, .orderReady, .orderPickedUp, .orderDelivered,
            .orderCompleted, .orderCancelled, .orderRefundDue, .orderExceptionReported, .orderAnomalyDetected:
            self = .order(try OrderEvent(type: type, json: payload))
        case .caseOpened, .caseEvidenceRequested, .caseMerchantAsked, .caseReviewStarted, .caseDecided, .caseOfferMade,
            .caseAppealed, .caseWithdrawn, .caseResolved, .caseClosed, .caseCommented:
            self = .afterSales(try CaseEvent(type: type, json: payload))
        case .refundCreated, .refundRequested, .refundProcessing, .refundSucceeded, .refundFailed, .refundAbnormal,
            .refundUnknown, .refundClosed:
            self = .refund(try RefundEvent(type: type, json: payload))
        case .compensationGranted, .partyErasureRequested, .inboxAdvanced, .clockAdvanced:
            return nil
        }
    }
}
