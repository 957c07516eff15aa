import Model
import ServiceKit

extension EventDescription {
    /// What is promised of a type about orders; nil for any other.
    init?(order type: EventType) {
        let (chinese, english, members): (String, String, [JSONSchema.Member])
        switch type {
        case .orderPlaced: (chinese, english, members) = ("订单已创建", "An order was placed", [])
        case .orderPaid:
            (chinese, english) = ("订单已付清", "An order is paid in full")
            members = [
                .required("payment_id", .id, "The payment that completed it."),
                .required("channel", .enumeration(of: PaymentChannel.self), "How it was paid."),
            ]
        case .orderAccepted: (chinese, english, members) = ("商家已接单", "The merchant took the order on", [])
        case .orderRejected:
            (chinese, english) = (
                "商家拒单；订单随即为 `cancelled`，不再有 `order.cancelled`",
                "The merchant will not take the order on; it is `cancelled` now, and no `order.cancelled` follows"
            )
            members = [Self.reason]
        case .orderReady: (chinese, english, members) = ("餐品已备好", "The order is ready to be fetched", [])
        case .orderPickedUp:
            (chinese, english) = ("骑手已取餐", "A rider has the order; a second time, another rider has it")
            members = []
        case .orderDelivered:
            (chinese, english) = ("订单已送达", "The order was handed over")
            members = [.required("handover", .enumeration(of: HandoverKind.self), "How.")]
        case .orderCompleted: (chinese, english, members) = ("订单已完成", "The order is over", [])
        case .orderCancelled:
            (chinese, english, members) = ("订单已取消", "The order was called off", [Self.reason, Self.by])
        case .orderRefundDue:
            (chinese, english) = ("有一笔钱应退还", "Money of a payment is due back")
            members = [
                .required("payment_id", .id, "Which payment."),
                .required("cause", .enumeration(of: RefundDueCause.self), "Why."),
                .required("amount_fen", .fen(), "How much of it, in whole fen."),
            ]
        case .orderExceptionReported:
            (chinese, english) = ("骑手或商家报告异常", "A rider or a merchant reports that something went wrong")
            members = [.required("kind", .enumeration(of: OrderExceptionKind.self), "What."), Self.by]
        case .orderAnomalyDetected:
            (chinese, english) = Self.notSent(
                "系统发现订单异常",
                "The services noticed that something is wrong with the order"
            )
            members = [.required("kind", .string(length: 1...64), "What.")]
        default: return nil
        }
        self.init(type.rawValue, chinese, english, Self.orderFacts + members)
    }

    private static let reason = JSONSchema.Member.required("reason", .string(length: 1...500), "Why.")
    private static let by = JSONSchema.Member.required(
        "by",
        .string(length: 3...100),
        "Who, as role and id: `customer:stu_1`, `system:…`."
    )

    /// What every event about an order says of it, as it stands after the event.
    private static let orderFacts: [JSONSchema.Member] = [
        .required("order_id", .id),
        .required("external_id", .nullable(.string(length: 1...64)), "Your own number of the order."),
        .required("short_no", .nullable(.string(length: 1...32)), "The short number called out at the counter."),
        .required("source", .enumeration(of: OrderSource.self), "The platform it was placed on."),
        .required("status", .enumeration(of: OrderStatus.self), "Where it stands now."),
        .required("version", .integer(1...Int64.max), "Counts the order's changes: of two events the later has more."),
        .required("customer_id", .actorID),
        .required("merchant_id", .actorID),
        .required("rider_id", .nullable(.actorID), "Who carries it, as far as known."),
        .required("payable_fen", .fen(0...Int64.max), "What is to be paid, in whole fen."),
        .required("paid_fen", .fen(0...Int64.max), "What of it is paid, in whole fen."),
        .required("promised_at", .timestamp, "When it was promised to arrive."),
        .required("test", .boolean, "Whether the campus is a test campus."),
    ]
}
