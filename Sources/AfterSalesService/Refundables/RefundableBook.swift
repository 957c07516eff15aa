import Model

/// What one payment paid for one item of an order, and what is left of it.
struct Refundable: Hashable, Sendable {
    /// The payment.
    var payment: PaymentID
    /// What it paid for.
    var item: RefundItem
    /// How much it paid for that.
    var paid: Money
    /// Promised by decisions, not yet back.
    var reserved: Money = .zero
    /// Back with the customer.
    var refunded: Money = .zero

    /// What can still be promised.
    var remaining: Money {
        Money(fen: paid.fen - reserved.fen - refunded.fen)
    }
}

/// What can be refunded of one order, item by item and payment by payment.
///
/// The rows in the database guard the same sums; this is where amounts are worked out before they are reserved.
struct RefundableBook: Hashable, Sendable {
    /// The rows, in the order of payments and, within one, of items.
    private(set) var rows: [Refundable]

    /// The rows as they stand.
    init(rows: [Refundable]) {
        self.rows = rows
    }

    /// The rows of an order nobody has asked anything of yet.
    ///
    /// Payments fill the items one after the other: the first covers the first lines as far as it reaches, the next
    /// goes on where it ended. So the parts sum to each item and to each payment, whatever their number.
    init(of order: OrderRecord) {
        var items = order.lines.sorted { $0.number < $1.number }.map { (RefundItem.line($0.number), $0.payable.fen) }
        items.append((.delivery, order.deliveryPayable.fen))
        items.append((.packaging, order.packagingPayable.fen))
        rows = []
        var covered: Int64 = 0
        for payment in order.payments {
            let reach = covered + payment.settled.fen
            var start: Int64 = 0
            for (item, payable) in items {
                let end = start + payable
                let part = min(end, reach) - max(start, covered)
                if part > 0 { rows.append(Refundable(payment: payment.id, item: item, paid: Money(fen: part))) }
                start = end
            }
            covered = reach
            if payment.surplus.fen > 0 {
                rows.append(Refundable(payment: payment.id, item: .surplus, paid: payment.surplus))
            }
        }
    }

    /// This book brought up to date with rows read from the database, which are the truth where they exist.
    func updated(with stored: [Refundable]) -> RefundableBook {
        var byKey: [Key: Refundable] = [:]
        for row in stored { byKey[Key(row)] = row }
        return RefundableBook(rows: rows.map { byKey[Key($0)] ?? $0 })
    }

    /// What can still be promised for an item, over all payments or for one of them.
    func remaining(_ item: RefundItem, of payment: PaymentID? = nil) -> Money {
        let matching = rows.filter { $0.item == item && (payment == nil || $0.payment == payment) }
        return Money(fen: matching.reduce(0) { $0 + $1.remaining.fen })
    }

    /// What can still be promised at all, over all payments or for one of them.
    func remaining(of payment: PaymentID? = nil) -> Money {
        Money(fen: rows.reduce(0) { $0 + (payment == nil || $1.payment == payment ? $1.remaining.fen : 0) })
    }

    /// Splits amounts over the payments they came from, the first payment first.
    ///
    /// - Parameters:
    ///   - amounts: what goes back for each item.
    ///   - payment: the only payment to take from; nil for all of them.
    /// - Returns: one part for each payment that gives something, in the order of payments.
    /// - Throws: ``NotEnoughLeft`` naming the first item that has less left than asked.
    func split(
        _ amounts: [RefundItem: Money],
        from payment: PaymentID? = nil
    ) throws(NotEnoughLeft) -> [PaymentPart] {
        var parts: [PaymentPart] = []
        for item in amounts.keys.sorted() {
            var missing = amounts[item]?.fen ?? 0
            for row in rows where row.item == item && missing > 0 && (payment == nil || row.payment == payment) {
                let taken = min(missing, row.remaining.fen)
                guard taken > 0 else { continue }
                missing -= taken
                let share = ItemAmount(item: item, amount: Money(fen: taken))
                if let index = parts.firstIndex(where: { $0.payment == row.payment }) {
                    parts[index].items.append(share)
                } else {
                    parts.append(PaymentPart(payment: row.payment, items: [share]))
                }
            }
            guard missing == 0 else { throw NotEnoughLeft(item: item, remaining: remaining(item, of: payment)) }
        }
        let order = rows.map(\.payment)
        return parts.sorted { (order.firstIndex(of: $0.payment) ?? 0) < (order.firstIndex(of: $1.payment) ?? 0) }
    }

    private struct Key: Hashable {
        var payment: PaymentID
        var item: RefundItem

        init(_ row: Refundable) {
            payment = row.payment
            item = row.item
        }
    }
}

/// An amount for an item.
struct ItemAmount: Hashable, Sendable {
    /// What it is for.
    var item: RefundItem
    /// How much.
    var amount: Money
}

/// What goes back of one payment.
struct PaymentPart: Hashable, Sendable {
    /// The payment.
    var payment: PaymentID
    /// For which items, how much each.
    var items: [ItemAmount]

    /// The sum.
    var total: Money {
        Money(fen: items.reduce(0) { $0 + $1.amount.fen })
    }
}

/// More was to be promised for an item than is left of it.
struct NotEnoughLeft: Error, Hashable {
    /// The item.
    let item: RefundItem
    /// What is left.
    let remaining: Money
}
