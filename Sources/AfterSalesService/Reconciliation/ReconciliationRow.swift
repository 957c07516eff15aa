import Model
import ServiceKit

/// A line of a day's books: money that came in or went back, or a refund that ended without moving any, as it became known
/// that day.
struct ReconciliationRow: Hashable, Sendable {
    /// What the line is about.
    enum Kind: String, CaseIterable, Hashable, Sendable {
        case payment
        case refund
    }

    /// What became of it.
    enum Status: String, CaseIterable, Hashable, Sendable {
        /// A payment, which is only known once it was made.
        case paid
        /// A refund is back with its payer.
        case succeeded
        /// A refund ended and moved no money.
        case closed
        /// The platform paid a refund that had ended unpaid, whose money may have been promised again.
        case paidThoughReleased = "paid_though_released"

        /// Whether money moved.
        var isMoved: Bool {
            switch self {
            case .paid, .succeeded, .paidThoughReleased: true
            case .closed: false
            }
        }
    }

    /// The part of a payment that was for one order, or a refund.
    let kind: Kind
    let status: Status
    let orderID: OrderID
    let externalID: String?
    let merchantID: String
    let paymentID: PaymentID
    let refundID: RefundID?
    let channel: PaymentChannel
    let transactionID: String
    let outTradeNumber: String?
    let merchantAccount: String?
    let subMerchantAccount: String?
    let outRefundNumber: String?
    let channelRefundID: String?
    /// How much of it this line is about.
    let amount: Money
    /// The whole payment, which may be for several orders.
    let paymentAmount: Money
    /// Where a refund's money went.
    let destination: RefundDestination?
    /// Who bears a refund, by the ledger; they sum to its amount.
    let shares: RefundShares?
    /// When the money moved, as the platform or the channel says.
    let movedAt: Timestamp?
    /// When it became known, by the campus's clock.
    let knownAt: Timestamp
    /// The day on which the money moved, when that is another than the one on which it became known.
    var belongsTo: CampusCalendar.Day?

    /// What it tells, in one word for ever: no day but one may have it.
    var fact: String {
        switch (kind, status) {
        case (.payment, _): "payment:\(paymentID):\(orderID)"
        case (.refund, .paidThoughReleased): "released:\(refundID?.description ?? "")"
        case (.refund, _): "refund:\(refundID?.description ?? "")"
        }
    }
}

/// How much of a refund each party bears: what it gives less what it gets back of what it had funded.
struct RefundShares: Hashable, Sendable {
    let merchant: Int64
    let platform: Int64
    let campus: Int64
    /// Money that belonged to no order.
    let unapplied: Int64
}

/// The columns of a line, in the order of a table; members of an object have the same names.
enum ReconciliationColumn: String, CaseIterable, Hashable, Sendable {
    case kind
    case status
    case belongsTo = "belongs_to"
    case orderID = "order_id"
    case externalID = "external_id"
    case merchantID = "merchant_id"
    case paymentID = "payment_id"
    case refundID = "refund_id"
    case channel
    case transactionID = "transaction_id"
    case outTradeNumber = "out_trade_no"
    case merchantAccount = "mchid"
    case subMerchantAccount = "sub_mchid"
    case outRefundNumber = "out_refund_no"
    case channelRefundID = "channel_refund_id"
    case amountFen = "amount_fen"
    case paymentFen = "payment_fen"
    case destination
    case merchantFen = "merchant_fen"
    case platformFen = "platform_fen"
    case campusFen = "campus_fen"
    case unappliedFen = "unapplied_fen"
    case succeededAt = "succeeded_at"
    case recordedAt = "recorded_at"
}

extension ReconciliationRow {
    /// What a column says.
    func value(of column: ReconciliationColumn) -> JSON {
        switch column {
        case .kind: .string(kind.rawValue)
        case .status: .string(status.rawValue)
        case .belongsTo: .optional(belongsTo?.description)
        case .orderID: .string(orderID.description)
        case .externalID: .optional(externalID)
        case .merchantID: .string(merchantID)
        case .paymentID: .string(paymentID.description)
        case .refundID: .optional(refundID?.description)
        case .channel: .string(channel.rawValue)
        case .transactionID: .string(transactionID)
        case .outTradeNumber: .optional(outTradeNumber)
        case .merchantAccount: .optional(merchantAccount)
        case .subMerchantAccount: .optional(subMerchantAccount)
        case .outRefundNumber: .optional(outRefundNumber)
        case .channelRefundID: .optional(channelRefundID)
        case .amountFen: .integer(amount.fen)
        case .paymentFen: .integer(paymentAmount.fen)
        case .destination: .optional(destination?.rawValue)
        case .merchantFen: .optional(shares?.merchant)
        case .platformFen: .optional(shares?.platform)
        case .campusFen: .optional(shares?.campus)
        case .unappliedFen: .optional(shares?.unapplied)
        case .succeededAt: .optional(movedAt?.rfc3339)
        case .recordedAt: .string(knownAt.rfc3339)
        }
    }

    /// The line as it is kept, hashed and sent: every column, in their order.
    var json: JSON {
        .object(JSONObject(ReconciliationColumn.allCases.map { ($0.rawValue, value(of: $0)) }))
    }

    /// What a line looks like.
    static let schema = JSONSchema.object(
        name: "ReconciliationRow",
        ReconciliationColumn.allCases.map { .required($0.rawValue, $0.schema, $0.summary) }
    )
}

extension ReconciliationColumn {
    fileprivate var schema: JSONSchema {
        switch self {
        case .kind: .enumeration(of: ReconciliationRow.Kind.self)
        case .status: .enumeration(of: ReconciliationRow.Status.self)
        case .belongsTo: .nullable(.date)
        case .orderID, .paymentID: .id
        case .refundID: .nullable(.id)
        case .channel: .enumeration(of: PaymentChannel.self)
        case .destination: .nullable(.enumeration(of: RefundDestination.self))
        case .merchantID, .transactionID: .string(length: 1...128)
        case .externalID, .outTradeNumber, .merchantAccount, .subMerchantAccount, .outRefundNumber, .channelRefundID:
            .nullable(.string(length: 1...128))
        case .amountFen, .paymentFen: .fen(0...Int64.max)
        case .merchantFen, .platformFen, .campusFen, .unappliedFen:
            .nullable(.integer(Int64.min...Int64.max))
        case .succeededAt: .nullable(.timestamp)
        case .recordedAt: .timestamp
        }
    }

    fileprivate var summary: String {
        switch self {
        case .kind: "The part of a payment that was for one order, or a refund."
        case .status: "`closed` moved no money; `paid_though_released` is to be settled by people."
        case .belongsTo: "The day on which the money moved, when it became known on another."
        case .orderID: "The order."
        case .externalID: "Your number of the order."
        case .merchantID: "The shop."
        case .paymentID: "The payment."
        case .refundID: "The refund."
        case .channel: "How it was paid."
        case .transactionID: "The channel's number of the payment."
        case .outTradeNumber: "Your number of the payment at the channel."
        case .merchantAccount: "The merchant account that was paid."
        case .subMerchantAccount: "The account under it."
        case .outRefundNumber: "The one number of the refund at the channel."
        case .channelRefundID: "The channel's own number of the refund."
        case .amountFen: "Whole fen, of the payment for this order or of the refund."
        case .paymentFen: "Whole fen of the whole payment, which may be for several orders."
        case .destination: "Where a refund's money went."
        case .merchantFen: "Whole fen that the shop bears of a refund; negative when it gets back more."
        case .platformFen: "Whole fen that the platform bears."
        case .campusFen: "Whole fen that the campus operator bears."
        case .unappliedFen: "Whole fen that belonged to no order. The four sum to the refund."
        case .succeededAt: "When the money moved, as the platform or the channel says."
        case .recordedAt: "When it became known here."
        }
    }
}
