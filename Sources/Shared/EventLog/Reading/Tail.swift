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
        var tick: TickMark
        /// Where in the next ticks, when they are read in parts.
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
        position = try await pool.autocommit { [ticks] in Position(tick: try ticks.newest(in: $0)) }
    }

    /// Waits for events; starts the tail if it has not been.
    ///
    /// - Throws: `CancellationError`, or why it cannot read; it may be called again then and misses nothing.
    public mutating func next() async throws -> Element {
        if position == nil { try await start() }
        while let current = position {
            let reader = self
            let (element, next) = try await pool.autocommit { try reader.read(current, in: $0) }
            position = next
            if let element { return element }
            if next.tick == current.tick { _ = try await wakeup.wait(atMost: poll) }
        }
        throw CancellationError()
    }

    /// What is next, and the position after it; mostly in one round trip.
    private func read(_ position: Position, in session: borrowing Session) throws -> (Element?, Position) {
        do {
            if let part = position.part { return try read(part, at: position, in: session) }
            let found = try ticks.next(
                after: position.tick.number,
                ceiling: .max,
                maximumTicks: BatchReader.mostTicksAtOnce,
                [stream],
                EventFilter(),
                atMost: limit + 1,
                in: session
            )
            guard found.earlier == position.tick else { return try restart(in: session) }
            guard let later = found.later else { return (nil, position) }
            guard found.events.count > limit else {
                return (found.events.isEmpty ? nil : .events(found.events), Position(tick: later))
            }
            let events = Array(found.events.prefix(limit))
            let window = try ticks.window(
                after: position.tick.number,
                ceiling: later.number,
                maximumTicks: Int(Int32.max),
                in: session
            )
            guard let window, let end = events.last else { return try restart(in: session) }
            let last = try ticks.lastID(in: window, of: [stream], session: session)
            return (.events(events), Position(tick: position.tick, part: (window, end.id, last)))
        } catch EventLogError.tickMissing {
            return try restart(in: session)
        }
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
        var next = Position(tick: part.window.later)
        if events.count == limit, let end = events.last {
            next = position
            next.part = (part.window, end.id, part.last)
        }
        return (events.isEmpty ? nil : .events(events), next)
    }

    private func restart(in session: borrowing Session) throws -> (Element?, Position) {
        (.restarted, Position(tick: try ticks.newest(in: session)))
    }
}
