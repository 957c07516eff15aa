import Model
import Postgres

/// What lies between two snapshots: fixed for ever, whatever commits late.
struct TickWindow: Hashable, Sendable {
    /// The tick that has been read.
    let earlierTick: Int64
    /// Its snapshot, as text.
    let earlier: String
    /// The tick to read up to.
    let laterTick: Int64
    /// Its snapshot, as text.
    let later: String
}

/// Which events of a window are wanted.
struct EventFilter: Sendable {
    /// Only these shards; nil is all.
    var shards: [Int16]?
    /// Only this campus; nil is all.
    var campus: CampusID?
}

/// Reads ticks, and the events between them.
struct TickStore: Sendable {
    /// The newest tick and its snapshot.
    func newest(in session: borrowing Session) throws -> (tick: Int64, snapshot: String) {
        try session.one("select tick, snapshot::text from campus.tick order by tick desc limit 1") {
            (try $0[0], try $0[1])
        }
    }

    /// The number of the newest tick.
    func newestNumber(in session: borrowing Session) throws -> Int64 {
        try session.one("select coalesce(max(tick), 0) from campus.tick") { try $0[0] }
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
            select a.snapshot::text, b.tick, b.snapshot::text
            from campus.tick a
            left join lateral (\(lastTick(ceiling: ceiling, maximumTicks: maximumTicks))) b on true
            where a.tick = \(tick)
            """
        ) { row in
            guard let later: Int64 = try row[1] else { return nil }
            return TickWindow(earlierTick: tick, earlier: try row[0], laterTick: later, later: try row[2])
        }
        guard let first = found.first else { throw EventLogError.tickMissing(tick) }
        return first
    }

    /// The first events by id after `tick`, over at most that many ticks and not beyond `ceiling`, and the last of these ticks; nil
    /// when there is none.
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
    ) throws -> (tick: Int64, events: [RecordedEvent])? {
        let found: [(later: Int64?, event: RecordedEvent?)] = try session.query(
            """
            select e.*, b.tick
            from campus.tick a
            left join lateral (\(lastTick(ceiling: ceiling, maximumTicks: maximumTicks))) b on true
            left join lateral (
                select * from (\(between("a.snapshot", "b.snapshot", streams, filter, atMost: limit))) u
                order by u.id limit \(limit)
            ) e on b.tick is not null
            where a.tick = \(tick)
            order by e.id
            """
        ) { row in
            let id: Int64? = try row[1]
            return (try row[12], id == nil ? nil : try RecordedEvent(row))
        }
        guard let first = found.first else { throw EventLogError.tickMissing(tick) }
        guard let later = first.later else { return nil }
        return (later, found.compactMap(\.event))
    }

    /// The last of the ticks after that of `a`.
    private func lastTick(ceiling: Int64, maximumTicks: Int) -> SQL {
        """
        select n.tick, n.snapshot
        from (
            select t.tick, t.snapshot from campus.tick t
            where t.tick > a.tick and t.tick <= \(ceiling) order by t.tick limit \(maximumTicks)
        ) n
        order by n.tick desc limit 1
        """
    }

    /// The statement that reads the first events of a window, by id; see `campus.{stream}_events_between`.
    func between(_ window: TickWindow, _ streams: [EventStream], _ filter: EventFilter, atMost limit: Int) -> SQL {
        between("\(window.earlier)::pg_snapshot", "\(window.later)::pg_snapshot", streams, filter, atMost: limit)
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
                    \(filter.shards as [Int16]?), \(filter.campus as CampusID?), \(Int32(clamping: limit))
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
                    \(window.earlier)::pg_snapshot, \(window.later)::pg_snapshot,
                    campus.snapshot_floor(\(window.earlier)::pg_snapshot),
                    \(filter.shards as [Int16]?), \(filter.campus as CampusID?), \(after), \(last), \(Int32(clamping: limit))
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
                    \(window.earlier)::pg_snapshot, \(window.later)::pg_snapshot,
                    campus.snapshot_floor(\(window.earlier)::pg_snapshot)
                ), 0)
                """
            ) { try $0[0] }
            return max(greatest, last)
        }
    }

    /// Runs a statement made by ``between(_:_:_:atMost:)`` or ``within(_:_:_:after:through:atMost:)``.
    func events(_ source: SQL, atMost limit: Int, in session: borrowing Session) throws -> [RecordedEvent] {
        try session.query("select * from (\(source)) e order by e.id limit \(limit)") { try RecordedEvent($0) }
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
