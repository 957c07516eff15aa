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

/// Nothing can be said to follow from a position.
public struct FeedPositionLost: Error, Hashable, Sendable {
    /// Why.
    public enum Reason: String, Hashable, Sendable {
        /// Events that follow it are no longer kept.
        case expired
        /// The database was restored, or another server took over, since it was given out.
        case epoch
    }

    /// Why.
    public let reason: Reason
    /// Where reading can go on with the least loss: at the oldest event kept, or at the same place in the present timeline.
    public let resume: FeedPosition
}

/// Reads the past of the log for one campus, page by page, from any position since which all events are kept.
///
/// It misses nothing, whatever commits late: pages end at ticks, and the events of a tick are those that became visible in it. Events of one
/// root are in order. A reader that comes back after hours may get up to ten seconds of events a second time, with the same ids; one that
/// stood at a tick which the server lost in a crash, those since the tick before.
public struct FeedReader: Sendable {
    private let store: FeedStore
    private let ticks = TickStore()

    /// How many events of a campus one page looks at when it wants but some of them.
    private static let selectiveScan = 1_000
    /// How long before its tick an event may have been recorded: long transactions, and clocks that are set.
    static let slack = Duration.seconds(3_600)
    /// Events are kept for a day at least, so younger positions need no look at what is kept.
    private static let certainlyKept = Duration.days(1) - slack

    /// A reader of these streams, in one order.
    public init(streams: [EventStream]) {
        store = FeedStore(streams: streams)
    }

    /// The position before the oldest event that is kept.
    public func oldest(in session: borrowing Session) throws -> FeedPosition {
        try store.oldest(in: session)
    }

    /// The position after the newest event.
    public func newest(in session: borrowing Session) throws -> FeedPosition {
        try store.newest(in: session)
    }

    /// Reads a page; a bounded amount of work, whatever the position and whatever happens in other campuses.
    ///
    /// Mostly it takes one round trip, so it may run outside a transaction.
    ///
    /// - Parameters:
    ///   - position: where to start.
    ///   - campus: whose events.
    ///   - filter: which of them.
    ///   - limit: the most events; at least 1.
    ///   - session: where to read.
    /// - Returns: the page.
    /// - Throws: ``FeedPositionLost``, or `PostgresError`.
    public func read(
        after position: FeedPosition,
        campus: CampusID,
        matching filter: FeedFilter = FeedFilter(),
        limit: Int,
        in session: borrowing Session
    ) throws -> FeedPage {
        let limit = max(1, limit)
        let scan = filter.isSelective ? max(limit, Self.selectiveScan) : limit
        func events(after start: FeedPosition, _ session: borrowing Session) throws -> EventsAfterPosition? {
            try store.events(after: start, of: campus, filter, scanning: scan, atMost: limit + 1, in: session)
        }
        var start = position
        var found = try events(after: start, session)
        if found == nil {
            // Most ticks are removed after hours, and a crash may lose the newest: the last one before stands in.
            let tick = try ticks.last(notAfter: position.tick, in: session) ?? .beforeAll
            start = FeedPosition(timeline: position.timeline, tick: tick, asOf: position.asOf)
            found = try events(after: start, session)
        }
        guard let found else { return FeedPage(events: [], next: start, isAtEnd: false) }
        try check(start, found, in: session)
        return page(found, limit, from: start)
    }

    /// Which of these campuses have events after a position; all of them when that cannot be told.
    public func advance(
        of campuses: Set<CampusID>,
        since position: FeedPosition,
        in session: borrowing Session
    ) throws -> FeedAdvance {
        try store.advance(of: campuses, since: position, in: session)
            ?? FeedAdvance(campuses: campuses, position: store.newest(in: session))
    }

    /// Throws when events that follow a position may be missing from what was found.
    ///
    /// It is asked after reading: what was still kept then was there while it was read.
    private func check(_ start: FeedPosition, _ found: EventsAfterPosition, in session: borrowing Session) throws {
        if found.readAt.duration(since: start.asOf) > Self.certainlyKept,
            start.asOf < (try store.keptSince(in: session)) + Self.slack
        {
            throw FeedPositionLost(reason: .expired, resume: try oldest(in: session))
        }
        guard found.timeline == start.timeline else {
            let resume = FeedPosition(timeline: found.timeline, tick: start.tick, asOf: start.asOf)
            throw FeedPositionLost(reason: .epoch, resume: resume)
        }
    }

    /// A page of what was found after a position, of which one event more than fits was asked for.
    private func page(_ found: EventsAfterPosition, _ limit: Int, from start: FeedPosition) -> FeedPage {
        let later = found.later ?? start.tick
        guard found.events.count > limit else {
            let next = FeedPosition(
                timeline: found.timeline,
                tick: later,
                asOf: found.isNewest ? found.readAt : max(start.asOf, later.recordedAt)
            )
            return FeedPage(events: found.events, next: next, isAtEnd: found.isNewest)
        }
        let events = Array(found.events.prefix(limit))
        let part = events.last.map { FeedPosition.Part(through: later, eventID: $0.id) }
        let next = FeedPosition(timeline: found.timeline, tick: start.tick, asOf: start.asOf, part: part)
        return FeedPage(events: events, next: next, isAtEnd: false)
    }
}
