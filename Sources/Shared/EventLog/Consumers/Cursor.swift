/// A shard that an instance of a group holds, and where it has got to.
struct Cursor: Hashable, Sendable {
    /// The shard.
    let shard: Int16
    /// The fencing token: rises each time that the shard changes hands.
    let epoch: Int64
    /// The tick up to which everything is done.
    var tick: Int64
    /// When positive, the next tick is read in parts, and done up to this event.
    var eventID: Int64
}

/// What a group reads next: the shards furthest behind, up to where the others stand.
struct CursorPlan: Hashable, Sendable {
    /// The cursors that stand at the lowest position.
    let cursors: [Cursor]
    /// The tick up to which everything is done.
    let tick: Int64
    /// When positive, the next tick is read in parts and done up to this event.
    let eventID: Int64
    /// The tick not to read beyond, so that shards meet again where they once parted.
    let ceiling: Int64

    /// Plans for these cursors; nil when there are none.
    init?(_ cursors: [Cursor]) {
        func position(_ cursor: Cursor) -> (Int64, Int64) { (cursor.tick, cursor.eventID) }
        guard let lowest = cursors.min(by: { position($0) < position($1) }) else { return nil }
        self.cursors = cursors.filter { position($0) == position(lowest) }.sorted { $0.shard < $1.shard }
        tick = lowest.tick
        eventID = lowest.eventID
        // Shards within the same tick meet only at its end, hence a tick that is greater.
        ceiling = cursors.lazy.map(\.tick).filter { $0 > lowest.tick }.min() ?? .max
    }

    /// The shards of its cursors.
    var shards: [Int16] { cursors.map(\.shard) }

    /// Whether the next tick has been read in part.
    var isPartial: Bool { eventID > 0 }
}
