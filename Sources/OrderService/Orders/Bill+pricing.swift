import Model

/// Why things cannot be priced; the indexes count from 0, as JSON pointers do.
enum PricingFault: Error, Hashable, Sendable {
    /// The discount names a line that is not there.
    case noSuchLine(discount: Int)
    /// The discount is more than what earlier discounts left of its base.
    case moreThanItsBase(discount: Int, left: Money)
    /// A sum outgrew 64 bits.
    case overflow
}

extension Bill {
    /// Prices an order: every discount is split once and for all, so that each line and each fee has a fixed payable.
    ///
    /// Discounts on one line or fee come first, in their order; those on the whole order then spread over what is left of every line
    /// and fee by largest remainder. All faults are found, not just the first.
    static func priced(
        items: [OrderedItem],
        delivery: Money,
        packaging: Money,
        discounts: [Discount]
    ) -> Result<Bill, PricingFaults> {
        do {
            let gross = try items.map { item throws(MoneyOverflow) in try item.unitPrice.multiplied(by: item.quantity) }
            var allocation = DiscountAllocation(bases: gross + [delivery, packaging], lineCount: items.count)
            for (index, discount) in discounts.enumerated() where discount.base != .order {
                allocation.take(discount, at: index)
            }
            for (index, discount) in discounts.enumerated() where discount.base == .order {
                allocation.take(discount, at: index)
            }
            guard allocation.faults.isEmpty else { return .failure(PricingFaults(allocation.faults)) }
            return .success(try assembled(items: items, gross: gross, discounts: discounts, allocation: allocation))
        } catch {
            return .failure(PricingFaults([.overflow]))
        }
    }

    private static func assembled(
        items: [OrderedItem],
        gross: [Money],
        discounts: [Discount],
        allocation: DiscountAllocation
    ) throws(MoneyOverflow) -> Bill {
        let count = items.count
        var lines: [BillLine] = []
        lines.reserveCapacity(count)
        for (index, item) in items.enumerated() {
            lines.append(
                BillLine(
                    number: index + 1,
                    item: item,
                    gross: gross[index],
                    discount: try gross[index].subtracting(allocation.left[index]),
                    payable: allocation.left[index]
                )
            )
        }
        return Bill(
            lines: lines,
            delivery: BillFee(gross: allocation.bases[count], payable: allocation.left[count]),
            packaging: BillFee(gross: allocation.bases[count + 1], payable: allocation.left[count + 1]),
            discounts: zip(discounts, allocation.shares).map { discount, shares in
                AllocatedDiscount(
                    discount: discount,
                    lineShares: Array(shares[..<count]),
                    deliveryShare: shares[count],
                    packagingShare: shares[count + 1]
                )
            },
            linesTotal: try Money.sum(gross),
            feesTotal: try Money.sum(allocation.bases[count...]),
            discountTotal: try Money.sum(discounts.lazy.map(\.amount)),
            payable: try Money.sum(allocation.left)
        )
    }
}

/// All that keeps an order from being priced.
struct PricingFaults: Error, Hashable, Sendable {
    var faults: [PricingFault]

    init(_ faults: [PricingFault]) {
        self.faults = faults
    }
}

/// What is left of each base (lines, then delivery, then packaging) as discounts take their shares.
private struct DiscountAllocation {
    let bases: [Money]
    let lineCount: Int
    var left: [Money]
    /// By discount, then by base.
    var shares: [[Money]]
    var faults: [PricingFault] = []

    init(bases: [Money], lineCount: Int) {
        self.bases = bases
        self.lineCount = lineCount
        left = bases
        shares = []
    }

    mutating func take(_ discount: Discount, at index: Int) {
        let weights: [Money]
        switch discount.base {
        case .order: weights = left
        case .line(let number):
            guard (1...lineCount).contains(number) else {
                faults.append(.noSuchLine(discount: index))
                return
            }
            weights = only(number - 1)
        case .delivery: weights = only(lineCount)
        case .packaging: weights = only(lineCount + 1)
        }
        guard let total = try? Money.sum(weights) else {
            faults.append(.overflow)
            return
        }
        guard discount.amount <= total else {
            faults.append(.moreThanItsBase(discount: index, left: total))
            return
        }
        let parts = discount.amount.allocated(over: weights)
        for (base, part) in parts.enumerated() {
            left[base] = Money(fen: left[base].fen - part.fen)
        }
        while shares.count <= index { shares.append([]) }
        shares[index] = parts
    }

    /// Weights that give everything to one base.
    private func only(_ base: Int) -> [Money] {
        left.indices.map { $0 == base ? left[$0] : .zero }
    }
}
