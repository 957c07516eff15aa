import Model

extension Order {
    /// The order as that actor sees it.
    func text(for actor: Actor) -> JSONText {
        let bill = terms.bill
        let lines =
            lineFacts.isEmpty
            ? bill.linesText
            : JSONWriter.text { writer in
                writer.array { writer in
                    for line in bill.lines { line.write(with: lineFacts[line.number], to: &writer) }
                }
            }
        return text(for: actor, lines: lines, discounts: bill.discountsText, dropoff: terms.dropoff.text)
    }

    /// The order as that actor sees it, of parts that are written already.
    func text(for actor: Actor, lines: JSONText, discounts: JSONText, dropoff: JSONText) -> JSONText {
        JSONWriter.text(capacity: 1_024 + lines.bytes.count + discounts.bytes.count) { writer in
            writer.object { writer in
                writer.member("id", id)
                writer.member("external_id", terms.externalID)
                writer.member("short_no", terms.shortNumber)
                writer.member("source", terms.source.rawValue)
                writer.member("status", status.rawValue)
                writer.member("version", version)
                writePeople(to: &writer)
                writeTotals(to: &writer)
                writer.member("lines", lines)
                writeFees(to: &writer)
                writer.member("discounts", discounts)
                writer.member("dropoff", dropoff)
                writer.member("promised_at", terms.promisedAt)
                writeTimes(to: &writer)
                writeEnd(to: &writer)
                writer.name("payments")
                writer.array { writer in
                    for payment in payments { payment.write(to: &writer) }
                }
                writer.name("allowed_actions")
                writer.array { writer in
                    for action in allowedActions(for: actor) { writer.value(action.rawValue) }
                }
            }
        }
    }

    private func writePeople(to writer: inout JSONWriter) {
        writer.name("customer")
        writer.object { $0.member("id", terms.customerID) }
        writer.name("merchant")
        writer.object { writer in
            writer.member("id", terms.merchant.id)
            writer.member("name", terms.merchant.name)
        }
        writer.name("rider")
        if let rider {
            writer.object { writer in
                writer.member("id", rider.id)
                writer.member("name", rider.name)
            }
        } else {
            writer.null()
        }
    }

    private func writeTotals(to writer: inout JSONWriter) {
        let bill = terms.bill
        writer.name("totals")
        writer.object { writer in
            writer.member("lines_fen", bill.linesTotal)
            writer.member("fees_fen", bill.feesTotal)
            writer.member("discount_fen", bill.discountTotal)
            writer.member("payable_fen", bill.payable)
            writer.member("paid_fen", paid)
        }
    }

    private func writeFees(to writer: inout JSONWriter) {
        let bill = terms.bill
        writer.name("fees")
        writer.object { writer in
            writer.member("delivery_fen", bill.delivery.gross)
            writer.member("packaging_fen", bill.packaging.gross)
            writer.member("delivery_payable_fen", bill.delivery.payable)
            writer.member("packaging_payable_fen", bill.packaging.payable)
        }
    }

    private func writeTimes(to writer: inout JSONWriter) {
        writer.name("times")
        writer.object { writer in
            writer.member("placed_at", terms.placedAt)
            writer.member("paid_at", times.paid)
            writer.member("accepted_at", times.accepted)
            writer.member("ready_at", times.ready)
            writer.member("picked_up_at", times.pickedUp)
            writer.member("delivered_at", times.delivered)
            writer.member("completed_at", times.completed)
            writer.member("cancelled_at", times.cancelled)
            writer.member("updated_at", updatedAt)
        }
    }

    private func writeEnd(to writer: inout JSONWriter) {
        writer.name("handover")
        if let handover { writer.value(handover.text) } else { writer.null() }
        writer.name("cancellation")
        if let cancellation {
            writer.object { writer in
                writer.member("by", cancellation.actor.description)
                writer.member("reason", cancellation.reason)
            }
        } else {
            writer.null()
        }
    }
}

extension LineFacts {
    /// Writes what somebody said, and `null` for what nobody did.
    func writeMembers(to writer: inout JSONWriter) {
        writer.member("used", truth: used)
        writer.member("opened", truth: opened)
        writer.member("activated", truth: activated)
    }

    /// What somebody said, for the timeline.
    var json: JSON {
        [
            "used": used.map(JSON.bool) ?? .null,
            "opened": opened.map(JSON.bool) ?? .null,
            "activated": activated.map(JSON.bool) ?? .null,
        ]
    }
}

extension PaymentShare {
    /// Writes the part of the payment as callers see it.
    fileprivate func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("payment_id", paymentID)
            writer.member("channel", channel.rawValue)
            writer.member("transaction_id", transactionID)
            writer.member("paid_at", paidAt)
            writer.member("purpose", purpose.rawValue)
            writer.member("amount_fen", amount)
        }
    }
}

extension Dropoff {
    /// The place as it is stored and shown.
    var text: JSONText {
        JSONWriter.text { writer in
            writer.object { writer in
                writer.member("address", address)
                if let latitude {
                    writer.name("lat")
                    writer.value(latitude)
                }
                if let longitude {
                    writer.name("lng")
                    writer.value(longitude)
                }
            }
        }
    }

    /// Reads what ``text`` writes.
    init(stored json: JSON) throws(StoredOrderMismatch) {
        guard let address = json["address"]?.string else { throw StoredOrderMismatch(column: "dropoff") }
        self.init(address: address, latitude: json["lat"]?.number, longitude: json["lng"]?.number)
    }
}

extension Client {
    /// From where it came, as it is stored.
    var text: JSONText {
        JSONWriter.text { writer in
            writer.object { writer in
                if let address { writer.member("ip", address) }
                if let deviceID { writer.member("device_id", deviceID) }
            }
        }
    }

    /// Reads what ``text`` writes, and what requests say.
    init(json: JSON) {
        self.init(address: json["ip"]?.string, deviceID: json["device_id"]?.string)
    }
}

extension Handover {
    /// The handover as it is stored and shown.
    var text: JSONText {
        JSONWriter.text { writer in
            writer.object { writer in
                writer.member("kind", kind.rawValue)
                guard let proof else { return }
                writer.name("proof")
                writer.object { writer in
                    if let photo = proof.photo { writer.member("photo", photo) }
                    if let code = proof.code { writer.member("code", code) }
                    if let lockerLog = proof.lockerLog { writer.member("locker_log", lockerLog) }
                }
            }
        }
    }

    /// Reads what ``text`` writes, and what requests say.
    init?(json: JSON) {
        guard let kind = json["kind"]?.string.flatMap(HandoverKind.init) else { return nil }
        let proof = json["proof"].map {
            HandoverProof(photo: $0["photo"]?.string, code: $0["code"]?.string, lockerLog: $0["locker_log"]?.string)
        }
        self.init(kind: kind, proof: proof)
    }
}
