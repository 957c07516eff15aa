import Model
import Postgres

/// Events of a stream as they come, for this process alone: no group, no cursor in the database.
///
/// It starts at the present and holds its position in memory. Every instance that has one sees every event.
public struct Tail: Sendable {
    /// What ``next()`` brings.
    public enum Element: Sendable {
        /// Events, in order.
        case events([RecordedEvent])
        /// The position was lost in a crash of the server, and the tail is at the present again: whoever needs what lies between must
        /// look for it elsewhere.
        case restarted
    }

    private struct Position {
        var tick: Int64
        var snapshot: String
        /// Where in the next tick, when it is read in parts.
        var part: (window: TickWindow, after: Int64, last: Int64)?
    }

    private let stream: EventStream
    private let pool: ConnectionPool
    private let wakeup: Wakeup
    private let poll: Duration
    private let limit: Int
    private let ticks = TickStore()
    private var position: Position?

    /// Describes a tail.
    ///
    /// - Parameters:
    ///   - stream: whose events.
    ///   - pool: where it reads.
    ///   - wakeup: the signal of the stream's channel; without it, it polls.
    ///   - poll: how long to wait for a notification before looking.
    ///   - limit: the most events that ``next()`` brings at once.
    public init(
        stream: EventStream,
        pool: ConnectionPool,
        wakeup: Wakeup = Wakeup(),
        poll: Duration = .milliseconds(500),
        limit: Int = 1_000
    ) {
        self.stream = stream
        self.pool = pool
        self.wakeup = wakeup
        self.poll = poll
        self.limit = max(1, limit)
    }

    /// Fixes the start: whatever is committed from now on will be seen.
    ///
    /// Events that were committed just before may be seen too.
    public mutating func start() async throws {
        position = try await pool.autocommit { [ticks] session in
            let newest = try ticks.newest(in: session)
            return Position(tick: newest.tick, snapshot: newest.snapshot)
        }
    }

    /// Waits for events; starts the tail if it has not been.
    ///
    /// - Throws: `CancellationError`, or why it cannot read; it may be called again then and misses nothing.
    public mutating func next() async throws -> Element {
        if position == nil { try await start() }
        while let current = position {
            let reader = self
            let (element, next) = try await pool.transaction { try reader.read(current, in: $0) }
            position = next
            if let element { return element }
            if next.tick == current.tick { _ = try await wakeup.wait(atMost: poll) }
        }
        throw CancellationError()
    }

    private func read(_ position: Position, in session: borrowing Session) throws -> (Element?, Position) {
        if let part = position.part {
            return try read(part, at: position, in: session)
        }
        let window: TickWindow?
        do {
            window = try ticks.window(after: position.tick, maximumTicks: BatchReader.mostTicksAtOnce, in: session)
        } catch EventLogError.tickMissing {
            return try restart(in: session)
        }
        guard let window else { return (nil, position) }
        // A tick is committed without waiting for the disk: a crash may lose the newest, whose number is then given to another.
        guard window.earlier == position.snapshot else { return try restart(in: session) }
        let source = ticks.between(window, [stream], EventFilter(), atMost: limit + 1)
        let events = try ticks.events(source, atMost: limit + 1, in: session)
        if events.count > limit, let end = events.prefix(limit).last {
            var partial = position
            partial.part = (window, end.id, try ticks.lastID(in: window, of: [stream], session: session))
            return (.events(Array(events.prefix(limit))), partial)
        }
        return (events.isEmpty ? nil : .events(events), Position(tick: window.laterTick, snapshot: window.later))
    }

    private func read(
        _ part: (window: TickWindow, after: Int64, last: Int64),
        at position: Position,
        in session: borrowing Session
    ) throws -> (Element?, Position) {
        let source = ticks.within(
            part.window,
            [stream],
            EventFilter(),
            after: part.after,
            through: part.last,
            atMost: limit
        )
        let events = try ticks.events(source, atMost: limit, in: session)
        var next = Position(tick: part.window.laterTick, snapshot: part.window.later)
        if events.count == limit, let end = events.last {
            next = position
            next.part = (part.window, end.id, part.last)
        }
        return (events.isEmpty ? nil : .events(events), next)
    }

    private func restart(in session: borrowing Session) throws -> (Element?, Position) {
        let newest = try ticks.newest(in: session)
        return (.restarted, Position(tick: newest.tick, snapshot: newest.snapshot))
    }
}
