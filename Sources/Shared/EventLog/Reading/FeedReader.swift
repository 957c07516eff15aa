import Model
import Postgres

/// A place in the log between two events, which a reader keeps and comes back with.
public struct FeedPosition: Hashable, Sendable {
    /// The tick up to which everything was read.
    let tick: Int64
    /// When it is not 0, what lies between the two ticks was read in part.
    let through: Int64
    /// The event up to which that part goes.
    let eventID: Int64
}

extension FeedPosition: LosslessStringConvertible {
    /// The position as text: three numbers with dots, opaque to readers.
    public var description: String { "\(tick).\(through).\(eventID)" }

    /// Reads the text form; nil for anything else.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Int64($0) }
        guard parts.count == 3, let tick = parts[0], let through = parts[1], let eventID = parts[2] else { return nil }
        guard tick >= 0, eventID >= 0, through == 0 ? eventID == 0 : through > tick else { return nil }
        self.init(tick: tick, through: through, eventID: eventID)
    }
}

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
/// It misses nothing. A reader that comes back after hours may get up to ten seconds of events a second time, with the same ids.
public struct FeedReader: Sendable {
    private let streams: [EventStream]
    private let ticks = TickStore()

    /// A reader of these streams, in one order.
    public init(streams: [EventStream]) {
        self.streams = streams
    }

    /// The position before the oldest event.
    public func oldest(in session: borrowing Session) throws -> FeedPosition {
        let tick: Int64 = try session.one("select min(tick) from campus.tick") { try $0[0] }
        return FeedPosition(tick: tick, through: 0, eventID: 0)
    }

    /// The position after the newest event.
    public func newest(in session: borrowing Session) throws -> FeedPosition {
        FeedPosition(tick: try ticks.newestNumber(in: session), through: 0, eventID: 0)
    }

    /// Reads a page; a bounded amount of work, whatever the position.
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
        let start = try known(position, in: session)
        let limit = max(1, limit)
        let filter = EventFilter(campus: campus)
        guard
            let window = try ticks.window(
                after: start.tick,
                ceiling: start.through == 0 ? .max : start.through,
                maximumTicks: start.through == 0 ? BatchReader.mostTicksAtOnce : Int(Int32.max),
                in: session
            )
        else { return FeedPage(events: [], next: start, isAtEnd: true) }
        let source: SQL =
            if start.through == 0 {
                ticks.between(window, streams, filter, atMost: limit + 1)
            } else {
                ticks.within(
                    window,
                    streams,
                    filter,
                    after: start.eventID,
                    through: try ticks.lastID(in: window, of: streams, session: session),
                    atMost: limit + 1
                )
            }
        let events = try ticks.events(source, atMost: limit + 1, in: session)
        guard events.count > limit, let end = events.prefix(limit).last else {
            let next = FeedPosition(tick: window.laterTick, through: 0, eventID: 0)
            return FeedPage(events: events, next: next, isAtEnd: false)
        }
        let next = FeedPosition(tick: window.earlierTick, through: window.laterTick, eventID: end.id)
        return FeedPage(events: Array(events.prefix(limit)), next: next, isAtEnd: false)
    }

    /// The position, or the nearest one before it of which the ticks still exist: most ticks are removed after hours.
    private func known(_ position: FeedPosition, in session: borrowing Session) throws -> FeedPosition {
        let wanted = position.through == 0 ? [position.tick] : [position.tick, position.through]
        let existing: Int = try session.one(
            "select count(*) from campus.tick where tick = any (\(wanted))"
        ) { try $0[0] }
        if existing == wanted.count { return position }
        let earlier: Int64 = try session.one(
            """
            select coalesce(
                (select max(tick) from campus.tick where tick <= \(position.tick)),
                (select min(tick) from campus.tick)
            )
            """
        ) { try $0[0] }
        return FeedPosition(tick: earlier, through: 0, eventID: 0)
    }
}
