import Model
import Postgres

/// The events of a campus that follow a position.
struct EventsAfterPosition: Sendable {
    /// The tick after which they are.
    let earlier: TickMark
    /// The tick up to which they are; nil when there is none after the earlier one.
    let later: TickMark?
    /// Whether nothing has been ticked after them.
    let isNewest: Bool
    /// When they were read, by the server's clock.
    let readAt: Timestamp
    /// The server's timeline.
    let timeline: Int64
    /// The events, by id.
    var events: [RecordedEvent] = []
}

/// Campuses that something happened in.
public struct FeedAdvance: Sendable {
    /// Those in which it did.
    public let campuses: Set<CampusID>
    /// Up to where that is so.
    public let position: FeedPosition
}

/// Reads the events of single campuses between ticks; see `M0052_event_feed.sql`.
struct FeedStore: Sendable {
    let streams: [EventStream]

    /// The first events of a campus after a position, by id.
    ///
    /// - Parameters:
    ///   - position: where to start.
    ///   - campus: whose events.
    ///   - filter: which of them.
    ///   - scan: about how many events of the campus in each stream to look at.
    ///   - limit: the most events.
    ///   - session: where to read; one round trip.
    /// - Returns: what was found; nil when a tick of the position is not there, or is another of the same number.
    /// - Throws: `PostgresError`.
    func events(
        after position: FeedPosition,
        of campus: CampusID,
        _ filter: FeedFilter,
        scanning scan: Int,
        atMost limit: Int,
        in session: borrowing Session
    ) throws -> EventsAfterPosition? {
        let rows = try session.query(
            """
            select e.*, a.recorded_at, b.tick, b.recorded_at,
                not exists (select from campus.tick n where n.tick > coalesce(b.tick, a.tick)),
                statement_timestamp(), \(Timeline.current)
            from (\(beginning(position))) a
            left join lateral (\(end(of: position, campus, scan))) b on true
            left join lateral (
                select * from (\(events(of: campus, filter, after: position.part?.eventID ?? 0, atMost: limit))) u
                order by u.id limit \(rows: limit)
            ) e on b.tick is not null
            order by e.id
            """
        ) { row in
            let found = EventsAfterPosition(
                earlier: TickMark(number: position.tick.number, recordedAt: try row[12]),
                later: try row[13] as Int64? == nil ? nil : try TickMark(row, 13, 14),
                isNewest: try row[15],
                readAt: try row[16],
                timeline: try row[17]
            )
            return (found, try row[1] as Int64? == nil ? nil : try RecordedEvent(row))
        }
        guard var found = rows.first?.0, found.earlier == position.tick else { return nil }
        if let part = position.part, found.later != part.through { return nil }
        found.events = rows.compactMap(\.1)
        return found
    }

    /// The tick from which to read.
    private func beginning(_ position: FeedPosition) -> SQL {
        // Transactions are numbered from 3.
        position.tick == .beforeAll
            ? "select 0::bigint as tick, '3:3:'::pg_snapshot as snapshot, to_timestamp(0) as recorded_at"
            : "select t.tick, t.snapshot, t.recorded_at from campus.tick t where t.tick = \(position.tick.number)"
    }

    /// The tick up to which to read: that of a part, or one that has about as many events of the campus before it as are looked at.
    private func end(of position: FeedPosition, _ campus: CampusID, _ scan: Int) -> SQL {
        if let part = position.part {
            return "select t.* from campus.tick t where t.tick = \(part.through.number)"
        }
        var ahead: SQL = "least("
        for (index, stream) in streams.enumerated() {
            let function = SQL(stringLiteral: "campus.\(stream.rawValue)_campus_ahead")
            ahead += index > 0 ? ", " : ""
            ahead += "\(function)(\(campus), a.snapshot, \(Int32(clamping: scan)))"
        }
        ahead += ")"
        return "select t.* from campus.tick_short_of(a.tick, \(ahead)) t"
    }

    private func events(of campus: CampusID, _ filter: FeedFilter, after id: Int64, atMost limit: Int) -> SQL {
        var all: SQL = ""
        for (index, stream) in streams.enumerated() {
            let name = SQL(stringLiteral: "'\(stream.rawValue)'::text")
            let function = SQL(stringLiteral: "campus.\(stream.rawValue)_events_of_campus")
            all += index > 0 ? " union all " : ""
            all += """
                select \(name) as stream, \(RecordedEvent.columns) from \(function)(
                    \(campus), a.snapshot, b.snapshot, \(id), \(filter.types as [String]?), \(filter.excludedTypes),
                    \(filter.root as AnyID?), \(Int32(clamping: limit))
                ) e
                """
        }
        return all
    }

    /// Which of these campuses have events after a position, and up to where that was looked at; nil when its tick is not there.
    func advance(
        of campuses: Set<CampusID>,
        since position: FeedPosition,
        in session: borrowing Session
    ) throws -> FeedAdvance? {
        var happened: SQL = ""
        for (index, stream) in streams.enumerated() {
            let function = SQL(stringLiteral: "campus.\(stream.rawValue)_events_of_campus")
            happened += index > 0 ? " or " : ""
            happened += "exists (select from \(function)(c.campus, a.snapshot, b.snapshot, 0, null, '{}', null, 1))"
        }
        return try session.first(
            """
            select b.tick, b.recorded_at, \(Timeline.current),
                array(select c.campus from unnest(\(Array(campuses))) c (campus) where a.tick < b.tick and (\(happened)))
            from campus.tick a
            cross join (select t.* from campus.tick t order by t.tick desc limit 1) b
            where a.tick = \(position.tick.number) and a.recorded_at = \(position.tick.recordedAt)
            """
        ) { row in
            FeedAdvance(
                campuses: Set(try row[3] as [CampusID]),
                position: FeedPosition(timeline: try row[2], tick: try TickMark(row, 0, 1))
            )
        }
    }

    /// The last tick.
    func newest(in session: borrowing Session) throws -> FeedPosition {
        try session.one(
            """
            select t.tick, t.recorded_at, \(Timeline.current), statement_timestamp()
            from campus.tick t order by t.tick desc limit 1
            """
        ) { FeedPosition(timeline: try $0[2], tick: try TickMark($0, 0, 1), asOf: try $0[3]) }
    }

    /// The place before every event that is still there.
    func oldest(in session: borrowing Session) throws -> FeedPosition {
        try session.one("select \(Timeline.current), campus.events_kept_since()") { row in
            FeedPosition(timeline: try row[0], tick: .beforeAll, asOf: try row[1] + FeedReader.slack)
        }
    }

    /// Since when every event is still there.
    func keptSince(in session: borrowing Session) throws -> Timestamp {
        try session.one("select campus.events_kept_since()") { try $0[0] }
    }
}

extension TickMark {
    /// A tick before the first, in which nothing had happened yet.
    static let beforeAll = TickMark(number: 0, recordedAt: Timestamp(seconds: 0))
}
