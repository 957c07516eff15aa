import Model

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
