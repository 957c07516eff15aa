import Model
import Postgres

/// A tick, told from another that was given the same number.
///
/// Ticks are committed without waiting for the disk: a crash may lose the newest ones, and their numbers are then given again. Who keeps
/// its place outside the database compares the time too; cursors need not, for a commit after the tick's flushes the tick.
struct TickMark: Hashable, Sendable {
    /// Its number.
    let number: Int64
    /// When it was closed, by the server's clock.
    let recordedAt: Timestamp
}

/// What lies between two snapshots: fixed for ever, whatever commits late.
struct TickWindow: Hashable, Sendable {
    /// The tick that has been read.
    let earlier: TickMark
    /// Its snapshot, as text.
    let earlierSnapshot: String
    /// The tick to read up to.
    let later: TickMark
    /// Its snapshot, as text.
    let laterSnapshot: String
}

/// The first events after a tick.
struct EventsAfterTick: Sendable {
    /// The tick after which they are.
    let earlier: TickMark
    /// The last tick looked at; nil when there is none after the earlier one.
    let later: TickMark?
    /// The events, by id.
    let events: [RecordedEvent]
}

/// Which events of a window are wanted.
struct EventFilter: Sendable {
    /// Only these shards; nil is all.
    var shards: [Int16]?
}

/// Reads ticks, and the events between them.
struct TickStore: Sendable {
    /// The newest tick.
    func newest(in session: borrowing Session) throws -> TickMark {
        try session.one("select tick, recorded_at from campus.tick order by tick desc limit 1") {
            try TickMark($0, 0, 1)
        }
    }

    /// This tick if it exists, or the last one before it; nil when that is gone too.
    func last(notAfter mark: TickMark, in session: borrowing Session) throws -> TickMark? {
        try session.first(
            """
            select tick, recorded_at from campus.tick
            where tick < \(mark.number) or (tick = \(mark.number) and recorded_at = \(mark.recordedAt))
            order by tick desc limit 1
            """
        ) { try TickMark($0, 0, 1) }
    }

    /// The window from `tick` over at most that many ticks and not beyond `ceiling`; nil when there is no later tick.
    ///
    /// - Throws: `EventLogError.tickMissing` when the tick to read from is gone.
    func window(
        after tick: Int64,
        ceiling: Int64 = .max,
        maximumTicks: Int,
        in session: borrowing Session
    ) throws -> TickWindow? {
        let found: [TickWindow?] = try session.query(
            """
            select a.recorded_at, a.snapshot::text, b.tick, b.recorded_at, b.snapshot::text
            from campus.tick a
            left join lateral (\(lastTick(ceiling: ceiling, maximumTicks: maximumTicks))) b on true
            where a.tick = \(tick)
            """
        ) { row in
            guard try row[2] as Int64? != nil else { return nil }
            return TickWindow(
                earlier: TickMark(number: tick, recordedAt: try row[0]),
                earlierSnapshot: try row[1],
                later: try TickMark(row, 2, 3),
                laterSnapshot: try row[4]
            )
        }
        guard let first = found.first else { throw EventLogError.tickMissing(tick) }
        return first
    }

    /// The first events by id after `tick`, over at most that many ticks and not beyond `ceiling`.
    ///
    /// The same as a window and the events between, in one round trip.
    ///
    /// - Throws: `EventLogError.tickMissing` when the tick to read from is gone.
    func next(
        after tick: Int64,
        ceiling: Int64,
        maximumTicks: Int,
        _ streams: [EventStream],
        _ filter: EventFilter,
        atMost limit: Int,
        in session: borrowing Session
    ) throws -> EventsAfterTick {
        let found: [(earlier: TickMark, later: TickMark?, event: RecordedEvent?)] = try session.query(
            """
            select e.*, a.recorded_at, b.tick, b.recorded_at
            from campus.tick a
            left join lateral (\(lastTick(ceiling: ceiling, maximumTicks: maximumTicks))) b on true
            left join lateral (
                select * from (\(between("a.snapshot", "b.snapshot", streams, filter, atMost: limit))) u
                order by u.id limit \(rows: limit)
            ) e on b.tick is not null
            where a.tick = \(tick)
            order by e.id
            """
        ) { row in
            (
                TickMark(number: tick, recordedAt: try row[12]),
                try row[13] as Int64? == nil ? nil : try TickMark(row, 13, 14),
                try row[1] as Int64? == nil ? nil : try RecordedEvent(row)
            )
        }
        guard let first = found.first else { throw EventLogError.tickMissing(tick) }
        return EventsAfterTick(earlier: first.earlier, later: first.later, events: found.compactMap(\.event))
    }

    /// The last of the ticks after that of `a`.
    private func lastTick(ceiling: Int64, maximumTicks: Int) -> SQL {
        """
        select n.tick, n.snapshot, n.recorded_at
        from (
            select t.tick, t.snapshot, t.recorded_at from campus.tick t
            where t.tick > a.tick and t.tick <= \(ceiling) order by t.tick limit \(rows: maximumTicks)
        ) n
        order by n.tick desc limit 1
        """
    }

    /// The statement that reads the first events of a window, by id; see `campus.{stream}_events_between`.
    func between(_ window: TickWindow, _ streams: [EventStream], _ filter: EventFilter, atMost limit: Int) -> SQL {
        between(
            "\(window.earlierSnapshot)::pg_snapshot",
            "\(window.laterSnapshot)::pg_snapshot",
            streams,
            filter,
            atMost: limit
        )
    }

    private func between(
        _ earlier: SQL,
        _ later: SQL,
        _ streams: [EventStream],
        _ filter: EventFilter,
        atMost limit: Int
    ) -> SQL {
        union(streams) { stream in
            let function = SQL(stringLiteral: "campus.\(stream.rawValue)_events_between")
            return """
                \(function)(
                    \(earlier), \(later), campus.snapshot_floor(\(earlier)),
                    \(filter.shards as [Int16]?), null, \(Int32(clamping: limit))
                )
                """
        }
    }

    /// The statement that reads a part of a window too large for one batch; see `campus.{stream}_events_within`.
    func within(
        _ window: TickWindow,
        _ streams: [EventStream],
        _ filter: EventFilter,
        after: Int64,
        through last: Int64,
        atMost limit: Int
    ) -> SQL {
        union(streams) { stream in
            let function = SQL(stringLiteral: "campus.\(stream.rawValue)_events_within")
            return """
                \(function)(
                    \(window.earlierSnapshot)::pg_snapshot, \(window.laterSnapshot)::pg_snapshot,
                    campus.snapshot_floor(\(window.earlierSnapshot)::pg_snapshot),
                    \(filter.shards as [Int16]?), null, \(after), \(last), \(Int32(clamping: limit))
                )
                """
        }
    }

    /// The greatest id in a window; 0 when it is empty.
    func lastID(in window: TickWindow, of streams: [EventStream], session: borrowing Session) throws -> Int64 {
        try streams.reduce(Int64(0)) { greatest, stream in
            let function = SQL(stringLiteral: "campus.\(stream.rawValue)_last_event")
            let last: Int64 = try session.one(
                """
                select coalesce(\(function)(
                    \(window.earlierSnapshot)::pg_snapshot, \(window.laterSnapshot)::pg_snapshot,
                    campus.snapshot_floor(\(window.earlierSnapshot)::pg_snapshot)
                ), 0)
                """
            ) { try $0[0] }
            return max(greatest, last)
        }
    }

    /// Runs a statement made by ``between(_:_:_:atMost:)`` or ``within(_:_:_:after:through:atMost:)``.
    func events(_ source: SQL, atMost limit: Int, in session: borrowing Session) throws -> [RecordedEvent] {
        try session.query("select * from (\(source)) e order by e.id limit \(rows: limit)") { try RecordedEvent($0) }
    }

    private func union(_ streams: [EventStream], _ function: (EventStream) -> SQL) -> SQL {
        var all: SQL = ""
        for (index, stream) in streams.enumerated() {
            if index > 0 { all += " union all " }
            let name = SQL(stringLiteral: "'\(stream.rawValue)'::text")
            all += "select \(name) as stream, \(RecordedEvent.columns) from \(function(stream)) e"
        }
        return all
    }
}

extension TickMark {
    /// Reads a number and a time from these columns.
    init(_ row: Row, _ number: Int, _ recordedAt: Int) throws {
        self.init(number: try row[number], recordedAt: try row[recordedAt])
    }
}
