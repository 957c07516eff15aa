import Model

/// What the cases of an order speak for already.
struct ItemClaims: Hashable, Sendable {
    /// The units of each line that cannot be asked for again.
    var units: [Int: Set<Int>] = [:]
    /// The open case that asks for an item; there is one at most.
    var asking: [RefundItem: CaseID] = [:]
    /// Items that wait for a person although nobody asks for them any more: money that is due, or that came back from a
    /// channel.
    var held: Set<RefundItem> = []
}
