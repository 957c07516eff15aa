import Model

/// What we know of a payment or a refund.
struct KnownEntry: Hashable, Sendable {
    /// What it is about.
    let key: ReconciliationKey
    /// How much.
    let amount: Money
    /// Whether money moved.
    let isMoved: Bool
    /// What became of it.
    let status: String
    /// Whether the day that is compared must have it at both sides: its money moved on that day.
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
/// A payment counts once on each side, whatever number of orders it is for. Nothing is missing that moved no money, and an attempt
/// that moved none is nothing beside one that did.
enum Comparison {
    /// The differences, by what they are about.
    ///
    /// - Parameters:
    ///   - ours: what belongs to the day, and whatever else is known of the platform's entries.
    ///   - theirs: the lines of the platform's file.
    /// - Returns: none when both agree.
    /// - Throws: when amounts of one payment sum past 64 bits.
    static func differences(
        ours: [KnownEntry],
        theirs: [PlatformEntry]
    ) throws(MoneyOverflow) -> [Difference] {
        var known: [ReconciliationKey: KnownEntry] = [:]
        for entry in ours { known[entry.key] = try known[entry.key]?.merged(with: entry) ?? entry }
        var differences: [Difference] = []
        let stated = Dictionary(grouping: theirs, by: \.key)
        for (key, lines) in stated {
            let theirs = try StatedEntry(lines)
            let entry = known[key]
            func add(_ kind: Difference.Kind, _ lines: [PlatformEntry]) {
                differences.append(
                    Difference(kind: kind, key: key, lines: lines.map(\.line), ours: entry?.side, theirs: theirs.side)
                )
            }
            if !theirs.repeated.isEmpty { add(.duplicate, theirs.repeated) }
            guard let entry else {
                if theirs.isMoved { add(.missingWithUs, theirs.lines) }
                continue
            }
            if theirs.isMoved != entry.isMoved || entry.status == ReconciliationRow.Status.paidThoughReleased.rawValue {
                add(.statusDiffers, theirs.lines)
            } else if theirs.isMoved, theirs.side.amount != entry.amount {
                add(.amountDiffers, theirs.lines)
            }
        }
        for entry in known.values where entry.isOfDay && entry.isMoved && stated[entry.key] == nil {
            differences.append(
                Difference(kind: .missingWithThem, key: entry.key, lines: [], ours: entry.side, theirs: nil)
            )
        }
        return differences.sorted {
            ($0.key, $0.kind.rawValue) < ($1.key, $1.kind.rawValue)
        }
    }
}

/// What the platform's lines about one payment or refund come to.
private struct StatedEntry {
    /// The lines that count: each tells of another part of it.
    let lines: [PlatformEntry]
    /// Those that tell once more of a part whose money moved.
    let repeated: [PlatformEntry]
    /// Whether any money moved.
    let isMoved: Bool
    /// All of it, in the platform's last word.
    let side: Difference.Side

    /// - `all`: at least one.
    init(_ all: [PlatformEntry]) throws(MoneyOverflow) {
        let moved = all.filter(\.isMoved)
        isMoved = !moved.isEmpty
        var parts: Set<String> = []
        var distinct: [PlatformEntry] = []
        var again: [PlatformEntry] = []
        // Attempts that failed before one went through moved nothing.
        for entry in isMoved ? moved : all {
            let part = entry.key.kind == .payment ? entry.part : ""
            if parts.insert(part).inserted { distinct.append(entry) } else { again.append(entry) }
        }
        lines = isMoved ? distinct : all
        repeated = isMoved ? again : []
        side = Difference.Side(amount: try Money.sum(distinct.map(\.amount)), status: lines.last?.status ?? "")
    }
}

extension KnownEntry {
    fileprivate var side: Difference.Side {
        Difference.Side(amount: amount, status: status)
    }

    /// The same payment with another of its parts, or what is known of the same refund since.
    fileprivate func merged(with part: KnownEntry) throws(MoneyOverflow) -> KnownEntry {
        let sum = try amount.adding(part.amount)
        return KnownEntry(
            key: key,
            amount: key.kind == .payment ? sum : part.amount,
            isMoved: part.isMoved,
            status: part.status,
            isOfDay: key.kind == .payment ? isOfDay || part.isOfDay : part.isOfDay
        )
    }
}
