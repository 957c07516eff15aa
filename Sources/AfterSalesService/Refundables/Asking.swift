import Model

/// What a case asks for: the whole order, or some units of some lines.
enum Scope: Hashable, Sendable {
    /// All that is left of the order, and that no open case asks for.
    case wholeOrder
    /// Some units of some lines.
    case lines([LineQuantity])
}

/// How many units of a line.
struct LineQuantity: Hashable, Sendable {
    /// The line's number.
    var number: Int
    /// How many units.
    var quantity: Int
}

/// An item that a case asks for, with what it comes to.
struct AskedItem: Hashable, Sendable {
    /// What is asked for.
    var item: RefundItem
    /// Which units of a line, zero-based; empty for anything but a line.
    var units: [Int]
    /// What it comes to.
    var amount: Money
}

/// Why a scope cannot be asked for.
enum AskRefusal: Error, Hashable {
    /// The order has no such line. `index` is its place in the request.
    case unknownLine(index: Int)
    /// The line was named twice.
    case repeatedLine(index: Int)
    /// Fewer units are left than asked for.
    case tooMany(index: Int, left: Int)
}

/// Works out what an order's customer asks for, in items and fen.
struct Asking: Sendable {
    /// The order.
    let order: OrderRecord
    /// What is left of each item.
    let book: RefundableBook
    /// What cases already speak for.
    let claims: ItemClaims

    /// The items that `scope` comes to when the reason is `reason`.
    ///
    /// - Throws: every refusal at once, in the order of the request.
    func items(_ scope: Scope, reason: CaseReason) throws(AskRefusals) -> [AskedItem] {
        if order.asksForSurplus(reason) {
            guard claims.held[.surplus] == nil else { return [] }
            return [AskedItem(item: .surplus, units: [], amount: book.remaining(.surplus))]
        }
        switch scope {
        case .lines(let wanted): return try items(of: wanted)
        case .wholeOrder:
            let lines = order.lines.map { asked($0, units: freeUnits(of: $0)) }.filter { !$0.units.isEmpty }
            let fees = fees(for: reason).map { AskedItem(item: $0, units: [], amount: book.remaining($0)) }
            return (lines + fees.filter { isFree($0, beside: lines) }).filter { claims.asking[$0.item] == nil }
        }
    }

    /// How many units of a line nobody speaks for yet.
    func unitsLeft(of line: OrderLine) -> Int {
        freeUnits(of: line).count
    }

    /// What all the free units of a line come to.
    func refundable(_ line: OrderLine) -> Money {
        asked(line, units: freeUnits(of: line)).amount
    }

    /// The fees that go back with a whole order for that reason.
    ///
    /// Delivery is owed when it was late or brought nothing; packaging goes with the food, unless the customer merely
    /// thought better of it.
    func fees(for reason: CaseReason) -> [RefundItem] {
        if order.status == .cancelled { return [.delivery, .packaging] }
        return switch reason {
        case .late, .notDelivered, .takenByOther: [.delivery, .packaging]
        case .missingItem, .wrongItem, .damaged, .spilled, .quality, .foreignObject, .illness, .notAsDescribed, .other:
            [.packaging]
        case .duplicateCharge, .changedMind: []
        }
    }

    /// What cost the customer nothing and nobody speaks for: it goes back with the rest, so that whoever paid for it gets
    /// that back.
    var costless: [AskedItem] {
        let lines = order.lines.filter { order.isCostless(.line($0.number)) }.map {
            asked($0, units: freeUnits(of: $0))
        }
        let fees = [RefundItem.delivery, .packaging].map { AskedItem(item: $0, units: [], amount: .zero) }
        return lines.filter { !$0.units.isEmpty } + fees.filter { order.isCostless($0.item) && isUnclaimed($0.item) }
    }

    /// Whether a fee can be asked for along with those lines: something is left of it, or it cost nothing and belongs to
    /// what is left of the lines.
    private func isFree(_ fee: AskedItem, beside lines: [AskedItem]) -> Bool {
        guard claims.held[fee.item] == nil else { return false }
        return fee.amount > .zero || !lines.isEmpty && order.isCostless(fee.item) && isUnclaimed(fee.item)
    }

    private func isUnclaimed(_ fee: RefundItem) -> Bool {
        claims.held[fee] == nil && !claims.granted.contains(fee)
    }

    private func items(of wanted: [LineQuantity]) throws(AskRefusals) -> [AskedItem] {
        var items: [AskedItem] = []
        var refusals: [AskRefusal] = []
        var seen: Set<Int> = []
        for (index, entry) in wanted.enumerated() {
            guard let line = order.lines.first(where: { $0.number == entry.number }) else {
                refusals.append(.unknownLine(index: index))
                continue
            }
            guard seen.insert(entry.number).inserted else {
                refusals.append(.repeatedLine(index: index))
                continue
            }
            let free = freeUnits(of: line)
            guard entry.quantity <= free.count else {
                refusals.append(.tooMany(index: index, left: free.count))
                continue
            }
            items.append(asked(line, units: Array(free.prefix(entry.quantity))))
        }
        guard refusals.isEmpty else { throw AskRefusals(all: refusals) }
        return items
    }

    /// The units of a line that nobody speaks for yet; none for anything but a line.
    func unclaimedUnits(of item: RefundItem) -> [Int] {
        guard case .line(let number) = item, let line = order.lines.first(where: { $0.number == number }) else {
            return []
        }
        return freeUnits(of: line)
    }

    private func freeUnits(of line: OrderLine) -> [Int] {
        let taken = claims.units[line.number] ?? []
        return (0..<line.quantity).filter { !taken.contains($0) }
    }

    /// Each unit is worth the difference of two floors, so that all units of a line sum to what the line cost.
    private func asked(_ line: OrderLine, units: [Int]) -> AskedItem {
        let worth = units.reduce(into: Int64(0)) { sum, unit in
            sum += line.payable.share(of: unit..<(unit + 1), in: line.quantity).fen
        }
        let item = RefundItem.line(line.number)
        return AskedItem(item: item, units: units, amount: min(Money(fen: worth), book.remaining(item)))
    }
}

extension OrderRecord {
    /// Whether a case of that reason asks for what the order has no use for, rather than for the order's own money.
    func asksForSurplus(_ reason: CaseReason) -> Bool {
        reason == .duplicateCharge || isPaidForNothing
    }
}

/// Every reason why a scope cannot be asked for.
struct AskRefusals: Error, Hashable {
    /// In the order of the request; never empty.
    let all: [AskRefusal]
}
