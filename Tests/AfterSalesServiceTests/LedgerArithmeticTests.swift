import Model
import Testing

@testable import AfterSalesService

@Suite("Ledger arithmetic")
struct LedgerArithmeticTests {
    private let merchant = LedgerAccount.merchant("m_1")
    private let customer = LedgerAccount.customer("stu_1")

    private func discount(
        _ funder: Funder,
        _ shares: [RefundItem: Int64],
        coupon: String? = nil
    ) -> OrderDiscount {
        OrderDiscount(funder: funder, couponID: coupon, shares: shares.mapValues(Money.init(fen:)))
    }

    @Test(
        "However an order is refunded, each funder gets back exactly what it gave, from who had it",
        arguments: 0..<100
    )
    func funders(seed: UInt64) {
        var random = SplitMix(state: seed)
        let onFood = Int64.random(in: 1...999, using: &random)
        let onDelivery = Int64.random(in: 1...299, using: &random)
        let order = Examples.makeOrder(
            lines: [(1, Int64.random(in: 1...5_000, using: &random)), (2, Int64.random(in: 1...900, using: &random))],
            discounts: [
                discount(.platform, [.line(1): onFood, .delivery: 11]), discount(.campus, [.line(2): 7]),
                discount(.campus, [.delivery: onDelivery, .packaging: 3]),
                discount(.merchant, [.line(1): 500, .delivery: 5]),
            ]
        )
        var balances: [LedgerAccount: Int64] = [:]
        var refunded: [RefundItem: Money] = [:]
        var left = order.items
        while let item = left.randomElement(using: &random) {
            let rest = order.payable(of: item).fen - (refunded[item]?.fen ?? 0)
            let part = Money(fen: min(rest, Int64.random(in: 1...900, using: &random)))
            let items = [ItemAmount(item: item, amount: part)]
            for entry in LedgerEntry.entries(of: items, for: order, refundedBefore: refunded) {
                #expect(entry.amount > .zero)
                #expect(entry.debit != entry.credit)
                balances[entry.debit, default: 0] -= entry.amount.fen
                balances[entry.credit, default: 0] += entry.amount.fen
            }
            refunded[item] = Money(fen: (refunded[item]?.fen ?? 0) + part.fen)
            if refunded[item] == order.payable(of: item) { left.removeAll { $0 == item } }
        }
        let delivery = order.deliveryPayable.fen
        #expect(balances[customer] == order.payable.fen)
        #expect(balances[.campus] == 7 + onDelivery + 3)
        // The platform gives back what it had for delivery, whoever paid that, and gets back what it gave for food.
        #expect(balances[.platform] == onFood - delivery - onDelivery - 5)
        #expect(balances[merchant] == -(order.payable.fen - delivery) - onFood - 7 - 3 + 5)
        #expect(balances.values.reduce(0, +) == 0)
    }

    @Test("A refund of one line says nothing of a discount on another")
    func otherLine() {
        let order = Examples.makeOrder(discounts: [discount(.campus, [.line(2): 200])])
        let entries = LedgerEntry.entries(
            of: [ItemAmount(item: .line(1), amount: Money(fen: 1_500))],
            for: order,
            refundedBefore: [:]
        )
        #expect(entries == [LedgerEntry(debit: merchant, credit: customer, amount: Money(fen: 1_500))])
    }

    @Test("Surplus comes from what belongs to no order")
    func surplus() {
        let items = [ItemAmount(item: .surplus, amount: Money(fen: 70))]
        let entries = LedgerEntry.entries(of: items, for: Examples.makeOrder(), refundedBefore: [:])
        #expect(entries == [LedgerEntry(debit: .unapplied, credit: customer, amount: Money(fen: 70))])
    }

    @Test("What cost the customer nothing goes back to who paid for it, unit by unit")
    func costless() {
        let order = Examples.makeOrder(
            lines: [(3, 0), (1, 500)],
            delivery: 0,
            discounts: [discount(.campus, [.line(1): 1_000, .delivery: 300]), discount(.platform, [.line(2): 50])]
        )
        let granted = { (item: RefundItem, units: [Int]) in
            CaseItem(item: item, units: units, asked: .zero, granted: .zero, state: .granted)
        }
        let one = LedgerEntry.entries(ofCostless: [granted(.line(1), [0]), granted(.line(2), [0])], for: order)
        #expect(one == [LedgerEntry(debit: merchant, credit: .campus, amount: Money(fen: 333))])
        let rest = LedgerEntry.entries(ofCostless: [granted(.line(1), [1, 2]), granted(.delivery, [])], for: order)
        #expect(
            rest == [
                LedgerEntry(debit: merchant, credit: .campus, amount: Money(fen: 667)),
                LedgerEntry(debit: .platform, credit: .campus, amount: Money(fen: 300)),
            ]
        )
    }

    @Test("A coupon goes back once everything that it was taken off is back")
    func coupons() {
        let order = Examples.makeOrder(
            lines: [(1, 1_500), (2, 0)],
            discounts: [
                discount(.campus, [.line(1): 100, .line(2): 800], coupon: "both"),
                discount(.platform, [.line(1): 50], coupon: "noodles"),
                discount(.merchant, [.packaging: 10], coupon: "box"),
                discount(.merchant, [.line(1): 10]),
            ]
        )
        let items: Set<RefundItem> = [.line(1), .line(2)]
        let all = order.coupons(
            returnedWith: items,
            refunded: [.line(1): Money(fen: 1_500)],
            granted: [.line(1): [0], .line(2): [0, 1]]
        )
        #expect(all == ["both", "noodles"])
        let unitMissing = order.coupons(
            returnedWith: items,
            refunded: [.line(1): Money(fen: 1_500)],
            granted: [.line(1): [0], .line(2): [1]]
        )
        #expect(unitMissing == ["noodles"])
        let inPart = order.coupons(
            returnedWith: items,
            refunded: [.line(1): Money(fen: 1_499)],
            granted: [.line(2): [0, 1]]
        )
        #expect(inPart.isEmpty)
    }

    @Test("What cost nothing is asked for along with the rest, once")
    func askingForCostless() throws {
        let order = Examples.makeOrder(delivery: 0, discounts: [discount(.campus, [.delivery: 300])])
        let book = RefundableBook(of: order)
        let items = { (claims: ItemClaims, reason: CaseReason) in
            try Asking(order: order, book: book, claims: claims).items(.wholeOrder, reason: reason).map(\.item)
        }
        #expect(try items(ItemClaims(), .late) == [.line(1), .line(2), .delivery, .packaging])
        #expect(try items(ItemClaims(), .quality) == [.line(1), .line(2), .packaging])
        #expect(try items(ItemClaims(granted: [.delivery]), .late) == [.line(1), .line(2), .packaging])
        #expect(try items(ItemClaims(units: [1: [0], 2: [0, 1, 2]]), .late) == [.packaging])
        #expect(Asking(order: order, book: book, claims: ItemClaims()).costless.map(\.item) == [.delivery])
    }
}
