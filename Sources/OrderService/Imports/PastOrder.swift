import EventLog
import Model
import ServiceKit

/// An order of the past, as one line of an import tells it.
struct PastOrder: Sendable {
    /// The number of its line, from 1.
    var line: Int64
    /// Over what the line says, however it is written: the same line is known by it when it comes again.
    var digest: SHA256Digest
    /// The platform's own number.
    var externalID: String
    /// How it stands.
    var order: Order
    /// What happened to it, first to last.
    var steps: [OrderStep]
    /// What was paid for it, first to last.
    var payments: [PastPayment]
    /// What was paid back, as the line says.
    var refunds: [PastRefund]
    /// The deadlines that it waits for and that still lie ahead.
    var timers: [NewTimer]
    /// What of it is stored as text.
    var texts: Texts

    /// Columns of its row that are JSON, written already.
    struct Texts: Sendable {
        var lines: JSONText
        var discounts: JSONText
        var dropoff: JSONText
        var client: JSONText?
        var handover: JSONText?

        init(_ order: Order) {
            lines = order.terms.bill.linesText
            discounts = order.terms.bill.discountsText
            dropoff = order.terms.dropoff.text
            client = order.terms.client?.text
            handover = order.handover?.text
        }
    }
}

/// A payment of a past order.
struct PastPayment: Hashable, Sendable {
    /// Its place among the payments of the line, from 0.
    var place: Int
    /// The whole payment, which may have paid for other orders too.
    var report: PaymentReport
    /// What of it was for this order.
    var share: Money
}

/// A refund that was made before.
struct PastRefund: Hashable, Sendable {
    /// The platform's number of it.
    var number: String
    /// The payment it came from, by its channel's number; nil where the order has only one.
    var transactionID: String?
    var amount: Money
    var succeededAt: Timestamp
    /// How much of it was for which item; nil when the platform does not say.
    var items: [PaidItem: Money]?
}

/// A step that a line can tell the time of, beyond placing and paying.
enum PastStep: String, CaseIterable, Hashable, Sendable {
    case accepted
    case ready
    case pickedUp = "picked_up"
    case delivered
    case completed
    case cancelled

    /// The member with its time.
    var timeName: String { "\(rawValue)_at" }

    /// When that member belongs to a line.
    var meaning: String {
        switch self {
        case .accepted: "With `accepted` and later; with `cancelled` if it was."
        case .ready: "With `ready`; later and with `cancelled` if known."
        case .pickedUp: "With `picked_up` and later."
        case .delivered: "With `delivered` and `completed`."
        case .completed: "With `completed`."
        case .cancelled: "With `cancelled`."
        }
    }
}

/// What became of an import so far.
struct OrderImport: Hashable, Sendable {
    /// How many of its faults are shown with it.
    static let shownFaults = 20

    /// The platform's name of it.
    var id: String
    /// Every line before this one was judged.
    var nextLine: Int64
    /// How many orders it brought.
    var imported: Int64
    /// How many lines told of an order that was imported before, just so.
    var skipped: Int64
    /// How many lines were not taken, as they were sent last.
    var faulty: Int64
    var createdBy: String
    var createdAt: Timestamp
    var updatedAt: Timestamp
}

/// Names an import within a campus.
struct ImportKey: Hashable, Sendable {
    var campus: CampusID
    var id: String
}

/// One thing wrong with a line.
struct ImportFault: Hashable, Sendable {
    /// The most that is said of one line.
    static let limitOfLine = 10

    var line: Int64
    /// Counts the faults of the line, from 1.
    var number: Int32
    /// A JSON pointer into the line.
    var pointer: String
    var detail: String

    /// The first faults of a line.
    static func all(_ faults: [Fault], of line: Int64) -> [ImportFault] {
        faults.prefix(limitOfLine).enumerated().map { index, fault in
            // A name that nobody knows may hold what PostgreSQL cannot.
            let pointer = fault.pointer.replacing("\0", with: "\u{fffd}")
            return ImportFault(line: line, number: Int32(index + 1), pointer: pointer, detail: fault.detail)
        }
    }
}
