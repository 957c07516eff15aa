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
