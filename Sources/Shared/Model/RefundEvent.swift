/// What every event about a refund says of it, as it stands after the event.
public struct RefundFacts: Hashable, Sendable {
    /// The refund.
    public var refundID: RefundID
    /// The case it settles.
    public var caseID: CaseID
    /// The order it is about.
    public var orderID: OrderID
    /// The platform's own number of that order.
    public var externalID: String?
    /// The payment it gives back.
    public var paymentID: PaymentID
    /// The channel's number of that payment.
    public var transactionID: String
    /// The one number under which the channel knows this refund, for its whole life.
    public var outRefundNumber: String
    /// The channel.
    public var channel: PaymentChannel
    /// How much.
    public var amount: Money
    /// Where it stands.
    public var status: RefundStatus
    /// Counts the refund's changes, from 1.
    public var version: Int64
    /// Who ordered, by the platform's id.
    public var customerID: String
    /// The shop, by the platform's id.
    public var merchantID: String
    /// Whether its campus is a test campus.
    public var isTest: Bool

    /// These facts.
    public init(
        refundID: RefundID,
        caseID: CaseID,
        orderID: OrderID,
        externalID: String?,
        paymentID: PaymentID,
        transactionID: String,
        outRefundNumber: String,
        channel: PaymentChannel,
        amount: Money,
        status: RefundStatus,
        version: Int64,
        customerID: String,
        merchantID: String,
        isTest: Bool
    ) {
        self.refundID = refundID
        self.caseID = caseID
        self.orderID = orderID
        self.externalID = externalID
        self.paymentID = paymentID
        self.transactionID = transactionID
        self.outRefundNumber = outRefundNumber
        self.channel = channel
        self.amount = amount
        self.status = status
        self.version = version
        self.customerID = customerID
        self.merchantID = merchantID
        self.isTest = isTest
    }
}

/// What a platform that pays a refund itself has to tell its channel, beside the refund's number and amount.
///
/// The payer's id at the channel is not among it: channels find a payment by its number, and events outlive the wish of a
/// person to be forgotten. `GET /v1/refunds/{id}` tells the platform.
public struct RefundRequest: Hashable, Sendable {
    /// The platform's number of the payment at the channel.
    public var outTradeNumber: String?
    /// The merchant account that was paid.
    public var merchantAccount: String?
    /// The account under it.
    public var subMerchantAccount: String?
    /// The whole payment.
    public var paymentAmount: Money
    /// What of it the payer paid, where vouchers covered the rest.
    public var payerAmount: Money?
    /// Why, as the case says.
    public var reason: CaseReason?

    /// What to tell the channel.
    public init(
        outTradeNumber: String?,
        merchantAccount: String?,
        subMerchantAccount: String?,
        paymentAmount: Money,
        payerAmount: Money?,
        reason: CaseReason?
    ) {
        self.outTradeNumber = outTradeNumber
        self.merchantAccount = merchantAccount
        self.subMerchantAccount = subMerchantAccount
        self.paymentAmount = paymentAmount
        self.payerAmount = payerAmount
        self.reason = reason
    }
}

/// What happened to a refund.
public enum RefundChange: Hashable, Sendable {
    /// It was decided and its money reserved.
    case created
    /// The platform is asked to pay it, with what it needs for that.
    case requested(RefundRequest)
    /// The channel has taken it on.
    case processing
    /// The money is back.
    case succeeded
    /// The channel refused, with its code.
    case failed(code: String)
    /// The channel could not pay it out, with its code.
    case abnormal(code: String)
    /// The channel's answer was lost.
    case unknown
    /// It will not be paid under this number.
    case closed
}

/// An event about a refund.
public struct RefundEvent: EventPayload {
    /// The refund as it stands now.
    public var facts: RefundFacts
    /// What happened.
    public var change: RefundChange

    /// That change of that refund.
    public init(facts: RefundFacts, change: RefundChange) {
        self.facts = facts
        self.change = change
    }

    /// The type that the change tells.
    public var type: EventType {
        switch change {
        case .created: .refundCreated
        case .requested: .refundRequested
        case .processing: .refundProcessing
        case .succeeded: .refundSucceeded
        case .failed: .refundFailed
        case .abnormal: .refundAbnormal
        case .unknown: .refundUnknown
        case .closed: .refundClosed
        }
    }
}

extension RefundEvent {
    /// The facts and the change as one flat object.
    public var json: JSON {
        var object: JSONObject = [
            "refund_id": .string(facts.refundID.description),
            "case_id": .string(facts.caseID.description),
            "order_id": .string(facts.orderID.description),
            "external_id": .optional(facts.externalID),
            "payment_id": .string(facts.paymentID.description),
            "transaction_id": .string(facts.transactionID),
            "out_refund_no": .string(facts.outRefundNumber),
            "channel": .string(facts.channel.rawValue),
            "amount_fen": .integer(facts.amount.fen),
            "status": .string(facts.status.rawValue),
            "version": .integer(facts.version),
            "customer_id": .string(facts.customerID),
            "merchant_id": .string(facts.merchantID),
            "test": .bool(facts.isTest),
        ]
        switch change {
        case .created, .processing, .succeeded, .unknown, .closed: break
        case .requested(let request): object.add(request)
        case .failed(let code), .abnormal(let code): object["code"] = .string(code)
        }
        return .object(object)
    }

    /// Reads what ``json`` writes, for an event of that type.
    public init(type: EventType, json: JSON) throws(PayloadMismatch) {
        facts = try RefundFacts(json: json)
        change = try RefundChange(type: type, json: json)
    }
}

extension RefundFacts {
    fileprivate init(json: JSON) throws(PayloadMismatch) {
        self.init(
            refundID: try json.requiredID("refund_id"),
            caseID: try json.requiredID("case_id"),
            orderID: try json.requiredID("order_id"),
            externalID: json["external_id"]?.string,
            paymentID: try json.requiredID("payment_id"),
            transactionID: try json.requiredString("transaction_id"),
            outRefundNumber: try json.requiredString("out_refund_no"),
            channel: try json.requiredEnum("channel"),
            amount: try json.requiredMoney("amount_fen"),
            status: try json.requiredEnum("status"),
            version: try json.requiredInteger("version"),
            customerID: try json.requiredString("customer_id"),
            merchantID: try json.requiredString("merchant_id"),
            isTest: try json.requiredBool("test")
        )
    }
}

extension JSONObject {
    fileprivate mutating func add(_ request: RefundRequest) {
        self["currency"] = "CNY"
        self["out_trade_no"] = .optional(request.outTradeNumber)
        self["mchid"] = .optional(request.merchantAccount)
        self["sub_mchid"] = .optional(request.subMerchantAccount)
        self["payment_fen"] = .integer(request.paymentAmount.fen)
        self["payer_fen"] = request.payerAmount.map { .integer($0.fen) } ?? .null
        self["reason"] = .optional(request.reason?.rawValue)
    }
}

extension RefundRequest {
    fileprivate init(json: JSON) throws(PayloadMismatch) {
        self.init(
            outTradeNumber: json["out_trade_no"]?.string,
            merchantAccount: json["mchid"]?.string,
            subMerchantAccount: json["sub_mchid"]?.string,
            paymentAmount: try json.requiredMoney("payment_fen"),
            payerAmount: json["payer_fen"]?.integer.map(Money.init(fen:)),
            reason: json["reason"]?.string.flatMap(CaseReason.init(rawValue:))
        )
    }
}

extension RefundChange {
    fileprivate init(type: EventType, json: JSON) throws(PayloadMismatch) {
        switch type {
        case .refundCreated: self = .created
        case .refundRequested: self = .requested(try RefundRequest(json: json))
        case .refundProcessing: self = .processing
        case .refundSucceeded: self = .succeeded
        case .refundFailed: self = .failed(code: try json.requiredString("code"))
        case .refundAbnormal: self = .abnormal(code: try json.requiredString("code"))
        case .refundUnknown: self = .unknown
        case .refundClosed: self = .closed
        default: throw PayloadMismatch(field: "type")
        }
    }
}
