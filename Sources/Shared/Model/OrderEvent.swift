/// What every event about an order says of it, as it stands after the event.
public struct OrderFacts: Hashable, Sendable {
    /// The order.
    public var orderID: OrderID
    /// The platform's own number.
    public var externalID: String?
    /// The short number called out at the counter.
    public var shortNumber: String?
    /// Which platform it was placed on.
    public var source: OrderSource
    /// Where it stands.
    public var status: OrderStatus
    /// Counts the order's changes, from 1.
    public var version: Int64
    /// Who ordered, by the platform's id.
    public var customerID: String
    /// The shop, by the platform's id.
    public var merchantID: String
    /// Who carries it, by the platform's id.
    public var riderID: String?
    /// What is to be paid.
    public var payable: Money
    /// What has been paid toward it.
    public var paid: Money
    /// When it was promised to arrive.
    public var promisedAt: Timestamp
    /// Whether its campus is a test campus.
    public var isTest: Bool

    /// These facts.
    public init(
        orderID: OrderID,
        externalID: String?,
        shortNumber: String?,
        source: OrderSource,
        status: OrderStatus,
        version: Int64,
        customerID: String,
        merchantID: String,
        riderID: String?,
        payable: Money,
        paid: Money,
        promisedAt: Timestamp,
        isTest: Bool
    ) {
        self.orderID = orderID
        self.externalID = externalID
        self.shortNumber = shortNumber
        self.source = source
        self.status = status
        self.version = version
        self.customerID = customerID
        self.merchantID = merchantID
        self.riderID = riderID
        self.payable = payable
        self.paid = paid
        self.promisedAt = promisedAt
        self.isTest = isTest
    }
}

/// What happened to an order.
public enum OrderChange: Hashable, Sendable {
    /// It was placed.
    case placed
    /// It is paid in full. `payment` is the payment that completed it.
    case paid(payment: PaymentID, channel: PaymentChannel)
    /// The merchant took it on.
    case accepted
    /// The merchant will not take it on.
    case rejected(reason: String)
    /// It is ready to be fetched.
    case ready
    /// A rider has it; a second one means that riders changed on the way.
    case pickedUp
    /// It was handed over.
    case delivered(handover: HandoverKind)
    /// It is over.
    case completed
    /// It was called off.
    case cancelled(reason: String, by: Actor)
    /// Money is due back.
    case refundDue(RefundDue)
    /// Somebody reports that something went wrong.
    case exceptionReported(kind: OrderExceptionKind, by: Actor)
    /// The services noticed that something went wrong.
    case anomalyDetected(kind: String)
}

/// Money that is due back for a payment.
public struct RefundDue: Hashable, Sendable {
    /// Which payment.
    public var paymentID: PaymentID
    /// Why.
    public var cause: RefundDueCause
    /// How much of the payment.
    public var amount: Money

    /// That much of that payment is due back.
    public init(paymentID: PaymentID, cause: RefundDueCause, amount: Money) {
        self.paymentID = paymentID
        self.cause = cause
        self.amount = amount
    }
}

/// An event about an order.
public struct OrderEvent: EventPayload {
    /// The order as it stands now.
    public var facts: OrderFacts
    /// What happened.
    public var change: OrderChange

    /// That change of that order.
    public init(facts: OrderFacts, change: OrderChange) {
        self.facts = facts
        self.change = change
    }

    /// The type that the change tells.
    public var type: EventType {
        switch change {
        case .placed: .orderPlaced
        case .paid: .orderPaid
        case .accepted: .orderAccepted
        case .rejected: .orderRejected
        case .ready: .orderReady
        case .pickedUp: .orderPickedUp
        case .delivered: .orderDelivered
        case .completed: .orderCompleted
        case .cancelled: .orderCancelled
        case .refundDue: .orderRefundDue
        case .exceptionReported: .orderExceptionReported
        case .anomalyDetected: .orderAnomalyDetected
        }
    }
}
