import Model

/// What the platform says it was paid, and for which orders.
struct PaymentReport: Hashable, Sendable {
    /// Part of the payment for one order.
    struct Allocation: Hashable, Sendable {
        var order: OrderID
        var amount: Money
    }

    /// Ours, new with each report; a report of a known payment does not use it.
    var id: PaymentID
    var channel: PaymentChannel
    /// The channel's number of it: the same number is the same payment.
    var transactionID: String
    var amount: Money
    var paidAt: Timestamp
    /// Sums to ``amount``; no order twice.
    var allocations: [Allocation]
    /// What a refund will need.
    var references: References

    /// What the channel asks for when money goes back.
    struct References: Hashable, Sendable {
        /// The platform's number of the payment.
        var outTradeNumber: String?
        /// The merchant account that was paid.
        var merchantAccount: String?
        /// The account under it, where a platform collects for shops.
        var subMerchantAccount: String?
        /// What the payer really paid, where vouchers covered a part.
        var payerAmount: Money?
        /// Who paid, by the channel's id.
        var payerID: String?
    }

    /// The payment's identity, as orders take it.
    var reported: ReportedPayment {
        ReportedPayment(id: id, channel: channel, transactionID: transactionID, paidAt: paidAt)
    }
}

/// Names a payment within a campus, as its channel does.
struct PaymentKey: Hashable, Sendable {
    var campus: CampusID
    var channel: PaymentChannel
    var transactionID: String
}

/// A payment that is known.
struct KnownPayment: Hashable, Sendable {
    var id: PaymentID
    var amount: Money
    /// What of it fell to each order, whatever its purpose there.
    var allocations: [OrderID: Money]

    /// What one order has of a payment.
    struct Part: Hashable, Sendable {
        var key: PaymentKey
        var id: PaymentID
        var amount: Money
        var order: OrderID
        var share: Money
    }

    /// The payments that these are the parts of.
    static func assembled(_ parts: [Part]) throws(MoneyOverflow) -> [PaymentKey: KnownPayment] {
        var known: [PaymentKey: KnownPayment] = [:]
        for part in parts {
            var payment = known[part.key] ?? KnownPayment(id: part.id, amount: part.amount, allocations: [:])
            payment.allocations[part.order] = try (payment.allocations[part.order] ?? .zero).adding(part.share)
            known[part.key] = payment
        }
        return known
    }

    /// Whether the report says the same again.
    func agrees(with report: PaymentReport) -> Bool {
        amount == report.amount
            && allocations == Dictionary(report.allocations.map { ($0.order, $0.amount) }) { first, _ in first }
    }
}
