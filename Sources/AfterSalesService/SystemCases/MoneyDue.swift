import EventLog
import Model

/// Money of an order that OrderService found to be due back.
struct MoneyDue: Hashable, Sendable {
    /// The order.
    let orderID: OrderID
    /// How much of which payment, and why.
    let refund: RefundDue

    /// The queue in which it is answered.
    static let queue = "money_due"

    /// The task that answers it, once for each payment and cause of an order, however often the event is read.
    func task(campus: CampusID, trace: String?) -> NewTask {
        NewTask(
            queue: Self.queue,
            destination: "cases",
            orderKey: orderID.description,
            dedupeKey: "\(orderID):\(refund.paymentID):\(refund.cause.rawValue)",
            campus: campus,
            payload: [
                "order_id": .string(orderID.description),
                "payment_id": .string(refund.paymentID.description),
                "cause": .string(refund.cause.rawValue),
                "amount_fen": .integer(refund.amount.fen),
            ],
            maxAttempts: 200,
            holdsLaneWhenDead: false,
            trace: trace
        )
    }

    /// That money.
    init(orderID: OrderID, refund: RefundDue) {
        self.orderID = orderID
        self.refund = refund
    }

    /// Reads a task's payload; nil for anything else.
    init?(_ payload: JSON) {
        guard let order = payload["order_id"]?.string.flatMap(OrderID.init),
            let payment = payload["payment_id"]?.string.flatMap(PaymentID.init),
            let cause = payload["cause"]?.string.flatMap(RefundDueCause.init(rawValue:)),
            let amount = payload["amount_fen"]?.integer
        else { return nil }
        self.init(orderID: order, refund: RefundDue(paymentID: payment, cause: cause, amount: Money(fen: amount)))
    }
}

extension RefundDueCause {
    /// Whether the money is beyond what the order cost, rather than the order's own.
    var isSurplus: Bool {
        switch self {
        case .excess, .duplicate, .late: true
        case .cancelled: false
        }
    }

    /// The reason of the case that answers it.
    var reason: CaseReason {
        switch self {
        case .excess, .duplicate: .duplicateCharge
        case .cancelled, .late: .other
        }
    }
}
