import Model

/// One kind of thing ordered.
struct OrderedItem: Hashable, Sendable {
    var sku: String
    var name: String
    var category: String
    var unitPrice: Money
    /// At least 1.
    var quantity: Int64
}

/// What a discount takes its money off.
enum DiscountBase: Hashable, Sendable {
    /// The whole order: every line and every fee, in proportion to what is left of each.
    case order
    /// One line, by its number from 1.
    case line(Int)
    /// The delivery fee.
    case delivery
    /// The packaging fee.
    case packaging
}

/// A discount as it was granted.
struct Discount: Hashable, Sendable {
    var funder: Funder
    var amount: Money
    var base: DiscountBase
    /// The coupon it came from, by the platform's id.
    var couponID: String?
}

/// A line of an order with its fixed share of every discount.
struct BillLine: Hashable, Sendable {
    /// From 1.
    var number: Int
    var item: OrderedItem
    /// Unit price times quantity.
    var gross: Money
    /// All discounts' shares together.
    var discount: Money
    /// What is paid for the line: gross less discount, never negative.
    var payable: Money
}

/// A fee of an order with its fixed share of every discount.
struct BillFee: Hashable, Sendable {
    var gross: Money
    /// What is paid for the fee, never negative.
    var payable: Money
}

/// A discount and who got how much of it.
struct AllocatedDiscount: Hashable, Sendable {
    var discount: Discount
    /// The share of each line, in their order.
    var lineShares: [Money]
    var deliveryShare: Money
    var packagingShare: Money
}

/// What an order costs, to the fen: the payables of lines and fees sum to ``payable``.
struct Bill: Hashable, Sendable {
    var lines: [BillLine]
    var delivery: BillFee
    var packaging: BillFee
    var discounts: [AllocatedDiscount]
    /// The gross of all lines.
    var linesTotal: Money
    /// The gross of both fees.
    var feesTotal: Money
    /// All discounts.
    var discountTotal: Money
    /// What the customer pays.
    var payable: Money
}
