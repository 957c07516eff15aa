import Model

/// What after-sales needs to know of an order, read from OrderService's rows.
struct OrderRecord: Hashable, Sendable {
    /// The order.
    var id: OrderID
    /// The platform's own number.
    var externalID: String?
    /// Which platform it was placed on; only our own are paid, and so refunded, here.
    var source: OrderSource
    /// Where it stands.
    var status: OrderStatus
    /// Who ordered.
    var customerID: String
    /// The shop.
    var merchantID: String
    /// Who carried it.
    var riderID: String?
    /// The lines, by number.
    var lines: [OrderLine]
    /// What the delivery fee cost after discounts.
    var deliveryPayable: Money
    /// What the packaging fee cost after discounts.
    var packagingPayable: Money
    /// What the whole order cost after discounts.
    var payable: Money
    /// What was taken off its price, and who paid for that.
    var discounts: [OrderDiscount]
    /// What lateness is measured against.
    var promisedAt: Timestamp
    /// The policy that was in force when it was placed.
    var policyVersion: Int
    /// When the merchant took it on.
    var acceptedAt: Timestamp?
    /// When it was handed over.
    var deliveredAt: Timestamp?
    /// When it was called off.
    var cancelledAt: Timestamp?
    /// How it was handed over.
    var handover: HandoverKind?
    /// The payments that paid for it, in the order in which they were recorded.
    var payments: [OrderPayment]
    /// What rules may know of who ordered.
    var customer = CustomerStanding()

    /// Money that was paid beyond what the order cost.
    var surplus: Money {
        Money(fen: payments.reduce(0) { $0 + $1.surplus.fen })
    }

    /// Whether it was called off and nothing was paid for it but what came too late.
    var isPaidForNothing: Bool {
        status == .cancelled && surplus > .zero && surplus == paid
    }

    /// All that was paid for it, surplus included.
    var paid: Money {
        Money(fen: payments.reduce(0) { $0 + $1.settled.fen + $1.surplus.fen })
    }
}

/// A discount, and what it was taken off.
struct OrderDiscount: Hashable, Sendable {
    /// Who paid for it.
    var funder: Funder
    /// The coupon it came from, by the platform's id.
    var couponID: String?
    /// How much of it each line and fee got; nothing for those that got none.
    var shares: [RefundItem: Money]
}

/// One line of an order.
struct OrderLine: Hashable, Sendable {
    /// Its number, from 1.
    var number: Int
    /// What was ordered.
    var name: String
    /// How many.
    var quantity: Int
    /// What all of them together cost after discounts.
    var payable: Money
}

/// A payment, and what it paid for one order.
struct OrderPayment: Hashable, Sendable {
    /// The payment.
    var id: PaymentID
    /// How it was paid, and how a refund travels back.
    var channel: PaymentChannel
    /// The channel's number of it.
    var transactionID: String
    /// The platform's number of it at the channel.
    var outTradeNumber: String?
    /// The merchant account it was paid to.
    var merchantAccount: String?
    /// The sub-merchant account it was paid to.
    var subMerchantAccount: String?
    /// The whole payment, which may cover other orders too.
    var amount: Money
    /// What of it the payer paid, where vouchers covered the rest.
    var payerAmount: Money?
    /// How much of it paid for this order.
    var settled: Money
    /// How much of it this order had no use for.
    var surplus: Money
}
