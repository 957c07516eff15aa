import Model

/// Money on its way back for one payment, as it stands after its last change.
struct Refund: Hashable, Sendable {
    /// The refund.
    let id: RefundID
    /// Its campus.
    let campus: CampusID
    /// The case it settles.
    let caseID: CaseID
    /// The order it is about.
    let orderID: OrderID
    /// The platform's own number of that order.
    let externalID: String?
    /// Who gets it.
    let customerID: String
    /// The shop.
    let merchantID: String
    /// Whether its campus is a test campus.
    let isTest: Bool
    /// The payment it gives back, as the channel knows it.
    let payment: RefundedPayment
    /// How much.
    let amount: Money
    /// Why, as its case says; nil of those that are older than this is kept.
    let reason: CaseReason?
    /// Whether rules alone decided it.
    let automatic: Bool
    /// When it was decided.
    let createdAt: Timestamp

    /// Where it stands.
    var status = RefundStatus.created
    /// Counts its changes, from 1.
    var version: Int64 = 1
    /// The channel's word for why it failed, is abnormal or was closed.
    var code: String?
    /// The channel's own number of it.
    var channelRefundID: String?
    /// When it last changed.
    var updatedAt: Timestamp
    /// When it was last handed to the channel.
    var submittedAt: Timestamp?
    /// When it ended.
    var settledAt: Timestamp?

    /// The one number under which the channel knows this refund, for its whole life: `R` and the 32 digits of its id.
    ///
    /// A channel pays a number once. It follows from the id, so that no crash and no retry can ever invent a second
    /// one.
    var outRefundNumber: String {
        "R" + String(id.description.filter { $0 != "-" })
    }

    /// What events say of it.
    var facts: RefundFacts {
        RefundFacts(
            refundID: id,
            caseID: caseID,
            orderID: orderID,
            externalID: externalID,
            paymentID: payment.id,
            transactionID: payment.transactionID,
            outRefundNumber: outRefundNumber,
            channel: payment.channel,
            amount: amount,
            status: status,
            version: version,
            customerID: customerID,
            merchantID: merchantID,
            isTest: isTest
        )
    }
}

/// The payment that a refund gives back, in the channel's terms.
struct RefundedPayment: Hashable, Sendable {
    /// The payment.
    let id: PaymentID
    /// How it was paid.
    let channel: PaymentChannel
    /// The channel's number of it.
    let transactionID: String
    /// The platform's number of it at the channel.
    let outTradeNumber: String?
    /// The merchant account it was paid to.
    let merchantAccount: String?
    /// The sub-merchant account it was paid to.
    let subMerchantAccount: String?
    /// The whole payment.
    let amount: Money
    /// What of it the payer paid, where vouchers covered the rest.
    var payerAmount: Money?
}

extension Refund {
    /// Whether the platform pays it with its own credentials and reports what came of that, rather than a channel that can
    /// be asked.
    var isPaidByPlatform: Bool {
        switch payment.channel {
        case .delegated: true
        case .sandbox, .wechat, .alipay, .balance: false
        }
    }

    /// What the platform needs to pay it.
    var request: RefundRequest {
        RefundRequest(
            outTradeNumber: payment.outTradeNumber,
            merchantAccount: payment.merchantAccount,
            subMerchantAccount: payment.subMerchantAccount,
            paymentAmount: payment.amount,
            payerAmount: payment.payerAmount,
            reason: reason
        )
    }
}
