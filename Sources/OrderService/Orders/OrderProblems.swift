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
            """
    )
    /// The merchant is at work; what now happens is an after-sales case.
    static let afterSalesRequired = ProblemKind(
        "after-sales-required",
        status: 409,
        title: "The order can no longer be cancelled by the customer",
        meaning: """
            Once the merchant has accepted, a customer's wish to cancel becomes an after-sales case: `link` says where to open it, \
            `order_id` for which order.
            """
    )
    /// The order was paid elsewhere.
    static let paidElsewhere = ProblemKind(
        "paid-elsewhere",
        status: 409,
        title: "The order was paid on another platform",
        meaning: "Orders whose `source` is another platform are tracked and disputed here, never paid or refunded."
    )
    /// Two reports of one payment do not agree.
    static let paymentContradiction = ProblemKind(
        "payment-contradiction",
        status: 409,
        title: "The payment was reported differently before",
        meaning: """
            One `transaction_id` of a channel is one payment. It was reported before with another amount or for other orders; \
            `payment_id` names it. Nothing was changed.
            """
    )
    /// The clock belongs to test campuses.
    static let notATestCampus = ProblemKind(
        "not-a-test-campus",
        status: 403,
        title: "The campus is not a test campus",
        meaning: "Only the clock of a test campus can be advanced."
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
