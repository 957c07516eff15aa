import Model

extension OrderRecord {
    /// All that it had a price for, in the order of items.
    var items: [RefundItem] {
        (lines.map { RefundItem.line($0.number) } + [.delivery, .packaging]).sorted()
    }

    /// What an item cost after discounts; nothing for what is not part of the order.
    func payable(of item: RefundItem) -> Money {
        switch item {
        case .line(let number): lines.first { $0.number == number }?.payable ?? .zero
        case .delivery: deliveryPayable
        case .packaging: packagingPayable
        case .surplus: .zero
        }
    }

    /// What each funder of discounts paid for an item.
    func funded(_ item: RefundItem) -> [Funder: Money] {
        var given: [Funder: Money] = [:]
        for discount in discounts {
            guard let share = discount.shares[item] else { continue }
            given[discount.funder] = Money(fen: (given[discount.funder]?.fen ?? 0) + share.fen)
        }
        return given
    }

    /// Whether an item cost the customer nothing because others paid for it.
    func isCostless(_ item: RefundItem) -> Bool {
        payable(of: item) == .zero && discounts.contains { $0.shares[item] != nil }
    }

    /// The coupons that go back with what a case gave back.
    ///
    /// A coupon goes back once everything that it was taken off is back, whether in one case or in several.
    ///
    /// - Parameters:
    ///   - items: what the case gave back.
    ///   - refunded: what has been paid back for each item by now.
    ///   - granted: the units of each item that cases have granted and settled by now, which alone tells of what cost
    ///     nothing.
    /// - Returns: the platform's ids of the coupons, sorted, each once.
    func coupons(
        returnedWith items: Set<RefundItem>,
        refunded: [RefundItem: Money],
        granted: [RefundItem: Set<Int>]
    ) -> [String] {
        var bases: [String: Set<RefundItem>] = [:]
        for discount in discounts {
            guard let coupon = discount.couponID else { continue }
            bases[coupon, default: []].formUnion(discount.shares.keys)
        }
        let returned = bases.filter { _, base in
            !base.isDisjoint(with: items) && base.allSatisfy { isBack($0, refunded: refunded, granted: granted) }
        }
        return returned.keys.sorted()
    }

    private func isBack(
        _ item: RefundItem,
        refunded: [RefundItem: Money],
        granted: [RefundItem: Set<Int>]
    ) -> Bool {
        let price = payable(of: item)
        guard price == .zero else { return refunded[item] == price }
        guard let units = granted[item] else { return false }
        guard case .line(let number) = item else { return true }
        return units.count == lines.first { $0.number == number }?.quantity
    }
}
