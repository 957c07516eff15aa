import Model
import Postgres

/// Some events of the log, and where to go on.
public struct FeedPage: Sendable {
    /// The events, in order; none is possible before the end is reached.
    public let events: [RecordedEvent]
    /// Where the next page starts.
    public let next: FeedPosition
    /// Whether there is nothing more for now.
    public let isAtEnd: Bool
}

/// Reads the past of the log for one campus, page by page, from any position of the last thirty days.
///
/// It misses nothing. A reader that comes back after hours may get up to ten seconds of events a second time, with the same ids; one that
/// stood at a tick which the server lost in a crash, those since the tick before.
public struct FeedReader: Sendable {
    private let streams: [EventStream]
    private let ticks = TickStore()

    /// A reader of these streams, in one order.
    public init(streams: [EventStream]) {
        self.streams = streams
    }

    /// The position before the oldest event.
    public func oldest(in session: borrowing Session) throws -> FeedPosition {
        FeedPosition(tick: try ticks.oldest(in: session))
    }

    /// The position after the newest event.
    public func newest(in session: borrowing Session) throws -> FeedPosition {
        FeedPosition(tick: try ticks.newest(in: session))
    }

    /// Reads a page; a bounded amount of work, whatever the position.
    ///
    /// Mostly it takes one round trip, so it may run outside a transaction.
    ///
    /// - Parameters:
    ///   - position: where to start.
    ///   - campus: whose events.
    ///   - limit: the most events; at least 1.
    ///   - session: where to read.
    /// - Returns: the page.
    /// - Throws: `PostgresError`.
    public func read(
        after position: FeedPosition,
        campus: CampusID,
        limit: Int,
        in session: borrowing Session
    ) throws -> FeedPage {
        let limit = max(1, limit)
        let filter = EventFilter(campus: campus)
        if let page = try page(after: position, filter, limit, in: session) { return page }
        // Most ticks are removed after hours, and a crash may lose the newest: the last one before stands in.
        let known = FeedPosition(tick: try ticks.last(notAfter: position.tick, in: session))
        return try page(after: known, filter, limit, in: session)
            ?? FeedPage(events: [], next: known, isAtEnd: false)
    }

    /// The page after a position; nil when one of its ticks is not there any more.
    private func page(
        after position: FeedPosition,
        _ filter: EventFilter,
        _ limit: Int,
        in session: borrowing Session
    ) throws -> FeedPage? {
        do {
            if let part = position.part {
                return try page(from: part, of: position.tick, filter, limit, in: session)
            }
            let found = try ticks.next(
                after: position.tick.number,
                ceiling: .max,
                maximumTicks: BatchReader.mostTicksAtOnce,
                streams,
                filter,
                atMost: limit + 1,
                in: session
            )
            guard found.earlier == position.tick else { return nil }
            guard let later = found.later else { return FeedPage(events: [], next: position, isAtEnd: true) }
            return page(found.events, limit, from: position.tick, through: later)
        } catch EventLogError.tickMissing {
            return nil
        }
    }

    private func page(
        from part: FeedPosition.Part,
        of tick: TickMark,
        _ filter: EventFilter,
        _ limit: Int,
        in session: borrowing Session
    ) throws -> FeedPage? {
        let window = try ticks.window(
            after: tick.number,
            ceiling: part.through.number,
            maximumTicks: Int(Int32.max),
            in: session
        )
        guard let window, window.earlier == tick, window.later == part.through else { return nil }
        let source = ticks.within(
            window,
            streams,
            filter,
            after: part.eventID,
            through: try ticks.lastID(in: window, of: streams, session: session),
            atMost: limit + 1
        )
        let events = try ticks.events(source, atMost: limit + 1, in: session)
        return page(events, limit, from: tick, through: part.through)
    }

    /// A page of what was found between two ticks, of which one event more than fits was asked for.
    private func page(_ found: [RecordedEvent], _ limit: Int, from tick: TickMark, through later: TickMark) -> FeedPage
    {
        guard found.count > limit else {
            return FeedPage(events: found, next: FeedPosition(tick: later), isAtEnd: false)
        }
        let events = Array(found.prefix(limit))
        let part = events.last.map { FeedPosition.Part(through: later, eventID: $0.id) }
        return FeedPage(events: events, next: FeedPosition(tick: tick, part: part), isAtEnd: false)
    }
}
