import Model
import ServiceKit

/// What was decided about a batch.
struct ImportVerdict: Sendable {
    /// An order that is new, with what its refunds took.
    struct Entry: Sendable {
        var past: PastOrder
        var refunds: [SettledRefund]
    }

    /// A refund, and how much of which item it paid back.
    struct SettledRefund: Sendable {
        var refund: PastRefund
        var payment: PaymentID
        var items: [PaidItem: Money]
    }

    /// A payment that is new, and when it is recorded: one after the other.
    struct NewPayment: Sendable {
        var report: PaymentReport
        var createdAt: Timestamp
    }

    var entries: [Entry] = []
    var payments: [NewPayment] = []
    var skipped = 0
    var faults: [ImportFault] = []
    /// The requests to erase that its orders are a part of.
    var erasures: [Erasure] = []
}
