import Model
import ServiceKit

extension EventDescription {
    /// What is promised of a type about refunds; nil for any other.
    init?(refund type: EventType) {
        var members: [JSONSchema.Member] = []
        let (chinese, english): (String, String)
        switch type {
        case .refundCreated: (chinese, english) = ("退款已创建，金额已预留", "A refund was decided and its money reserved")
        case .refundRequested:
            (chinese, english) = ("请平台执行退款并回报结果", "The platform is asked to pay a refund and to report what came of it")
            members = Self.request
        case .refundProcessing: (chinese, english) = ("支付渠道已受理退款", "The channel has taken the refund on")
        case .refundSucceeded: (chinese, english) = ("退款成功", "The money is back")
        case .refundFailed:
            (chinese, english, members) = ("支付渠道拒绝退款", "The channel refused; the money stays reserved", [Self.code])
        case .refundAbnormal:
            (chinese, english) = ("退款异常，需人工处理", "The channel could not pay it out; the money stays reserved")
            members = [Self.code]
        case .refundUnknown:
            (chinese, english) = (
                "退款结果未知：正在向渠道查询，或等待平台回报",
                "What came of it is not known: its channel is asked, or the platform still owes its report"
            )
        case .refundClosed:
            (chinese, english) = ("退款已关闭，未付出", "It will not be paid under this number; the money is released")
        default: return nil
        }
        self.init(type.rawValue, chinese, english, Self.refundFacts + members)
    }

    private static let code = JSONSchema.Member.required("code", .string(length: 1...128), "The channel's code.")

    /// What a platform that pays a refund itself has to tell its channel.
    private static let request: [JSONSchema.Member] = [
        .required("currency", .enumeration(["CNY"])),
        .required("out_trade_no", .nullable(.string(length: 1...128)), "Your number of the payment at the channel."),
        .required("mchid", .nullable(.string(length: 1...128)), "The merchant account that was paid."),
        .required("sub_mchid", .nullable(.string(length: 1...128)), "The account under it."),
        .required("payment_fen", .fen(0...Int64.max), "The whole payment, in whole fen."),
        .required(
            "payer_fen",
            .nullable(.fen(0...Int64.max)),
            "What of it the payer paid, where vouchers covered the rest."
        ),
        .required("reason", .nullable(.enumeration(of: CaseReason.self)), "Why, as the case says."),
    ]

    /// What every event about a refund says of it, as it stands after the event.
    private static let refundFacts: [JSONSchema.Member] = [
        .required("refund_id", .id),
        .required("case_id", .id, "The case it settles."),
        .required("order_id", .id, "The order it is about."),
        .required("external_id", .nullable(.string(length: 1...64)), "Your own number of the order."),
        .required("payment_id", .id, "The payment it gives back."),
        .required("transaction_id", .string(length: 1...128), "The channel's number of that payment."),
        .required(
            "out_refund_no",
            .string(length: 1...64, pattern: .ascii("A-Za-z0-9_-")),
            "The one number under which the channel knows this refund, for its whole life."
        ),
        .required("channel", .enumeration(of: PaymentChannel.self)),
        .required("amount_fen", .fen(0...Int64.max), "How much, in whole fen."),
        .required("status", .enumeration(of: RefundStatus.self), "Where it stands now."),
        .required("version", .integer(1...Int64.max), "Counts the refund's changes: of two events the later has more."),
        .required("customer_id", .actorID),
        .required("merchant_id", .actorID),
        .required("test", .boolean, "Whether the campus is a test campus."),
    ]
}
