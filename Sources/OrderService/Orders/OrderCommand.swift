import Model

/// What can be asked of an order, by the name that callers see in `allowed_actions`.
enum OrderAction: String, CaseIterable, Hashable, Sendable {
    case pay
    case accept
    case reject
    case ready
    case pickUp = "pickup"
    case deliver
    case complete
    case cancel
    case reportException = "report_exception"
    case stateLineFacts = "state_line_facts"
}

/// Something asked of an order, with all it needs.
enum OrderCommand: Hashable, Sendable {
    /// That amount of that payment is for this order.
    case pay(ReportedPayment, amount: Money)
    case accept
    case reject(reason: String)
    case ready
    /// The rider has it now; while another carries it, they change on the way.
    case pickUp(Rider)
    case deliver(Handover)
    case complete
    case cancel(reason: String)
    case reportException(OrderException)
    case stateLineFacts(line: Int, LineFacts)
    /// A deadline passed.
    case timeOut(OrderTimer)

    /// The action that a caller names; nil for what only our clock does.
    var action: OrderAction? {
        switch self {
        case .pay: .pay
        case .accept: .accept
        case .reject: .reject
        case .ready: .ready
        case .pickUp: .pickUp
        case .deliver: .deliver
        case .complete: .complete
        case .cancel: .cancel
        case .reportException: .reportException
        case .stateLineFacts: .stateLineFacts
        case .timeOut: nil
        }
    }
}

/// The identity of a payment that the platform reported.
struct ReportedPayment: Hashable, Sendable {
    var id: PaymentID
    var channel: PaymentChannel
    var transactionID: String
    var paidAt: Timestamp
}

/// Something that went wrong, as somebody on the way reports it.
struct OrderException: Hashable, Sendable {
    var id: AnyID
    var kind: OrderExceptionKind
    var note: String?
}

/// The deadlines of an order.
///
/// Raw values name its durable timers.
enum OrderTimer: String, CaseIterable, Hashable, Sendable {
    /// It must be paid by then.
    case payment = "payment_deadline"
    /// The merchant must have answered by then.
    case acceptance = "acceptance_deadline"
    /// Nobody complained until then: it is over.
    case completion = "auto_complete"
}

/// When deadlines that begin now will pass, by the campus's settings and calendar.
struct OrderDeadlines: Hashable, Sendable {
    var payment: Timestamp
    var acceptance: Timestamp
    var completion: Timestamp
}

/// Who asks, and when.
struct OrderContext: Hashable, Sendable {
    /// Who.
    var actor: Actor
    /// The campus's time.
    var now: Timestamp
    /// When it happened, if the caller says.
    var reportedAt: Timestamp?
    /// Whether the caller may say so long after: the platform may, people with a token of their own may not.
    var mayReportLate = true
    var deadlines: OrderDeadlines
    /// Whether the campus is a test campus.
    var isTest: Bool
}

/// Why an order does not do what it was asked to.
///
/// Nothing has changed.
enum OrderRefusal: Error, Hashable, Sendable {
    /// It stands where this is not possible; the caller may do those.
    case illegal(action: OrderAction?, status: OrderStatus, allowed: [OrderAction])
    /// The merchant is at work: a customer opens an after-sales case instead.
    case opensCase(status: OrderStatus)
    /// It was placed and paid on another platform.
    case paidElsewhere(OrderSource)
    /// The time lies too far ahead of our clock.
    case timeAhead(at: Timestamp, now: Timestamp)
    /// The time lies too far back for somebody who is not the platform.
    case timeBehind(at: Timestamp, now: Timestamp)
    /// The time lies before anything that could be reported.
    case timeTooEarly
    /// The time lies before an earlier step's, both as reported.
    case timeBefore(ReportedTime, at: Timestamp)
    /// Nothing was paid, and the order costs something.
    case nothingPaid
    /// A rider can only pick up for themselves.
    case otherRider
    /// The order has no line of that number.
    case noSuchLine(Int)
}
