import Model
import Testing

@testable import OrderService

@Suite("Pricing")
struct PricingTests {
    private func item(_ price: Int64, _ quantity: Int64 = 1) -> OrderedItem {
        OrderedItem(sku: "s", name: "n", category: "c", unitPrice: Money(fen: price), quantity: quantity)
    }

    private func discount(_ fen: Int64, _ base: DiscountBase = .order) -> Discount {
        Discount(funder: .platform, amount: Money(fen: fen), base: base, couponID: nil)
    }

    private func bill(
        _ items: [OrderedItem],
        delivery: Int64 = 0,
        packaging: Int64 = 0,
        _ discounts: [Discount] = []
    ) throws -> Bill {
        try Bill.priced(
            items: items,
            delivery: Money(fen: delivery),
            packaging: Money(fen: packaging),
            discounts: discounts
        ).get()
    }

    @Test("without discounts everything is payable")
    func plain() throws {
        let bill = try bill([item(1_250, 2), item(300)], delivery: 200, packaging: 50)
        #expect(bill.lines.map(\.payable.fen) == [2_500, 300])
        #expect(bill.linesTotal.fen == 2_800)
        #expect(bill.feesTotal.fen == 250)
        #expect(bill.payable.fen == 3_050)
        #expect(bill.discountTotal == .zero)
    }

    @Test("an order's discount spreads over lines and fees by largest remainder")
    func orderDiscount() throws {
        let bill = try bill([item(1_000), item(1_000), item(1_000)], delivery: 1, [discount(100)])
        // 100 · 1000/3001 = 33.32 three times, 100 · 1/3001 = 0.03: the one fen left goes to the first of equal remainders.
        #expect(bill.lines.map(\.discount.fen) == [34, 33, 33])
        #expect(bill.delivery.payable.fen == 1)
        #expect(bill.payable.fen == 2_901)
    }

    @Test("discounts on a line or a fee come before those on the order")
    func specificFirst() throws {
        let bill = try bill(
            [item(1_000), item(1_000)],
            delivery: 500,
            packaging: 100,
            [discount(550), discount(1_000, .line(1)), discount(500, .delivery)]
        )
        // Left for the order's discount: 0, 1000, 0, 100.
        #expect(bill.lines.map(\.payable.fen) == [0, 500])
        #expect(bill.delivery.payable == .zero)
        #expect(bill.packaging.payable.fen == 50)
        #expect(bill.discounts[0].lineShares.map(\.fen) == [0, 500])
        #expect(bill.discounts[1].lineShares.map(\.fen) == [1_000, 0])
        #expect(bill.discounts[2].deliveryShare.fen == 500)
        #expect(bill.payable.fen == 550)
    }

    @Test("more than its base is a fault, and all faults are named")
    func tooMuch() {
        let result = Bill.priced(
            items: [item(1_000)],
            delivery: Money(fen: 100),
            packaging: .zero,
            discounts: [
                discount(1_001, .line(1)), discount(101, .delivery), discount(1, .packaging), discount(5, .line(2)),
                discount(1_101),
            ]
        )
        let faults: [PricingFault] = [
            .moreThanItsBase(discount: 0, left: Money(fen: 1_000)),
            .moreThanItsBase(discount: 1, left: Money(fen: 100)),
            .moreThanItsBase(discount: 2, left: .zero),
            .noSuchLine(discount: 3),
            .moreThanItsBase(discount: 4, left: Money(fen: 1_100)),
        ]
        #expect(throws: PricingFaults(faults)) { try result.get() }
    }

    @Test("discounts together may not be more than what there is")
    func togetherTooMuch() {
        let result = Bill.priced(
            items: [item(1_000)],
            delivery: .zero,
            packaging: .zero,
            discounts: [discount(600), discount(600)]
        )
        #expect(throws: PricingFaults([.moreThanItsBase(discount: 1, left: Money(fen: 400))])) { try result.get() }
    }

    @Test("a price beyond 64 bits is a fault, not a crash")
    func overflow() {
        let result = Bill.priced(items: [item(.max, 2)], delivery: .zero, packaging: .zero, discounts: [])
        #expect(throws: PricingFaults([.overflow])) { try result.get() }
    }

    @Test("whatever is ordered and granted, all sums agree to the fen", arguments: 0..<400)
    func sums(seed: Int) throws {
        var random = SplitMix64(seed: UInt64(seed))
        let items = (0..<Int.random(in: 1...12, using: &random)).map { _ in
            item(.random(in: 0...9_999, using: &random), .random(in: 1...9, using: &random))
        }
        let delivery = Int64.random(in: 0...900, using: &random)
        let packaging = Int64.random(in: 0...300, using: &random)
        let gross = items.reduce(0) { $0 + $1.unitPrice.fen * $1.quantity }
        var discounts: [Discount] = []
        var left = gross + delivery + packaging
        for _ in 0..<Int.random(in: 0...4, using: &random) {
            let amount = Int64.random(in: 0...max(left, 1), using: &random) / 2
            discounts.append(discount(amount))
            left -= amount
        }
        let bill = try bill(items, delivery: delivery, packaging: packaging, discounts)

        let payables = bill.lines.map(\.payable.fen) + [bill.delivery.payable.fen, bill.packaging.payable.fen]
        #expect(payables.allSatisfy { $0 >= 0 })
        #expect(payables.reduce(0, +) == bill.payable.fen)
        #expect(bill.payable.fen == gross + delivery + packaging - bill.discountTotal.fen)
        for line in bill.lines { #expect(line.gross.fen - line.discount.fen == line.payable.fen) }
        for (index, line) in bill.lines.enumerated() {
            #expect(bill.discounts.reduce(0) { $0 + $1.lineShares[index].fen } == line.discount.fen)
        }
        for allocated in bill.discounts {
            let shares = allocated.lineShares + [allocated.deliveryShare, allocated.packagingShare]
            #expect(shares.reduce(0) { $0 + $1.fen } == allocated.discount.amount.fen)
        }
        for line in bill.lines {
            let count = Int(line.item.quantity)
            let cut = Int.random(in: 0...count, using: &random)
            let parts = [line.payable.share(of: 0..<cut, in: count), line.payable.share(of: cut..<count, in: count)]
            #expect(parts.reduce(0) { $0 + $1.fen } == line.payable.fen)
        }
    }

    @Test("a bill reads back from what is stored of it")
    func stored() throws {
        let bill = try bill(
            [item(1_000), item(777, 3)],
            delivery: 500,
            packaging: 100,
            [discount(333), discount(10, .line(2)), discount(20, .packaging)]
        )
        let lines = try JSON(parsing: bill.linesText.bytes).array ?? []
        #expect(try lines.map { try BillLine(stored: $0) } == bill.lines)
        let discounts = try JSON(parsing: bill.discountsText.bytes).array ?? []
        #expect(try discounts.map { try AllocatedDiscount(stored: $0, lineCount: 2) } == bill.discounts)
    }
}

/// A small generator whose whole sequence follows from its seed (Steele, Lea, Flood: "Fast splittable pseudorandom number
/// generators", 2014), so that a failing case can be run again.
struct SplitMix64: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
