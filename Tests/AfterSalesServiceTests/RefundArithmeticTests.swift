import Model
import Testing

@testable import AfterSalesService

@Suite("Refund arithmetic")
struct RefundArithmeticTests {
    @Test("However an order's units are refunded, the parts sum to what was paid", arguments: 0..<200)
    func partsSum(seed: UInt64) throws {
        var random = SplitMix(state: seed)
        let lines = (0..<Int.random(in: 1...5, using: &random)).map { _ in
            (quantity: Int.random(in: 1...7, using: &random), payable: Int64.random(in: 0...3_000, using: &random))
        }
        let fees = (Int64.random(in: 0...500, using: &random), Int64.random(in: 0...200, using: &random))
        let whole = lines.reduce(fees.0 + fees.1) { $0 + $1.payable }
        let cut = Int64.random(in: 0...whole, using: &random)
        let order = Examples.makeOrder(
            lines: lines,
            delivery: fees.0,
            packaging: fees.1,
            payments: [(cut, 0), (whole - cut, Int64.random(in: 0...900, using: &random))]
        )
        var book = RefundableBook(of: order)
        #expect(book.remaining() == order.paid)

        var taken: [Int: Set<Int>] = [:]
        var returned: Int64 = 0
        while true {
            let asking = Asking(order: order, book: book, claims: ItemClaims(units: taken))
            guard let line = order.lines.filter({ asking.unitsLeft(of: $0) > 0 }).randomElement(using: &random) else {
                break
            }
            let quantity = Int.random(in: 1...asking.unitsLeft(of: line), using: &random)
            let items = try asking.items(
                .lines([LineQuantity(number: line.number, quantity: quantity)]),
                reason: .quality
            )
            for item in items {
                taken[line.number, default: []].formUnion(item.units)
                returned += item.amount.fen
            }
            book = try book.reserving(items)
        }
        #expect(returned == lines.reduce(0) { $0 + $1.payable })
        let rest = try Asking(order: order, book: book, claims: ItemClaims(units: taken)).items(
            .wholeOrder,
            reason: .late
        )
        book = try book.reserving(rest)
        #expect(book.remaining() == order.surplus)
        let surplus = try Asking(order: order, book: book, claims: ItemClaims(units: taken)).items(
            .wholeOrder,
            reason: .duplicateCharge
        )
        #expect(try book.reserving(surplus).remaining() == .zero)
    }

    @Test("Payments fill the items one after the other")
    func severalPayments() throws {
        let order = Examples.makeOrder(
            lines: [(1, 1_000), (1, 1_000)],
            delivery: 200,
            packaging: 0,
            payments: [(1_500, 0), (700, 0)]
        )
        let book = RefundableBook(of: order)
        let parts = try book.split([.line(2): Money(fen: 1_000), .delivery: Money(fen: 200)])
        #expect(parts.map(\.total.fen) == [500, 700])
        #expect(parts[0].items == [ItemAmount(item: .line(2), amount: Money(fen: 500))])
        #expect(throws: NotEnoughLeft(item: .line(1), remaining: Money(fen: 1_000))) {
            try book.split([.line(1): Money(fen: 1_001)])
        }
    }

    @Test("Lines are refused all at once, with their place")
    func refusals() {
        let order = Examples.makeOrder()
        let asking = Asking(order: order, book: RefundableBook(of: order), claims: ItemClaims(units: [2: [0, 1]]))
        let wanted = [
            LineQuantity(number: 9, quantity: 1), LineQuantity(number: 1, quantity: 1),
            LineQuantity(number: 1, quantity: 1), LineQuantity(number: 2, quantity: 2),
        ]
        let error = #expect(throws: AskRefusals.self) { try asking.items(.lines(wanted), reason: .quality) }
        #expect(error?.all == [.unknownLine(index: 0), .repeatedLine(index: 2), .tooMany(index: 3, left: 1)])
    }

    @Test("Fees go back when they were paid for nothing, never for a change of mind")
    func fees() throws {
        let order = Examples.makeOrder()
        let asking = Asking(order: order, book: RefundableBook(of: order), claims: ItemClaims())
        #expect(asking.fees(for: .late) == [.delivery, .packaging])
        #expect(asking.fees(for: .quality) == [.packaging])
        #expect(asking.fees(for: .changedMind).isEmpty)
        let cancelled = Examples.makeOrder(status: .cancelled)
        let afterwards = Asking(order: cancelled, book: RefundableBook(of: cancelled), claims: ItemClaims())
        #expect(afterwards.fees(for: .changedMind) == [.delivery, .packaging])
    }

    @Test("Money beyond what the order cost is asked for once: what waits for a person is not asked for again")
    func heldSurplus() throws {
        let order = Examples.makeOrder(payments: [(2_900, 0), (0, 700)])
        let book = RefundableBook(of: order)
        let free = try Asking(order: order, book: book, claims: ItemClaims()).items(
            .wholeOrder,
            reason: .duplicateCharge
        )
        #expect(free.map(\.amount.fen) == [700])
        let held = ItemClaims(held: [.surplus: CaseID(high: 1, low: 1)])
        let asking = Asking(order: order, book: book, claims: held)
        #expect(try asking.items(.wholeOrder, reason: .duplicateCharge).isEmpty)
    }

    @Test("An order that was called off before its only payment came is asked back whatever the reason")
    func paidForNothing() throws {
        var order = Examples.makeOrder(status: .cancelled, payments: [(0, 2_900)])
        let asked = try Asking(order: order, book: RefundableBook(of: order), claims: ItemClaims()).items(
            .wholeOrder,
            reason: .changedMind
        )
        #expect(asked == [AskedItem(item: .surplus, units: [], amount: Money(fen: 2_900))])
        order.status = .delivered
        #expect(!order.asksForSurplus(.changedMind))
    }

    @Test("A fully discounted line can be asked for and comes to nothing")
    func freeLine() throws {
        let order = Examples.makeOrder(lines: [(2, 0)], delivery: 0, packaging: 0)
        let asking = Asking(order: order, book: RefundableBook(of: order), claims: ItemClaims())
        let items = try asking.items(.wholeOrder, reason: .quality)
        #expect(items == [AskedItem(item: .line(1), units: [0, 1], amount: .zero)])
    }
}

extension RefundableBook {
    /// The book after these items were promised.
    fileprivate func reserving(_ items: [AskedItem]) throws -> RefundableBook {
        var amounts: [RefundItem: Money] = [:]
        for item in items { amounts[item.item] = item.amount }
        var changed = rows
        for part in try split(amounts) {
            for share in part.items {
                guard let index = changed.firstIndex(where: { $0.payment == part.payment && $0.item == share.item })
                else {
                    continue
                }
                changed[index].reserved = try changed[index].reserved.adding(share.amount)
            }
        }
        return RefundableBook(rows: changed)
    }
}

/// A generator whose numbers follow from its seed (Steele, Lea, Flood: SplitMix64).
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
