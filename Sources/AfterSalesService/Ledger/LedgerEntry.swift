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
    /// funders had added, each gets back its share in proportion to how much of the order has been refunded by now; on
    /// a full refund that is exactly what it gave.
    ///
    /// - Parameters:
    ///   - items: what the refund gives back, item by item.
    ///   - order: the order.
    ///   - refundedBefore: what had been refunded of the order before, surplus aside.
    /// - Returns: the movements; none of nothing.
    static func entries(of items: [ItemAmount], for order: OrderRecord, refundedBefore: Money) -> [LedgerEntry] {
        let customer = LedgerAccount.customer(order.customerID)
        let merchant = LedgerAccount.merchant(order.merchantID)
        var fromMerchant: Int64 = 0
        var fromPlatform: Int64 = 0
        var unapplied: Int64 = 0
        for entry in items {
            switch entry.item {
            case .line, .packaging: fromMerchant += entry.amount.fen
            case .delivery: fromPlatform += entry.amount.fen
            case .surplus: unapplied += entry.amount.fen
            }
        }
        var entries = [
            LedgerEntry(debit: merchant, credit: customer, amount: Money(fen: fromMerchant)),
            LedgerEntry(debit: .platform, credit: customer, amount: Money(fen: fromPlatform)),
            LedgerEntry(debit: .unapplied, credit: customer, amount: Money(fen: unapplied)),
        ]
        let before = Int(refundedBefore.fen)
        let after = before + Int(fromMerchant + fromPlatform)
        let whole = Int(order.payable.fen)
        for (funder, account) in [(Funder.platform, LedgerAccount.platform), (.campus, .campus)] {
            guard let given = order.funded[funder], after > before, after <= whole else { continue }
            entries.append(
                LedgerEntry(debit: merchant, credit: account, amount: given.share(of: before..<after, in: whole))
            )
        }
        return entries.filter { $0.amount > .zero }
    }
}
