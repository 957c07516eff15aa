import Model

/// What we know of a payment or a refund.
struct KnownEntry: Hashable, Sendable {
    /// What it is about.
    let key: ReconciliationKey
    /// How much.
    var amount: Money
    /// Whether money moved.
    let isMoved: Bool
    /// What became of it.
    let status: String
    /// Whether the day that is compared must have it at both sides: it became known and moved on that day.
    let isOfDay: Bool
}

/// Where the two books differ.
struct Difference: Hashable, Sendable {
    /// How.
    enum Kind: String, CaseIterable, Hashable, Sendable {
        /// The platform has it, we know nothing of it.
        case missingWithUs = "missing_with_us"
        /// We have it, the platform has not.
        case missingWithThem = "missing_with_them"
        case amountDiffers = "amount_differs"
        /// Money moved with one side and not with the other, or it moved after we had released it.
        case statusDiffers = "status_differs"
        /// The platform has it more than once.
        case duplicate
    }

    let kind: Kind
    let key: ReconciliationKey
    /// The lines of the platform's file.
    let lines: [Int]
    let ours: Side?
    let theirs: Side?

    /// What one side says.
    struct Side: Hashable, Sendable {
        let amount: Money
        let status: String
    }
}

/// Compares our books of a day with the platform's.
///
/// A payment counts once on each side, whatever number of orders it is for. Nothing is missing that moved no money; and what became
/// known on another day than it moved is looked for with us wherever it is, because the platform lists it by when it moved.
enum Comparison {
    /// The differences, by what they are about.
    ///
    /// - Parameters:
    ///   - ours: the day's entries, and whatever else is known of the platform's.
    ///   - theirs: the lines of the platform's file.
    /// - Returns: none when both agree.
    static func differences(ours: [KnownEntry], theirs: [PlatformEntry]) -> [Difference] {
        var known: [ReconciliationKey: KnownEntry] = [:]
        for entry in ours { known[entry.key] = known[entry.key]?.merged(with: entry) ?? entry }
        var differences: [Difference] = []
        let stated = Dictionary(grouping: theirs, by: \.key)
        for (key, entries) in stated {
            let (distinct, repeated) = parted(entries)
            let side = Difference.Side(
                amount: Money(fen: distinct.reduce(0) { $0 + $1.amount.fen }),
                status: distinct[0].status
            )
            let lines = distinct.map(\.line)
            let entry = known[key]
            let mine = entry.map { Difference.Side(amount: $0.amount, status: $0.status) }
            func add(_ kind: Difference.Kind, _ lines: [Int]) {
                differences.append(Difference(kind: kind, key: key, lines: lines, ours: mine, theirs: side))
            }
            if !repeated.isEmpty { add(.duplicate, repeated.map(\.line)) }
            let isMoved = distinct.contains(where: \.isMoved)
            guard let entry else {
                if isMoved { add(.missingWithUs, lines) }
                continue
            }
            if isMoved != entry.isMoved || entry.status == ReconciliationRow.Status.paidThoughReleased.rawValue {
                add(.statusDiffers, lines)
            } else if isMoved, side.amount != entry.amount {
                add(.amountDiffers, lines)
            }
        }
        for entry in known.values where entry.isOfDay && entry.isMoved && stated[entry.key] == nil {
            let mine = Difference.Side(amount: entry.amount, status: entry.status)
            differences.append(
                Difference(kind: .missingWithThem, key: entry.key, lines: [], ours: mine, theirs: nil)
            )
        }
        return differences.sorted {
            ($0.key, $0.kind.rawValue) < ($1.key, $1.kind.rawValue)
        }
    }

    /// Lines about one thing: those that tell of different parts of it, and those that tell of a part again.
    private static func parted(
        _ entries: [PlatformEntry]
    ) -> (distinct: [PlatformEntry], repeated: [PlatformEntry]) {
        var parts: Set<String> = []
        var distinct: [PlatformEntry] = []
        var repeated: [PlatformEntry] = []
        for entry in entries {
            let part = entry.key.kind == .payment ? entry.part : ""
            if parts.insert(part).inserted { distinct.append(entry) } else { repeated.append(entry) }
        }
        return (distinct, repeated)
    }
}

extension KnownEntry {
    /// The same payment with another of its parts, or what is known of the same refund since.
    fileprivate func merged(with part: KnownEntry) -> KnownEntry {
        guard key.kind == .payment else { return part }
        var sum = self
        sum.amount = Money(fen: amount.fen + part.amount.fen)
        return sum
    }
}
