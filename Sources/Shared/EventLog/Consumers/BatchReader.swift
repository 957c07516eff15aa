import Model
import Postgres

/// What an instance knows between two batches.
///
/// While it holds a shard nobody else moves the shard's cursor, so it need not read it again: should it be wrong, moving the cursor fails
/// and the whole batch is undone.
struct Reading: Sendable {
    /// The shards held, and where they stand.
    var cursors: [Cursor] = []
    /// Whether the group may have parked events.
    var hasParked = true
    /// How many ticks to read at once; adapts to how much happens in them.
    var ticksAtOnce = BatchReader.mostTicksAtOnce
    /// The window of a tick that is read in parts, and the greatest id in it.
    var part: (window: TickWindow, lastID: Int64)?

    /// The same, after a batch.
    func advanced(_ batch: Batch) -> Reading {
        var next = self
        let moved = Set(batch.cursors.map(\.shard))
        next.cursors = cursors.map { cursor in
            guard moved.contains(cursor.shard) else { return cursor }
            var cursor = cursor
            cursor.tick = batch.tick
            cursor.eventID = batch.eventID
            return cursor
        }
        return next
    }
}

/// Events to handle together, and where the cursors of their shards stand then.
struct Batch: Sendable {
    let cursors: [Cursor]
    let events: [RecordedEvent]
    let tick: Int64
    let eventID: Int64
}

/// What a batch came to.
struct BatchResult<Effect: Sendable>: Sendable {
    /// Whether there was nothing to read.
    var isIdle = true
    /// How many events were read.
    var count = 0
    /// What handlers returned.
    var effects: [Effect] = []
    /// What was parked.
    var parked: [ParkedFailure] = []
    /// What to read with next.
    var reading: Reading
}

/// Finds the next batch of a group, and moves its cursors on, in one transaction with the effects.
struct BatchReader: Sendable {
    let cursors: CursorStore
    let parked: ParkedEventStore
    let streams: [EventStream]
    let limit: Int
    private let ticks = TickStore()

    static let mostTicksAtOnce = 50

    init(cursors: CursorStore, parked: ParkedEventStore, streams: [EventStream], limit: Int) {
        self.cursors = cursors
        self.parked = parked
        self.streams = streams
        self.limit = limit
    }

    /// Reads the next batch, handles it, and moves the cursors of its shards on.
    ///
    /// Events of roots with parked ones are parked behind those and not handled.
    ///
    /// The commit fails with `SQLState.leaseLost` when another instance holds one of the shards by now.
    ///
    /// - Throws: what `handle` throws.
    func process<Effect>(
        _ reading: Reading,
        in session: borrowing Session,
        with handle: (borrowing Session, [RecordedEvent], Set<AnyID>) throws -> (
            effects: [Effect], parked: [ParkedFailure]
        )
    ) throws -> BatchResult<Effect> {
        var reading = reading
        guard let batch = try next(&reading, in: session) else { return BatchResult(reading: reading) }
        var result = BatchResult<Effect>(isIdle: false, count: batch.events.count, reading: reading.advanced(batch))
        if !batch.events.isEmpty {
            let blocked =
                reading.hasParked
                ? try parked.roots(amongThoseOf: batch.events, consumer: cursors.consumer, in: session) : []
            (result.effects, result.parked) = try handle(session, batch.events, blocked)
            try parked.park(result.parked, consumer: cursors.consumer, in: session)
            if !result.parked.isEmpty { result.reading.hasParked = true }
        }
        try cursors.advance(batch.cursors, to: batch.tick, eventID: batch.eventID, in: session)
        return result
    }

    /// The next batch; nil when there is none.
    private func next(_ reading: inout Reading, in session: borrowing Session) throws -> Batch? {
        guard let plan = CursorPlan(reading.cursors) else { return nil }
        if plan.isPartial { return try nextPart(plan, &reading, in: session) }
        let filter = filter(plan)
        while true {
            let found = try ticks.next(
                after: plan.tick,
                ceiling: plan.ceiling,
                maximumTicks: reading.ticksAtOnce,
                streams,
                filter,
                atMost: limit + 1,
                in: session
            )
            guard let later = found.later else { return nil }
            if found.events.count <= limit {
                if found.events.count < limit / 2 {
                    reading.ticksAtOnce = min(Self.mostTicksAtOnce, reading.ticksAtOnce * 2)
                }
                return Batch(cursors: plan.cursors, events: found.events, tick: later.number, eventID: 0)
            }
            if reading.ticksAtOnce == 1 { return part(plan, found.events) }
            // Too much for one batch: fewer ticks. What does not fit even then is read in parts.
            reading.ticksAtOnce = max(1, reading.ticksAtOnce / 4)
        }
    }

    /// The next part of a tick too large for one batch.
    private func nextPart(_ plan: CursorPlan, _ reading: inout Reading, in session: borrowing Session) throws -> Batch?
    {
        if reading.part?.window.earlier.number != plan.tick {
            guard let window = try ticks.window(after: plan.tick, maximumTicks: 1, in: session) else { return nil }
            reading.part = (window, try ticks.lastID(in: window, of: streams, session: session))
        }
        guard let (window, lastID) = reading.part else { return nil }
        let source = ticks.within(
            window,
            streams,
            filter(plan),
            after: plan.eventID,
            through: lastID,
            atMost: limit + 1
        )
        let events = try ticks.events(source, atMost: limit + 1, in: session)
        if events.count > limit { return part(plan, events) }
        reading.part = nil
        return Batch(cursors: plan.cursors, events: events, tick: window.later.number, eventID: 0)
    }

    private func part(_ plan: CursorPlan, _ events: [RecordedEvent]) -> Batch {
        let events = Array(events.prefix(limit))
        return Batch(cursors: plan.cursors, events: events, tick: plan.tick, eventID: events.last?.id ?? plan.eventID)
    }

    private func filter(_ plan: CursorPlan) -> EventFilter {
        EventFilter(shards: plan.cursors.count == Shard.count ? nil : plan.shards)
    }
}

extension ParkedFailure {
    /// An event that waits behind an earlier one of its root.
    init(waiting event: RecordedEvent) {
        self.init(event: event, reason: "waits behind an earlier event of the same root", isFirst: false)
    }
}
