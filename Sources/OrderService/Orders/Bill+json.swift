import Model

// Lines and discounts are stored as they are shown, so one form serves the response and the columns.

extension BillLine {
    /// The line as it is stored, and as it is shown when nobody said anything about it since.
    var json: JSON {
        [
            "line_no": .integer(Int64(number)),
            "sku": .string(item.sku),
            "name": .string(item.name),
            "category": .string(item.category),
            "unit_price_fen": .integer(item.unitPrice.fen),
            "quantity": .integer(item.quantity),
            "gross_fen": .integer(gross.fen),
            "discount_fen": .integer(discount.fen),
            "payable_fen": .integer(payable.fen),
        ]
    }

    /// Reads what ``json`` writes.
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
    /// The discount and its shares as they are stored and shown.
    ///
    /// Shares of nothing are left out.
    var json: JSON {
        var object: JSONObject = [
            "funded_by": .string(discount.funder.rawValue),
            "amount_fen": .integer(discount.amount.fen),
        ]
        switch discount.base {
        case .order: object["applies_to"] = "order"
        case .line(let number):
            object["applies_to"] = "line"
            object["line_no"] = .integer(Int64(number))
        case .delivery: object["applies_to"] = "delivery"
        case .packaging: object["applies_to"] = "packaging"
        }
        if let couponID = discount.couponID { object["coupon_id"] = .string(couponID) }
        var allocations: [JSON] = []
        for (index, share) in lineShares.enumerated() where share > .zero {
            allocations.append(["line_no": .integer(Int64(index + 1)), "amount_fen": .integer(share.fen)])
        }
        for (fee, share) in [("delivery", deliveryShare), ("packaging", packagingShare)] where share > .zero {
            allocations.append(["fee": .string(fee), "amount_fen": .integer(share.fen)])
        }
        object["allocations"] = .array(allocations)
        return .object(object)
    }

    /// Reads what ``json`` writes.
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
