import Logging
import Model
import ServiceKit

// What this service logs, one line for each change of an order.
extension LoggedEvent {
    static let orderPlaced = LoggedEvent("order.placed", .info, "Order placed")
    static let orderPartPaid = LoggedEvent("order.part_paid", .info, "Order paid in part")
    static let orderPaid = LoggedEvent("order.paid", .info, "Order paid")
    static let orderAccepted = LoggedEvent("order.accepted", .info, "Order accepted")
    static let orderRejected = LoggedEvent("order.rejected", .info, "Order rejected")
    static let orderReady = LoggedEvent("order.ready", .info, "Order ready")
    static let orderPickedUp = LoggedEvent("order.picked_up", .info, "Order picked up")
    static let orderDelivered = LoggedEvent("order.delivered", .info, "Order delivered")
    static let orderCompleted = LoggedEvent("order.completed", .info, "Order completed")
    static let orderCancelled = LoggedEvent("order.cancelled", .info, "Order cancelled")
    static let orderRefundDue = LoggedEvent("order.refund_due", .info, "Money is due back")
    static let orderExceptionReported = LoggedEvent(
        "order.exception_reported",
        .info,
        "Something went wrong on the way"
    )
    static let orderAnomalyDetected = LoggedEvent("order.anomaly_detected", .warning, "An order looks wrong")
    static let orderLineFactsStated = LoggedEvent("order.line_facts_stated", .info, "Facts of a line stated")
    static let orderTimerMoot = LoggedEvent("order.timer_moot", .debug, "A timer found nothing to do")
    static let orderStuck = LoggedEvent(
        "order.stuck",
        .warning,
        "Orders were picked up hours ago and never handed over"
    )
    static let positionsSilent = LoggedEvent("positions.silent", .warning, "Riders on their way are no longer seen")
    static let orderSilence = LoggedEvent(
        "order.silence",
        .warning,
        "An open campus has no orders, and had many at this time a week ago"
    )
    static let keyExpiring = LoggedEvent("key.expiring", .warning, "A platform key ends soon and was not rotated")
    static let clockAdvanced = LoggedEvent("campus.clock_advanced", .info, "Clock of a test campus advanced")

    /// Every event of this service, for the documentation.
    static let orders: [LoggedEvent] = [
        .orderPlaced, .orderPartPaid, .orderPaid, .orderAccepted, .orderRejected, .orderReady, .orderPickedUp,
        .orderDelivered, .orderCompleted, .orderCancelled, .orderRefundDue, .orderExceptionReported,
        .orderAnomalyDetected,
        .orderLineFactsStated, .orderTimerMoot, .orderStuck, .positionsSilent, .orderSilence, .keyExpiring,
        .clockAdvanced,
    ]
}

extension OrderTransition {
    /// Writes one line for each change.
    func log(to logger: Logger, actor: Actor) {
        for step in steps {
            logger.record(step.loggedEvent, step.logValues(actor: actor))
        }
    }
}

extension OrderStep {
    fileprivate var loggedEvent: LoggedEvent {
        switch kind {
        case .partPaid: .orderPartPaid
        case .lineFactsStated: .orderLineFactsStated
        case .event(let change):
            switch change {
            case .placed: .orderPlaced
            case .paid: .orderPaid
            case .accepted: .orderAccepted
            case .rejected: .orderRejected
            case .ready: .orderReady
            case .pickedUp: .orderPickedUp
            case .delivered: .orderDelivered
            case .completed: .orderCompleted
            case .cancelled: .orderCancelled
            case .refundDue: .orderRefundDue
            case .exceptionReported: .orderExceptionReported
            case .anomalyDetected: .orderAnomalyDetected
            }
        }
    }

    /// Reasons and notes are free text of people, so they are not among the values.
    fileprivate func logValues(actor: Actor) -> [LogKey: LogValue] {
        var values: [LogKey: LogValue] = [
            .orderID: .id(facts.orderID),
            .status: .string(facts.status.rawValue),
            .version: .integer(facts.version),
            .merchantID: .string(facts.merchantID),
            .actor: .actor(actor),
        ]
        switch kind {
        case .partPaid(let payment, let amount):
            values[.paymentID] = .id(payment)
            values[.amountFen] = .fen(amount)
        case .lineFactsStated: break
        case .event(let change):
            switch change {
            case .placed: values[.amountFen] = .fen(facts.payable)
            case .paid(let payment, let channel):
                values[.paymentID] = .id(payment)
                values[.channel] = .string(channel.rawValue)
                values[.amountFen] = .fen(facts.payable)
            case .delivered(let handover): values[.kind] = .string(handover.rawValue)
            case .refundDue(let due):
                values[.paymentID] = .id(due.paymentID)
                values[.cause] = .string(due.cause.rawValue)
                values[.amountFen] = .fen(due.amount)
            case .exceptionReported(let kind, _): values[.kind] = .string(kind.rawValue)
            case .anomalyDetected(let kind): values[.kind] = .string(kind)
            case .accepted, .rejected, .ready, .pickedUp, .completed, .cancelled: break
            }
        }
        return values
    }
}
