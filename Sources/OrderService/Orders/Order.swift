import Model

/// An order as it stands.
struct Order: Hashable, Sendable {
    let campus: CampusID
    let id: OrderID
    /// What was agreed when it was placed.
    let terms: OrderTerms
    var status: OrderStatus
    /// Counts changes, from 1.
    var version: Int64
    /// Who carries it.
    var rider: Rider?
    /// What was paid and counts towards it: never more than it costs.
    var paid: Money
    /// Every part of a payment that names this order, due back or not.
    var payments: [PaymentShare]
    var times: OrderTimes
    var cancellation: Cancellation?
    var handover: Handover?
    /// The last step whose time was told to us: later told times may not lie before it.
    var lastReported: ReportedTime?
    /// What is known of its lines since they were handed over, by line number.
    var lineFacts: [Int: LineFacts]
    var updatedAt: Timestamp
}

/// Names an order within a campus.
struct OrderKey: Hashable, Sendable {
    var campus: CampusID
    var id: OrderID
}

extension Order {
    /// What names it.
    var key: OrderKey { OrderKey(campus: campus, id: id) }
}

/// Who carries an order.
struct Rider: Hashable, Sendable {
    /// The platform's id of them.
    var id: String
    /// What they are called, if the platform says.
    var name: String?
}

/// When each step was taken: as it was told to us, else when we heard of it.
struct OrderTimes: Hashable, Sendable {
    var paid: Timestamp?
    var accepted: Timestamp?
    var ready: Timestamp?
    /// When the rider who carries it got it.
    var pickedUp: Timestamp?
    var delivered: Timestamp?
    var completed: Timestamp?
    var cancelled: Timestamp?
}

/// A time that was told to us, and of which step.
struct ReportedTime: Hashable, Sendable {
    var step: OrderAction
    var at: Timestamp
}

/// Who called an order off, and why.
struct Cancellation: Hashable, Sendable {
    var actor: Actor
    var reason: String
}

/// How an order was handed over.
struct Handover: Hashable, Sendable {
    var kind: HandoverKind
    var proof: HandoverProof?
}

/// What shows that an order was handed over; at least one of them.
struct HandoverProof: Hashable, Sendable {
    /// Where the photo is, as the platform names it.
    var photo: String?
    /// The code the customer gave.
    var code: String?
    /// The locker's own record.
    var lockerLog: String?
}

/// What is known of a line since it was handed over; nil where nobody said.
struct LineFacts: Hashable, Sendable {
    var used: Bool?
    var opened: Bool?
    var activated: Bool?

    /// These facts, with what `other` says instead where it says something.
    func updated(with other: LineFacts) -> LineFacts {
        LineFacts(
            used: other.used ?? used,
            opened: other.opened ?? opened,
            activated: other.activated ?? activated
        )
    }
}

/// What part of a payment does for an order.
enum PaymentPurpose: String, CaseIterable, Hashable, Sendable {
    /// It completes the order's payment.
    case settles
    /// It counts towards the order, which needs more.
    case partial
    /// It is more than was needed.
    case excess
    /// The order was paid already.
    case duplicate
    /// The order was cancelled already.
    case late

    /// Whether it pays for the order; the others are due back from the start.
    var counts: Bool {
        switch self {
        case .settles, .partial: true
        case .excess, .duplicate, .late: false
        }
    }
}

/// Part of a payment, as one order has it.
struct PaymentShare: Hashable, Sendable {
    var paymentID: PaymentID
    var channel: PaymentChannel
    var transactionID: String
    var paidAt: Timestamp
    var purpose: PaymentPurpose
    var amount: Money
}
