import EventLog
import Model
import ServiceKit

/// Something asked of orders that are there already, with all that deciding and storing it needs.
struct OrderRequest: Sendable {
    /// What is asked of one order.
    struct Item: Sendable {
        var order: OrderID
        var command: OrderCommand
    }

    var campus: CampusID
    /// One, unless one payment is for several orders; all of them are done, or none.
    var items: [Item]
    /// Whose orders the caller sees.
    var scope: OrderScope
    var context: OrderContext
    /// The payment that the items share, when they are payments.
    var payment: PaymentReport?
    /// Whether the body lists the orders, so that an order not found is a fault of the body.
    var listsOrders = false
    /// The timer that asks, when one does; such a request is run alone.
    var timer: DueTimer?
    var idempotency: IdempotencyKey?
    var trace: String?
    /// The answer, once it is done; stored under the idempotency key.
    var reply: @Sendable ([OrderTransition]) throws -> Reply

    /// What names its orders.
    var keys: [OrderKey] { items.map { OrderKey(campus: campus, id: $0.order) } }

    /// What names its payment.
    var paymentKey: PaymentKey? {
        payment.map { PaymentKey(campus: campus, channel: $0.channel, transactionID: $0.transactionID) }
    }
}

/// What became of a request.
enum OrderOutcome: Sendable {
    /// It is done: the answer, and what changed.
    case done(Reply, [OrderTransition])
    /// It was done before, under the same key; this was the answer.
    case replayed(Reply)
    /// It is refused; nothing has changed.
    case refused(Problem)
    /// An order is at work elsewhere, or not there: to be tried alone, where waiting holds up nobody else.
    case busy
    /// The timer that asked had been cancelled.
    case moot
}
