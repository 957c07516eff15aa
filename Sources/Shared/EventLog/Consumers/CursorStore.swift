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
    /// - Returns: the epoch of each shard that it still holds.
    func renew(keeping share: Int, in session: borrowing Session) throws -> [Int16: Int64] {
        let held: [(shard: Int16, epoch: Int64)] = try session.query(
            """
            select shard, epoch from \(tables.cursor)
            where consumer = \(consumer) and lease_by = \(member) order by shard for update
            """
        ) { (try $0[0], try $0[1]) }
        let kept = held.prefix(share)
        let released = held.dropFirst(share).map(\.shard)
        try session.pipeline([
            """
            update \(tables.cursor) set lease_until = now() + \(lease)
            where consumer = \(consumer) and shard = any (\(kept.map(\.shard)))
            """,
            """
            update \(tables.cursor) set lease_by = null, lease_until = null
            where consumer = \(consumer) and shard = any (\(released))
            """,
        ])
        return Dictionary(uniqueKeysWithValues: kept.map { ($0.shard, $0.epoch) })
    }

    /// Takes shards that nobody holds, raising their epoch so that whoever held them before is fenced off.
    func acquire(atMost count: Int, in session: borrowing Session) throws -> [Int16: Int64] {
        let taken: [(Int16, Int64)] = try session.query(
            """
            with free as materialized (
                select shard from \(tables.cursor)
                where consumer = \(consumer) and (lease_until is null or lease_until < now())
                order by shard limit \(count) for update skip locked
            )
            update \(tables.cursor) c
            set epoch = c.epoch + 1, lease_by = \(member), lease_until = now() + \(lease)
            from free where c.consumer = \(consumer) and c.shard = free.shard
            returning c.shard, c.epoch
            """
        ) { (try $0[0], try $0[1]) }
        return Dictionary(uniqueKeysWithValues: taken)
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

    /// Locks the cursors that this member still holds of those it thinks it holds.
    func lock(_ held: [Int16: Int64], in session: borrowing Session) throws -> [Cursor] {
        let shards = held.keys.sorted()
        return try session.query(
            """
            select c.shard, c.tick, c.event_id,
                exists (select from \(tables.parked) p where p.consumer = \(consumer)) as has_parked
            from \(tables.cursor) c
            join unnest(\(shards), \(shards.map { held[$0] ?? 0 })) as held (shard, epoch)
                on held.shard = c.shard and held.epoch = c.epoch
            where c.consumer = \(consumer) and c.lease_by = \(member)
            order by c.shard
            for update of c
            """
        ) { Cursor(shard: try $0[0], tick: try $0[1], eventID: try $0[2], hasParked: try $0[3]) }
    }

    /// Moves cursors on, if this member still holds them.
    ///
    /// - Throws: `EventLogError.leaseLost` when it does not.
    func advance(
        _ shards: [Int16],
        of held: [Int16: Int64],
        to tick: Int64,
        eventID: Int64,
        in session: borrowing Session
    ) throws {
        let moved = try session.execute(
            """
            update \(tables.cursor) c
            set tick = \(tick), event_id = \(eventID), lease_until = now() + \(lease)
            from unnest(\(shards), \(shards.map { held[$0] ?? 0 })) as held (shard, epoch)
            where c.consumer = \(consumer) and c.shard = held.shard and c.epoch = held.epoch and c.lease_by = \(member)
            """
        )
        guard moved == shards.count else { throw EventLogError.leaseLost }
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
