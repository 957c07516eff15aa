import Model

extension Order {
    /// The order as that actor sees it.
    func json(for actor: Actor) -> JSON {
        let bill = terms.bill
        return [
            "id": .string(id.description),
            "external_id": .optional(terms.externalID),
            "short_no": .optional(terms.shortNumber),
            "source": .string(terms.source.rawValue),
            "status": .string(status.rawValue),
            "version": .integer(version),
            "customer": ["id": .string(terms.customerID)],
            "merchant": ["id": .string(terms.merchant.id), "name": .string(terms.merchant.name)],
            "rider": rider.map { ["id": .string($0.id), "name": .optional($0.name)] } ?? .null,
            "totals": [
                "lines_fen": .integer(bill.linesTotal.fen),
                "fees_fen": .integer(bill.feesTotal.fen),
                "discount_fen": .integer(bill.discountTotal.fen),
                "payable_fen": .integer(bill.payable.fen),
                "paid_fen": .integer(paid.fen),
            ],
            "lines": .array(bill.lines.map { $0.json(with: lineFacts[$0.number]) }),
            "fees": [
                "delivery_fen": .integer(bill.delivery.gross.fen),
                "packaging_fen": .integer(bill.packaging.gross.fen),
                "delivery_payable_fen": .integer(bill.delivery.payable.fen),
                "packaging_payable_fen": .integer(bill.packaging.payable.fen),
            ],
            "discounts": .array(bill.discounts.map(\.json)),
            "dropoff": terms.dropoff.json,
            "promised_at": .string(terms.promisedAt.rfc3339),
            "times": [
                "placed_at": .string(terms.placedAt.rfc3339),
                "paid_at": .optional(times.paid?.rfc3339),
                "accepted_at": .optional(times.accepted?.rfc3339),
                "ready_at": .optional(times.ready?.rfc3339),
                "picked_up_at": .optional(times.pickedUp?.rfc3339),
                "delivered_at": .optional(times.delivered?.rfc3339),
                "completed_at": .optional(times.completed?.rfc3339),
                "cancelled_at": .optional(times.cancelled?.rfc3339),
                "updated_at": .string(updatedAt.rfc3339),
            ],
            "handover": handover?.json ?? .null,
            "cancellation": cancellation.map {
                ["by": .string($0.actor.description), "reason": .string($0.reason)]
            } ?? .null,
            "payments": .array(payments.map(\.json)),
            "allowed_actions": .array(allowedActions(for: actor).map { .string($0.rawValue) }),
        ]
    }
}

extension BillLine {
    /// The line with what became of it.
    fileprivate func json(with facts: LineFacts?) -> JSON {
        guard let facts, case .object(var object) = json else { return json }
        object["facts"] = facts.json
        return .object(object)
    }
}

extension LineFacts {
    /// What somebody said, and `null` for what nobody did.
    var json: JSON {
        [
            "used": used.map(JSON.bool) ?? .null,
            "opened": opened.map(JSON.bool) ?? .null,
            "activated": activated.map(JSON.bool) ?? .null,
        ]
    }
}

extension PaymentShare {
    /// The part of the payment, as callers see it.
    var json: JSON {
        [
            "payment_id": .string(paymentID.description),
            "channel": .string(channel.rawValue),
            "transaction_id": .string(transactionID),
            "paid_at": .string(paidAt.rfc3339),
            "purpose": .string(purpose.rawValue),
            "amount_fen": .integer(amount.fen),
        ]
    }
}

extension Dropoff {
    /// The place as it is stored and shown.
    var json: JSON {
        var object: JSONObject = ["address": .string(address)]
        if let latitude { object["lat"] = .double(latitude) }
        if let longitude { object["lng"] = .double(longitude) }
        return .object(object)
    }

    /// Reads what ``json`` writes.
    init(stored json: JSON) throws(StoredOrderMismatch) {
        guard let address = json["address"]?.string else { throw StoredOrderMismatch(column: "dropoff") }
        self.init(address: address, latitude: json["lat"]?.number, longitude: json["lng"]?.number)
    }
}

extension Client {
    /// Where it came from, as it is stored.
    var json: JSON {
        var object = JSONObject()
        if let address { object["ip"] = .string(address) }
        if let deviceID { object["device_id"] = .string(deviceID) }
        return .object(object)
    }

    /// Reads what ``json`` writes.
    init(stored json: JSON) {
        self.init(address: json["ip"]?.string, deviceID: json["device_id"]?.string)
    }
}

extension Handover {
    /// The handover as it is stored and shown.
    var json: JSON {
        var object: JSONObject = ["kind": .string(kind.rawValue)]
        if let proof {
            var members = JSONObject()
            if let photo = proof.photo { members["photo"] = .string(photo) }
            if let code = proof.code { members["code"] = .string(code) }
            if let lockerLog = proof.lockerLog { members["locker_log"] = .string(lockerLog) }
            object["proof"] = .object(members)
        }
        return .object(object)
    }

    /// Reads what ``json`` writes, and what requests say.
    init?(json: JSON) {
        guard let kind = json["kind"]?.string.flatMap(HandoverKind.init) else { return nil }
        let proof = json["proof"].map {
            HandoverProof(photo: $0["photo"]?.string, code: $0["code"]?.string, lockerLog: $0["locker_log"]?.string)
        }
        self.init(kind: kind, proof: proof)
    }
}
