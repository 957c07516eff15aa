import Model

// Lines and discounts are stored as they are shown, so one form serves the response and the columns.

extension BillLine {
    /// Writes the line with what became of it, if anybody said; without, this is what is stored.
    func write(with facts: LineFacts?, to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("line_no", Int64(number))
            writer.member("sku", item.sku)
            writer.member("name", item.name)
            writer.member("category", item.category)
            writer.member("unit_price_fen", item.unitPrice)
            writer.member("quantity", item.quantity)
            writer.member("gross_fen", gross)
            writer.member("discount_fen", discount)
            writer.member("payable_fen", payable)
            if let facts {
                writer.name("facts")
                writer.object(facts.writeMembers)
            }
        }
    }

    /// Reads what ``write(with:to:)`` writes.
    init(stored json: JSON) throws(StoredOrderMismatch) {
        guard let number = json["line_no"]?.integer, let sku = json["sku"]?.string, let name = json["name"]?.string,
            let category = json["category"]?.string, let unitPrice = json["unit_price_fen"]?.integer,
            let quantity = json["quantity"]?.integer, let gross = json["gross_fen"]?.integer,
            let discount = json["discount_fen"]?.integer, let payable = json["payable_fen"]?.integer
        else { throw StoredOrderMismatch(column: "lines") }
        self.init(
            number: Int(number),
            item: OrderedItem(
                sku: sku,
                name: name,
                category: category,
                unitPrice: Money(fen: unitPrice),
                quantity: quantity
            ),
            gross: Money(fen: gross),
            discount: Money(fen: discount),
            payable: Money(fen: payable)
        )
    }
}

extension AllocatedDiscount {
    /// Writes the discount and its shares as they are stored and shown; shares of nothing are left out.
    func write(to writer: inout JSONWriter) {
        writer.object { writer in
            writer.member("funded_by", discount.funder.rawValue)
            writer.member("amount_fen", discount.amount)
            switch discount.base {
            case .order: writer.member("applies_to", "order")
            case .line(let number):
                writer.member("applies_to", "line")
                writer.member("line_no", Int64(number))
            case .delivery: writer.member("applies_to", "delivery")
            case .packaging: writer.member("applies_to", "packaging")
            }
            if let couponID = discount.couponID { writer.member("coupon_id", couponID) }
            writer.name("allocations")
            writer.array(writeAllocations)
        }
    }

    private func writeAllocations(to writer: inout JSONWriter) {
        for (index, share) in lineShares.enumerated() where share > .zero {
            writer.object { writer in
                writer.member("line_no", Int64(index + 1))
                writer.member("amount_fen", share)
            }
        }
        writeAllocation(of: "delivery", deliveryShare, to: &writer)
        writeAllocation(of: "packaging", packagingShare, to: &writer)
    }

    private func writeAllocation(of fee: String, _ share: Money, to writer: inout JSONWriter) {
        guard share > .zero else { return }
        writer.object { writer in
            writer.member("fee", fee)
            writer.member("amount_fen", share)
        }
    }

    /// Reads what ``write(to:)`` writes.
    init(stored json: JSON, lineCount: Int) throws(StoredOrderMismatch) {
        guard let funder = json["funded_by"]?.string.flatMap(Funder.init), let amount = json["amount_fen"]?.integer,
            let base = DiscountBase(name: json["applies_to"]?.string, line: json["line_no"]?.integer)
        else { throw StoredOrderMismatch(column: "discounts") }
        let discount = Discount(
            funder: funder,
            amount: Money(fen: amount),
            base: base,
            couponID: json["coupon_id"]?.string
        )
        var allocated = AllocatedDiscount(
            discount: discount,
            lineShares: Array(repeating: .zero, count: lineCount),
            deliveryShare: .zero,
            packagingShare: .zero
        )
        for allocation in json["allocations"]?.array ?? [] {
            let share = Money(fen: allocation["amount_fen"]?.integer ?? 0)
            if let line = allocation["line_no"]?.integer, (1...Int64(max(lineCount, 1))).contains(line) {
                allocated.lineShares[Int(line) - 1] = share
            } else if allocation["fee"]?.string == "delivery" {
                allocated.deliveryShare = share
            } else {
                allocated.packagingShare = share
            }
        }
        self = allocated
    }
}

extension Bill {
    /// The lines as they are stored.
    var linesText: JSONText {
        JSONWriter.text(capacity: 256 * lines.count) { writer in
            writer.array { writer in
                for line in lines { line.write(with: nil, to: &writer) }
            }
        }
    }

    /// The discounts as they are stored and shown.
    var discountsText: JSONText {
        JSONWriter.text { writer in
            writer.array { writer in
                for discount in discounts { discount.write(to: &writer) }
            }
        }
    }
}

extension DiscountBase {
    /// Reads the names that requests and rows use; nil for others, and for a line number where none belongs or none where one does.
    init?(name: String?, line: Int64?) {
        switch (name, line) {
        case ("order", nil), (nil, nil): self = .order
        case ("line", let line?): self = .line(Int(clamping: line))
        case ("delivery", nil): self = .delivery
        case ("packaging", nil): self = .packaging
        default: return nil
        }
    }
}

/// A stored order cannot be read: its row was written by something else.
struct StoredOrderMismatch: Error, Hashable, Sendable {
    /// The column at fault.
    var column: String
}
