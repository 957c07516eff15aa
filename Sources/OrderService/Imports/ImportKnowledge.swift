import Model
import ServiceKit

/// What is stored of what a batch tells of.
struct ImportKnowledge: Sendable {
    /// An order that has one of its numbers.
    struct KnownOrder: Sendable {
        var id: OrderID
        var origin: Origin
    }

    /// Where an order that is known came from.
    enum Origin: Hashable, Sendable {
        /// It was placed here.
        case placed
        /// It was imported from the line of this digest.
        case imported([UInt8])
        /// It was imported and then erased: what its line said is not known any more.
        case erased
    }

    /// A payment that has one of its numbers.
    struct KnownPayment: Sendable {
        var id: PaymentID
        var amount: Money
        var createdAt: Timestamp
        /// How much of it is spread over orders.
        var spread: Money
    }

    var orders: [String: KnownOrder] = [:]
    var payments: [PaymentKey: KnownPayment] = [:]
    /// The numbers of past refunds, of those that the batch names.
    var refunds: Set<String> = []
    /// What was asked to be erased of the people whom it names.
    var erasures: [Erasure] = []
}
