extension OrderEvent {
    /// The facts and the change as one flat object.
    public var json: JSON {
        var object: JSONObject = [
            "order_id": .string(facts.orderID.description),
            "external_id": .optional(facts.externalID),
            "short_no": .optional(facts.shortNumber),
            "source": .string(facts.source.rawValue),
            "status": .string(facts.status.rawValue),
            "version": .integer(facts.version),
            "customer_id": .string(facts.customerID),
            "merchant_id": .string(facts.merchantID),
            "rider_id": .optional(facts.riderID),
            "payable_fen": .integer(facts.payable.fen),
            "paid_fen": .integer(facts.paid.fen),
            "promised_at": .string(facts.promisedAt.rfc3339),
            "test": .bool(facts.isTest),
        ]
        switch change {
        case .placed, .accepted, .ready, .pickedUp, .completed: break
        case .paid(let payment, let channel):
            object["payment_id"] = .string(payment.description)
            object["channel"] = .string(channel.rawValue)
        case .rejected(let reason): object["reason"] = .string(reason)
        case .delivered(let handover): object["handover"] = .string(handover.rawValue)
        case .cancelled(let reason, let actor):
            object["reason"] = .string(reason)
            object["by"] = .string(actor.description)
        case .refundDue(let due):
            object["payment_id"] = .string(due.paymentID.description)
            object["cause"] = .string(due.cause.rawValue)
            object["amount_fen"] = .integer(due.amount.fen)
        case .exceptionReported(let kind, let actor):
            object["kind"] = .string(kind.rawValue)
            object["by"] = .string(actor.description)
        case .anomalyDetected(let kind): object["kind"] = .string(kind)
        }
        return .object(object)
    }

    /// Reads what ``json`` writes, for an event of that type.
    public init(type: EventType, json: JSON) throws(PayloadMismatch) {
        facts = try OrderFacts(json: json)
        change = try OrderChange(type: type, json: json)
    }
}

extension OrderFacts {
    fileprivate init(json: JSON) throws(PayloadMismatch) {
        self.init(
            orderID: try json.requiredID("order_id"),
            externalID: json["external_id"]?.string,
            shortNumber: json["short_no"]?.string,
            source: try json.requiredEnum("source"),
            status: try json.requiredEnum("status"),
            version: try json.requiredInteger("version"),
            customerID: try json.requiredString("customer_id"),
            merchantID: try json.requiredString("merchant_id"),
            riderID: json["rider_id"]?.string,
            payable: try json.requiredMoney("payable_fen"),
            paid: try json.requiredMoney("paid_fen"),
            promisedAt: try json.requiredTimestamp("promised_at"),
            isTest: try json.requiredBool("test")
        )
    }
}

extension OrderChange {
    fileprivate init(type: EventType, json: JSON) throws(PayloadMismatch) {
        switch type {
        case .orderPlaced: self = .placed
        case .orderPaid:
            self = .paid(payment: try json.requiredID("payment_id"), channel: try json.requiredEnum("channel"))
        case .orderAccepted: self = .accepted
        case .orderRejected: self = .rejected(reason: try json.requiredString("reason"))
        case .orderReady: self = .ready
        case .orderPickedUp: self = .pickedUp
        case .orderDelivered: self = .delivered(handover: try json.requiredEnum("handover"))
        case .orderCompleted: self = .completed
        case .orderCancelled:
            self = .cancelled(reason: try json.requiredString("reason"), by: try json.requiredActor("by"))
        case .orderRefundDue:
            self = .refundDue(
                RefundDue(
                    paymentID: try json.requiredID("payment_id"),
                    cause: try json.requiredEnum("cause"),
                    amount: try json.requiredMoney("amount_fen")
                )
            )
        case .orderExceptionReported:
            self = .exceptionReported(kind: try json.requiredEnum("kind"), by: try json.requiredActor("by"))
        case .orderAnomalyDetected: self = .anomalyDetected(kind: try json.requiredString("kind"))
        default: throw PayloadMismatch(field: "type")
        }
    }
}

extension JSON {
    fileprivate func requiredActor(_ name: String) throws(PayloadMismatch) -> Actor {
        guard let actor = Actor(try requiredString(name)) else { throw PayloadMismatch(field: name) }
        return actor
    }
}
