import Model
import Postgres

/// What an instance knows between two batches; everything but the leases is only there to read faster.
struct Reading: Sendable {
    /// The epochs of the shards held.
    var held: [Int16: Int64] = [:]
    /// How many ticks to read at once; adapts to how much happens in them.
    var ticksAtOnce = BatchReader.mostTicksAtOnce
    /// The newest tick, when all up to it is done; looking for a newer one then needs no transaction.
    var doneThrough: Int64?
    /// The greatest id of a tick that is read in parts.
    var lastID: (tick: Int64, id: Int64)?
}

/// What a batch came to.
struct BatchResult<Effect: Sendable>: Sendable {
    /// Nothing to read.
    var isIdle: Bool
    /// The epochs of the shards that turned out to be still held.
    var held: [Int16: Int64]
    /// What handlers returned.
    var effects: [Effect] = []
    /// What to read with next.
    var reading: Reading
    /// What was parked.
    var parked: [ParkedFailure] = []
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
    func process<Effect>(
        _ reading: Reading,
        in session: borrowing Session,
        with handle: (borrowing Session, [RecordedEvent]) throws -> Effect
    ) throws -> BatchResult<Effect> {
        var (batch, result) = try next(reading, Effect.self, in: session)
        guard let batch else { return result }
        let blocked = try blockedRoots(of: batch, in: session)
        let free = blocked.isEmpty ? batch.events : batch.events.filter { !blocked.contains($0.root) }
        if !blocked.isEmpty {
            let behind = batch.events.filter { blocked.contains($0.root) }.map { ParkedFailure(waiting: $0) }
            try parked.park(behind, consumer: cursors.consumer, in: session)
            result.parked = behind
        }
        if !free.isEmpty { result.effects = [try handle(session, free)] }
        try finish(batch, held: result.held, in: session)
        return result
    }

    /// The roots of a batch that have parked events.
    func blockedRoots(of batch: Batch, in session: borrowing Session) throws -> Set<AnyID> {
        guard batch.hasParked, !batch.events.isEmpty else { return [] }
        return try parked.roots(amongThoseOf: batch.events, consumer: cursors.consumer, in: session)
    }

    /// The next batch, its cursors locked; nil when there is none.
    func next<Effect>(
        _ reading: Reading,
        _ effect: Effect.Type,
        in session: borrowing Session
    ) throws -> (batch: Batch?, result: BatchResult<Effect>) {
        let mine = try cursors.lock(reading.held, in: session)
        let locked = Set(mine.map(\.shard))
        var result = BatchResult<Effect>(
            isIdle: true,
            held: reading.held.filter { locked.contains($0.key) },
            reading: reading
        )
        result.reading.doneThrough = nil
        guard let plan = CursorPlan(mine) else { return (nil, result) }
        let hasParked = mine.contains(where: \.hasParked)
        func batch(_ events: [RecordedEvent], upTo tick: Int64, _ eventID: Int64) -> Batch {
            Batch(shards: plan.shards, events: events, tick: tick, eventID: eventID, hasParked: hasParked)
        }
        var ticksAtOnce = plan.isPartial ? 1 : reading.ticksAtOnce
        while let window = try ticks.window(
            after: plan.tick,
            ceiling: plan.ceiling,
            maximumTicks: ticksAtOnce,
            in: session
        ) {
            let events = try read(window, plan, &result.reading, in: session)
            result.isIdle = false
            if events.count <= limit {
                if events.count < limit / 2 {
                    result.reading.ticksAtOnce = min(Self.mostTicksAtOnce, result.reading.ticksAtOnce * 2)
                }
                return (batch(events, upTo: window.laterTick, 0), result)
            }
            if ticksAtOnce == 1 {
                let part = Array(events.prefix(limit))
                return (batch(part, upTo: plan.tick, part.last?.id ?? plan.eventID), result)
            }
            // Too much for one batch: fewer ticks. What does not fit even then is read in parts.
            ticksAtOnce = max(1, ticksAtOnce / 4)
            result.reading.ticksAtOnce = ticksAtOnce
        }
        result.reading.doneThrough = plan.tick
        return (nil, result)
    }

    /// Whether there is a tick beyond what is known to be done.
    func isBehind(_ reading: Reading, in session: borrowing Session) throws -> Bool {
        try ticks.newestNumber(in: session) != reading.doneThrough
    }

    /// Moves the cursors of a batch's shards on.
    func finish(_ batch: Batch, held: [Int16: Int64], in session: borrowing Session) throws {
        try cursors.advance(batch.shards, of: held, to: batch.tick, eventID: batch.eventID, in: session)
    }

    /// The window's first events that are not done yet; one more than fit, to tell whether there are more.
    private func read(
        _ window: TickWindow,
        _ plan: CursorPlan,
        _ reading: inout Reading,
        in session: borrowing Session
    ) throws -> [RecordedEvent] {
        let filter = EventFilter(shards: plan.shards.count == Shard.count ? nil : plan.shards)
        guard plan.isPartial else {
            let source = ticks.between(window, streams, filter, atMost: limit + 1)
            return try ticks.events(source, atMost: limit + 1, in: session)
        }
        let last: Int64
        if let known = reading.lastID, known.tick == window.laterTick {
            last = known.id
        } else {
            last = try ticks.lastID(in: window, of: streams, session: session)
            reading.lastID = (window.laterTick, last)
        }
        let source = ticks.within(window, streams, filter, after: plan.eventID, through: last, atMost: limit + 1)
        return try ticks.events(source, atMost: limit + 1, in: session)
    }
}

/// Events to handle together, and where the cursors of their shards stand then.
struct Batch: Sendable {
    let shards: [Int16]
    let events: [RecordedEvent]
    let tick: Int64
    let eventID: Int64
    /// Whether the group has parked events.
    let hasParked: Bool
}

extension ParkedFailure {
    /// An event that waits behind an earlier one of its root.
    init(waiting event: RecordedEvent) {
        self.init(event: event, reason: "waits behind an earlier event of the same root", isFirst: false)
    }
}
