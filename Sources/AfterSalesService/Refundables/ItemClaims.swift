import Model

/// What the cases of an order speak for already.
struct ItemClaims: Hashable, Sendable {
    /// The units of each line that cannot be asked for again.
    var units: [Int: Set<Int>] = [:]
    /// The open case that asks for an item; there is one at most.
    var asking: [RefundItem: CaseID] = [:]
    /// Items that wait for a person although nobody asks for them any more, because money is due or came back from a
    /// channel, with the last case that holds them.
    var held: [RefundItem: CaseID] = [:]
    /// Items of which something is being paid or was paid.
    var granted: Set<RefundItem> = []
    /// Items that a person refused, in full or in part, whoever asks for them now.
    var refused: Set<RefundItem> = []

    /// Those of these items that a person refused before, in the order of items.
    func refused(among items: some Sequence<RefundItem>) -> [RefundItem] {
        refused.intersection(items).sorted()
    }
}
