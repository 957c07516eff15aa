import Model
import ServiceKit

extension ProblemKind {
    /// The platform's number of an order is taken.
    static let externalIDTaken = ProblemKind(
        "external-id-taken",
        status: 409,
        title: "The external_id belongs to another order",
        meaning: """
            An `external_id` is unique in a campus for ever. `order_id` names the order that has it: if it is the same order, it was \
            placed already and there is nothing to do.
            """,
        chinese: ProblemWords(
            "该 external_id 属于另一个订单",
            "`external_id` 在一个校园内永久唯一。`order_id` 指出持有它的订单：如果就是同一个订单，说明它已下单成功，无需再做什么。"
        )
    )
    /// The merchant is at work; what now happens is an after-sales case.
    static let afterSalesRequired = ProblemKind(
        "after-sales-required",
        status: 409,
        title: "The order can no longer be cancelled by the customer",
        meaning: """
            Once the merchant has accepted, a customer's wish to cancel becomes an after-sales case: `link` says where to open it, \
            `order_id` for which order.
            """,
        chinese: ProblemWords(
            "顾客已不能取消该订单",
            "商家接单之后，顾客想取消须走售后：`link` 写明到哪里申请，`order_id` 写明哪个订单。"
        )
    )
    /// The order was paid elsewhere.
    static let paidElsewhere = ProblemKind(
        "paid-elsewhere",
        status: 409,
        title: "The order was paid on another platform",
        meaning: "Orders whose `source` is another platform are tracked and disputed here, never paid or refunded.",
        chinese: ProblemWords(
            "该订单在其他平台付款",
            "`source` 是其他平台的订单在这里只跟踪和申诉，从不在此付款或退款。"
        )
    )
    /// Two reports of one payment do not agree.
    static let paymentContradiction = ProblemKind(
        "payment-contradiction",
        status: 409,
        title: "The payment was reported differently before",
        meaning: """
            One `transaction_id` of a channel is one payment. It was reported before with another amount or for other orders; \
            `payment_id` names it. Nothing was changed.
            """,
        chinese: ProblemWords(
            "该付款此前的上报与此不同",
            "一个渠道的一个 `transaction_id` 就是一笔付款。此前上报的金额或订单与此不同，`payment_id` 指出是哪一笔。未执行任何操作。"
        )
    )
    /// The clock belongs to test campuses.
    static let notATestCampus = ProblemKind(
        "not-a-test-campus",
        status: 403,
        title: "The campus is not a test campus",
        meaning: "Only the clock of a test campus can be advanced.",
        chinese: ProblemWords(
            "该校园不是测试校园",
            "只有测试校园的时钟可以拨快。"
        )
    )

    /// What the operations of this service answer with beyond the kinds of the edge.
    static let orders: [ProblemKind] = [
        .externalIDTaken, .afterSalesRequired, .paidElsewhere, .paymentContradiction, .notATestCampus,
    ]
}

extension OrderRefusal {
    /// What the caller is told by the order that refused.
    func problem(of order: OrderID, refusing command: OrderCommand) -> Problem {
        let timePointer = if case .pay = command { "/paid_at" } else { "/at" }
        switch self {
        case .illegal(_, let status, let allowed):
            return .illegalTransition(state: status.rawValue, allowed: allowed.map(\.rawValue))
        case .opensCase(let status):
            return Problem(
                .afterSalesRequired,
                "The order is \(status.rawValue); ask for a refund instead.",
                members: [
                    "state": .string(status.rawValue),
                    "order_id": .string(order.description),
                    "link": .string("/v1/after-sales-options?order_id=\(order)"),
                ]
            )
        case .paidElsewhere(let source):
            return Problem(.paidElsewhere, "The order was placed on \(source.rawValue).")
        case .timeAhead(_, let now):
            return .validation(
                timePointer,
                "lies more than 60 s ahead of the campus's clock, which reads \(now.rfc3339)"
            )
        case .timeBehind(_, let now):
            return .validation(
                timePointer,
                "lies more than 60 s behind the campus's clock, which reads \(now.rfc3339): only the platform's key reports late"
            )
        case .timeTooEarly:
            return .validation(timePointer, "must not lie before the year 2000")
        case .timeBefore(let earlier, _):
            return .validation(
                timePointer,
                "lies before the reported time of `\(earlier.step.rawValue)`, \(earlier.at.rfc3339)"
            )
        case .nothingPaid:
            return .validation("/amount_fen", "must be at least 1: the order costs something")
        case .otherRider:
            return .validation("/rider/id", "must be your own id: a rider picks up for themselves")
        case .noSuchLine:
            return .notFound
        }
    }
}
