import Model
import Postgres

/// A group's cursors, leases and members, in the tables of one service.
struct CursorStore: Sendable {
    let consumer: String
    let member: String
    let lease: Duration
    private let tables: LogTables

    init(consumer: String, member: String, owner: EventStream, lease: Duration) {
        self.consumer = consumer
        self.member = member
        self.lease = lease
        self.tables = LogTables(owner)
    }

    /// Creates the group's cursors where they do not exist.
    func register(_ streams: [EventStream], start: ConsumerOptions.Start, in session: borrowing Session) throws {
        let edge: SQL =
            switch start {
            case .oldest: "min(tick)"
            case .newest: "max(tick)"
            }
        try session.execute(
            """
            insert into \(tables.cursor) (consumer, shard, streams, tick)
            select \(consumer), shard, \(streams.map(\.rawValue)), (select \(edge) from campus.tick)
            from unnest(\(Shard.all)) shard
            order by shard
            on conflict (consumer, shard) do update set streams = excluded.streams
                where \(tables.cursor).streams <> excluded.streams
            """
        )
    }

    /// Says that this member lives; returns all that do.
    func announce(in session: borrowing Session) throws -> [String] {
        try session.pipeline([
            """
            insert into \(tables.member) (consumer, member, alive_until) values (\(consumer), \(member), now() + \(lease))
            on conflict (consumer, member) do update set alive_until = excluded.alive_until
            """,
            """
            delete from \(tables.member) where (consumer, member) in (
                select consumer, member from \(tables.member)
                where consumer = \(consumer) and alive_until < now() - \(lease) for update skip locked
            )
            """,
        ])
        return try session.query(
            "select member from \(tables.member) where consumer = \(consumer) and alive_until > now() order by member"
        ) { try $0[0] }
    }

    /// Renews what this member holds, and gives back what is more than its share.
    ///
    /// - Returns: what it still holds.
    func renew(keeping share: Int, in session: borrowing Session) throws -> [Cursor] {
        let held = try session.query(
            """
            select shard, epoch, tick, event_id from \(tables.cursor)
            where consumer = \(consumer) and lease_by = \(member) order by shard for update
            """
        ) { try Cursor($0) }
        let kept = Array(held.prefix(share))
        try session.pipeline([
            """
            update \(tables.cursor) set lease_until = now() + \(lease)
            where consumer = \(consumer) and shard = any (\(kept.map(\.shard)))
            """,
            """
            update \(tables.cursor) set lease_by = null, lease_until = null
            where consumer = \(consumer) and shard = any (\(held.dropFirst(share).map(\.shard)))
            """,
        ])
        return kept
    }

    /// Takes shards that nobody holds, raising their epoch so that whoever held them before is fenced off.
    func acquire(atMost count: Int, in session: borrowing Session) throws -> [Cursor] {
        try session.query(
            """
            with free as materialized (
                select shard from \(tables.cursor)
                where consumer = \(consumer) and (lease_until is null or lease_until < now())
                order by shard limit \(rows: count) for update skip locked
            )
            update \(tables.cursor) c
            set epoch = c.epoch + 1, lease_by = \(member), lease_until = now() + \(lease)
            from free where c.consumer = \(consumer) and c.shard = free.shard
            returning c.shard, c.epoch, c.tick, c.event_id
            """
        ) { try Cursor($0) }
    }

    /// Gives everything back, for others to take at once.
    func resign(in session: borrowing Session) throws {
        try session.pipeline([
            """
            update \(tables.cursor) set lease_by = null, lease_until = null
            where consumer = \(consumer) and shard in (
                select shard from \(tables.cursor)
                where consumer = \(consumer) and lease_by = \(member) order by shard for update
            )
            """,
            "delete from \(tables.member) where consumer = \(consumer) and member = \(member)",
        ])
    }

    /// Locks what this member holds, so that it stays so until the end of the transaction.
    ///
    /// - Throws: `EventLogError.leaseLost` when it does not hold all of it any more.
    func lock(_ held: [Cursor], in session: borrowing Session) throws {
        let locked = try session.execute(
            """
            select from \(tables.cursor) c
            join unnest(\(held.map(\.shard)), \(held.map(\.epoch))) as held (shard, epoch)
                on held.shard = c.shard and held.epoch = c.epoch
            where c.consumer = \(consumer) and c.lease_by = \(member)
            order by c.shard
            for update of c
            """
        )
        guard locked == held.count else { throw EventLogError.leaseLost }
    }

    /// Moves cursors on from where they stand, in the commit's round trip.
    ///
    /// The transaction fails with `SQLState.leaseLost` when this member does not hold them any more, or they stand elsewhere.
    func advance(_ held: [Cursor], to tick: Int64, eventID: Int64, in session: borrowing Session) throws {
        try session.enqueue([
            """
            select \(tables.advance)(
                \(consumer), \(member), \(lease), \(tick), \(eventID),
                \(held.map(\.shard)), \(held.map(\.epoch)), \(held.map(\.tick)), \(held.map(\.eventID))
            )
            """
        ])
    }

    /// Whether the group has parked events.
    func hasParked(in session: borrowing Session) throws -> Bool {
        try session.one("select exists (select from \(tables.parked) where consumer = \(consumer))") { try $0[0] }
    }

    /// How far the group is behind.
    func lag(in session: borrowing Session) throws -> ConsumerLag {
        try session.one(
            """
            select coalesce(clock_timestamp() - (
                    select t.recorded_at from campus.tick t where t.tick > c.tick order by t.tick limit 1
                ), interval '0'),
                (select max(t.tick) from campus.tick t) - c.tick,
                (select count(*) from \(tables.parked) p where p.consumer = \(consumer))
            from (select min(tick) as tick from \(tables.cursor) where consumer = \(consumer)) c
            """
        ) { row in
            ConsumerLag(time: try row[0], ticks: try row[1] as Int64? ?? 0, parked: try row[2])
        }
    }
}

extension Cursor {
    fileprivate init(_ row: Row) throws {
        self.init(shard: try row[0], epoch: try row[1], tick: try row[2], eventID: try row[3])
    }
}

extension SQLState {
    /// `CL001`: raised by the log itself when cursors are to be moved that another instance holds by now.
    static let leaseLost: SQLState = "CL001"
}
