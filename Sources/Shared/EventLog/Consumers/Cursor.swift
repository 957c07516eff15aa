/// Where a shard of a group has got to.
struct Cursor: Hashable, Sendable {
    /// The shard.
    let shard: Int16
    /// The tick up to which everything is done.
    let tick: Int64
    /// When positive, the next tick is read in parts, and done up to this event.
    let eventID: Int64
    /// Whether the group has parked events, of whatever shard.
    var hasParked = false
}

/// What a group reads next: the shards furthest behind, up to where the others stand.
struct CursorPlan: Hashable, Sendable {
    /// The shards that stand at the lowest position.
    let shards: [Int16]
    /// Everything up to this tick is done.
    let tick: Int64
    /// When positive, the next tick is read in parts and done up to this event.
    let eventID: Int64
    /// The tick not to read beyond, so that shards meet again where they once parted.
    let ceiling: Int64

    /// Plans for these cursors; nil when there are none.
    init?(_ cursors: [Cursor]) {
        func position(_ cursor: Cursor) -> (Int64, Int64) { (cursor.tick, cursor.eventID) }
        guard let lowest = cursors.min(by: { position($0) < position($1) }) else { return nil }
        shards = cursors.filter { position($0) == position(lowest) }.map(\.shard).sorted()
        tick = lowest.tick
        eventID = lowest.eventID
        // Shards within the same tick meet only at its end, hence a tick that is greater.
        ceiling = cursors.lazy.map(\.tick).filter { $0 > lowest.tick }.min() ?? .max
    }

    /// Whether the next tick has been read in part.
    var isPartial: Bool { eventID > 0 }
}
