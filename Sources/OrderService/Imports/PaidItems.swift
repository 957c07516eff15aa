import Model

/// A part of an order that money can go back for.
///
/// Raw values are the names that the guard on refundable money uses.
enum PaidItem: Hashable, Sendable {
    case line(Int)
    case delivery
    case packaging
    /// What was paid beyond the order's price, twice or too late.
    case surplus

    /// The name in `campus.refundable`.
    var name: String {
        switch self {
        case .line(let number): "line:\(number)"
        case .delivery: "delivery"
        case .packaging: "packaging"
        case .surplus: "surplus"
        }
    }
}

/// What of each payment's money is still with us, item by item: what past refunds are taken from.
///
/// It says the same as `campus.copy_refundables`, which has the last word: payments fill the items one after the other, in the order in which
/// they were recorded.
struct PaidItems {
    private struct Part {
        var payment: PaymentID
        var item: PaidItem
        var left: Money
    }

    private var parts: [Part] = []

    /// What the payments of an order paid for, nothing of it back yet.
    init(of order: Order) {
        let bill = order.terms.bill
        let items =
            bill.lines.map { (PaidItem.line($0.number), $0.payable.fen) }
            + [(.delivery, bill.delivery.payable.fen), (.packaging, bill.packaging.payable.fen)]
        var covered: Int64 = 0
        for share in order.payments {
            guard share.purpose.counts else {
                parts.append(Part(payment: share.paymentID, item: .surplus, left: share.amount))
                continue
            }
            let reach = covered + share.amount.fen
            var start: Int64 = 0
            for (item, payable) in items {
                let part = min(start + payable, reach) - max(start, covered)
                if part > 0 { parts.append(Part(payment: share.paymentID, item: item, left: Money(fen: part))) }
                start += payable
            }
            covered = reach
        }
    }

    /// Takes a refund from a payment; what it took of each item, or what keeps it from being so.
    mutating func take(_ refund: PastRefund, of payment: PaymentID) throws(Excess) -> [PaidItem: Money] {
        let own = parts.indices.filter { parts[$0].payment == payment }
        let amounts: [Money]
        if let items = refund.items {
            for (place, wanted) in items.sorted(by: { $0.key.name < $1.key.name }) {
                let left = own.first { parts[$0].item == place }.map { parts[$0].left } ?? .zero
                guard wanted <= left else { throw Excess(item: place, left: left) }
            }
            amounts = own.map { items[parts[$0].item] ?? .zero }
        } else {
            let weights = own.map { parts[$0].left }
            let left = Money(fen: weights.reduce(0) { $0 + $1.fen })
            guard refund.amount <= left else { throw Excess(item: nil, left: left) }
            amounts = refund.amount.allocated(over: weights)
        }
        var taken: [PaidItem: Money] = [:]
        for (index, amount) in zip(own, amounts) where amount > .zero {
            parts[index].left = Money(fen: parts[index].left.fen - amount.fen)
            taken[parts[index].item] = amount
        }
        return taken
    }

    /// More was paid back than was paid.
    struct Excess: Error, Hashable {
        /// For which item; nil is for all of the payment.
        var item: PaidItem?
        /// What was left.
        var left: Money
    }
}
