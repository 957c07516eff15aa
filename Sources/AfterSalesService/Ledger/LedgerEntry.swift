import Model

/// A movement of money between two accounts; positive by construction, so that the ledger always sums to zero.
struct LedgerEntry: Hashable, Sendable {
    /// Who gives.
    let debit: LedgerAccount
    /// Who gets.
    let credit: LedgerAccount
    /// How much; more than nothing.
    let amount: Money
}

/// An account of the ledger.
enum LedgerAccount: Hashable, Sendable {
    /// A student.
    case customer(String)
    /// A shop.
    case merchant(String)
    /// The delivery platform, which earns delivery fees and funds some discounts.
    case platform
    /// The campus operator, which funds some discounts.
    case campus
    /// Money that was paid and belongs to no order.
    case unapplied
}

extension LedgerAccount: CustomStringConvertible {
    /// The text form that the ledger's rows use, for example `merchant:m_1`.
    var description: String {
        switch self {
        case .customer(let id): "customer:\(id)"
        case .merchant(let id): "merchant:\(id)"
        case .platform: "platform"
        case .campus: "campus"
        case .unapplied: "unapplied"
        }
    }
}

extension LedgerEntry {
    /// The movements of one refund that has reached its customer.
    ///
    /// The customer is given back what the shop (lines and packaging) and the platform (delivery) had of them. Of what
    /// funders had added to an item, each gets back its share from whoever had it, in proportion to how much of that item
    /// has been refunded by now; once all of it is, that is exactly what it gave.
    ///
    /// - Parameters:
    ///   - items: what the refund gives back, item by item.
    ///   - order: the order.
    ///   - refundedBefore: what had been refunded of each item before.
    /// - Returns: the movements, one for each pair of accounts; none of nothing.
    static func entries(
        of items: [ItemAmount],
        for order: OrderRecord,
        refundedBefore: [RefundItem: Money]
    ) -> [LedgerEntry] {
        var movements = Movements()
        for entry in items {
            let earner = LedgerAccount.earner(of: entry.item, in: order)
            movements.add(entry.amount, from: earner, to: .customer(order.customerID))
            let before = Int(refundedBefore[entry.item]?.fen ?? 0)
            let after = before + Int(entry.amount.fen)
            let whole = Int(order.payable(of: entry.item).fen)
            guard after > before, after <= whole else { continue }
            for (funder, given) in order.funded(entry.item) {
                movements.add(
                    given.share(of: before..<after, in: whole),
                    from: earner,
                    to: .funder(funder, of: order)
                )
            }
        }
        return movements.entries
    }

    /// The movements of a case that is settled, for what it granted of items that cost the customer nothing: no refund
    /// tells of them, yet whoever paid for them gets that back, unit by unit of a line.
    static func entries(ofCostless granted: [CaseItem], for order: OrderRecord) -> [LedgerEntry] {
        var movements = Movements()
        for item in granted where order.isCostless(item.item) {
            let earner = LedgerAccount.earner(of: item.item, in: order)
            for (funder, given) in order.funded(item.item) {
                movements.add(order.share(given, of: item), from: earner, to: .funder(funder, of: order))
            }
        }
        return movements.entries
    }

    /// Sums what moves between the same two accounts.
    private struct Movements {
        private struct Way: Hashable {
            let debit: LedgerAccount
            let credit: LedgerAccount
        }

        private var sums: [Way: Int64] = [:]

        /// Adds an amount; what somebody would owe themselves moves nothing.
        mutating func add(_ amount: Money, from debit: LedgerAccount, to credit: LedgerAccount) {
            guard debit != credit, amount > .zero else { return }
            sums[Way(debit: debit, credit: credit), default: 0] += amount.fen
        }

        /// The sums, in the order of the accounts' names.
        var entries: [LedgerEntry] {
            sums.map { LedgerEntry(debit: $0.debit, credit: $0.credit, amount: Money(fen: $1)) }
                .sorted {
                    ($0.debit.description, $0.credit.description) < ($1.debit.description, $1.credit.description)
                }
        }
    }
}

extension LedgerAccount {
    /// Who had the money of an item.
    fileprivate static func earner(of item: RefundItem, in order: OrderRecord) -> LedgerAccount {
        switch item {
        case .line, .packaging: .merchant(order.merchantID)
        case .delivery: .platform
        case .surplus: .unapplied
        }
    }

    /// Who paid for a discount.
    fileprivate static func funder(_ funder: Funder, of order: OrderRecord) -> LedgerAccount {
        switch funder {
        case .merchant: .merchant(order.merchantID)
        case .platform: .platform
        case .campus: .campus
        }
    }
}

extension OrderRecord {
    /// How much of what a funder gave falls on those units of a line; all of it for a fee.
    fileprivate func share(_ given: Money, of item: CaseItem) -> Money {
        guard case .line(let number) = item.item, let line = lines.first(where: { $0.number == number }) else {
            return given
        }
        return Money(fen: item.units.reduce(0) { $0 + given.share(of: $1..<($1 + 1), in: line.quantity).fen })
    }
}
