/// An amount of Chinese yuan in whole fen (1/100 yuan).
///
/// Arithmetic is checked; there is no way to a fraction of a fen.
public struct Money: Hashable, Comparable, Sendable {
    /// The amount in fen; negative where a difference is.
    public let fen: Int64

    /// That many fen.
    public init(fen: Int64) {
        self.fen = fen
    }

    /// Nothing.
    public static let zero = Money(fen: 0)

    /// The smaller amount comes first.
    public static func < (left: Money, right: Money) -> Bool {
        left.fen < right.fen
    }

    /// The sum; throws past 64 bits.
    public func adding(_ other: Money) throws(MoneyOverflow) -> Money {
        try Money(fen: checked(fen.addingReportingOverflow(other.fen)))
    }

    /// The difference, which may be negative; throws past 64 bits.
    public func subtracting(_ other: Money) throws(MoneyOverflow) -> Money {
        try Money(fen: checked(fen.subtractingReportingOverflow(other.fen)))
    }

    /// That many times the amount; throws past 64 bits.
    public func multiplied(by factor: Int64) throws(MoneyOverflow) -> Money {
        try Money(fen: checked(fen.multipliedReportingOverflow(by: factor)))
    }

    /// The sum of the amounts; throws past 64 bits.
    public static func sum(_ amounts: some Sequence<Money>) throws(MoneyOverflow) -> Money {
        var total = Money.zero
        for amount in amounts { total = try total.adding(amount) }
        return total
    }

    /// Splits the amount in proportion to `weights` by the largest-remainder (Hamilton) method.
    ///
    /// The parts sum to the amount exactly; equal remainders favour the earlier part; a part of weight zero gets nothing.
    /// With no positive weight there is nobody to give to, and every part is zero.
    ///
    /// - Parameter weights: none negative, their sum within 64 bits and not below the amount's magnitude.
    /// - Returns: a part for each weight, in their order.
    public func allocated(over weights: [Money]) -> [Money] {
        let total = weights.reduce(0) { $0 + $1.fen }
        guard total > 0 else { return weights.map { _ in .zero } }
        let magnitude = fen.magnitude
        var parts: [UInt64] = []
        var remainders: [(index: Int, remainder: UInt64)] = []
        for (index, weight) in weights.enumerated() {
            let share = weight.fen.magnitude.dividing(magnitude, by: total.magnitude)
            parts.append(share.quotient)
            if weight.fen > 0 { remainders.append((index, share.remainder)) }
        }
        let missing = Int(magnitude - parts.reduce(0, +))
        let byRemainder = remainders.sorted { ($0.remainder, $1.index) > ($1.remainder, $0.index) }
        for entry in byRemainder.prefix(missing) { parts[entry.index] += 1 }
        return parts.map { Money(fen: fen < 0 ? -Int64($0) : Int64($0)) }
    }

    /// What units `units` of `count` equal units are worth when all of them are worth this amount.
    ///
    /// `floor(amount · upper / count) − floor(amount · lower / count)`: whatever the cuts, the parts sum to the whole.
    ///
    /// - Parameters:
    ///   - units: zero-based and half-open, within `0...count`.
    ///   - count: at least 1.
    /// - Returns: the worth of these units.
    public func share(of units: Range<Int>, in count: Int) -> Money {
        let whole = fen.magnitude
        let upper = UInt64(units.upperBound).dividing(whole, by: UInt64(count)).quotient
        let lower = UInt64(units.lowerBound).dividing(whole, by: UInt64(count)).quotient
        return Money(fen: Int64(upper - lower) * fen.signum())
    }
}

/// An amount outgrew 64 bits.
public struct MoneyOverflow: Error, Hashable {
    /// The one overflow there is.
    public init() {}
}

private func checked(_ result: (partialValue: Int64, overflow: Bool)) throws(MoneyOverflow) -> Int64 {
    guard !result.overflow else { throw MoneyOverflow() }
    return result.partialValue
}

extension UInt64 {
    /// `self · factor / divisor` through 128 bits; `self` must not exceed `divisor`, so that the quotient fits.
    fileprivate func dividing(_ factor: UInt64, by divisor: UInt64) -> (quotient: UInt64, remainder: UInt64) {
        divisor.dividingFullWidth(multipliedFullWidth(by: factor))
    }
}
