import Model
import Postgres

/// An event that a group could not handle, or one that waits behind such an event.
public struct ParkedEvent: Hashable, Sendable {
    /// The group that parked it.
    public let consumer: String
    /// The event.
    public let event: RecordedEvent
    /// Why it is parked.
    public let reason: String
    /// How often handling it failed; 0 when it only waits behind an earlier one.
    public let failures: Int
    /// Since when.
    public let parkedAt: Timestamp
    /// When somebody asked for another try that has not happened yet.
    public let replayRequestedAt: Timestamp?
}

/// The parked events of one service's groups.
public struct ParkedEventStore: Sendable {
    private let tables: LogTables

    /// The store in the tables of one service, which alone may use it.
    public init(owner: EventStream) {
        tables = LogTables(owner)
    }

    /// The parked events, by id.
    ///
    /// - Parameters:
    ///   - consumer: those of one group; nil for all of the service.
    ///   - after: the id of the last one of the page before.
    ///   - limit: how many at most.
    ///   - session: where to read.
    /// - Returns: the events.
    /// - Throws: `PostgresError`.
    public func list(
        consumer: String? = nil,
        after: Int64 = 0,
        limit: Int = 100,
        in session: borrowing Session
    ) throws -> [ParkedEvent] {
        let ofGroup: SQL = consumer.map { "e.consumer = \($0) and" } ?? ""
        return try session.query(
            """
            select e.stream, \(Self.columns), e.reason, e.failures, e.parked_at, e.replay_requested_at, e.consumer
            from \(tables.parked) e
            where \(ofGroup) e.event_id > \(after)
            order by e.event_id, e.consumer limit \(rows: limit)
            """
        ) { row in
            ParkedEvent(
                consumer: try row[16],
                event: try RecordedEvent(row),
                reason: try row[12],
                failures: try row[13],
                parkedAt: try row[14],
                replayRequestedAt: try row[15]
            )
        }
    }

    /// Asks the group to try a root's parked events again, in order.
    ///
    /// An instance of the group does so at its next look, at the latest after a third of its lease.
    ///
    /// - Returns: how many events are to be tried.
    @discardableResult
    public func requestReplay(consumer: String, root: AnyID, in session: borrowing Session) throws -> Int {
        try session.execute(
            """
            update \(tables.parked) set replay_requested_at = now()
            where consumer = \(consumer) and root_id = \(root)
            """
        )
    }

    /// Asks the group to try all its parked events again, those of each root in order.
    ///
    /// - Returns: how many events are to be tried.
    @discardableResult
    public func requestReplay(consumer: String, in session: borrowing Session) throws -> Int {
        try session.execute("update \(tables.parked) set replay_requested_at = now() where consumer = \(consumer)")
    }

    /// Drops one parked event for good, so that the later ones of its root can be tried.
    ///
    /// - Returns: whether there was such an event.
    @discardableResult
    public func discard(consumer: String, eventID: Int64, in session: borrowing Session) throws -> Bool {
        try session.execute(
            "delete from \(tables.parked) where consumer = \(consumer) and event_id = \(eventID)"
        ) > 0
    }

    /// ``RecordedEvent/columns`` under the names they have here.
    private static let columns: SQL = """
        e.event_id, e.type, e.campus_id, e.subject_id, e.subject_version, e.root_id, e.actor, e.occurred_at, e.recorded_at, \
        e.trace, e.payload::text
        """

    // MARK: For the group itself

    /// Which of these roots have parked events.
    func roots(
        amongThoseOf events: [RecordedEvent],
        consumer: String,
        in session: borrowing Session
    ) throws -> Set<AnyID> {
        let roots: [AnyID] = try session.query(
            """
            select distinct root_id from \(tables.parked)
            where consumer = \(consumer) and root_id = any (\(Array(Set(events.map(\.root))).sorted()))
            """
        ) { try $0[0] }
        return Set(roots)
    }

    /// Whether a replay was asked for in these shards.
    func isReplayRequested(consumer: String, shards: [Int16], in session: borrowing Session) throws -> Bool {
        try session.one(
            """
            select exists (
                select from \(tables.parked)
                where consumer = \(consumer) and shard = any (\(shards)) and replay_requested_at is not null
            )
            """
        ) { try $0[0] }
    }

    /// The events to try again, oldest first.
    func requested(
        consumer: String,
        shards: [Int16],
        atMost limit: Int,
        in session: borrowing Session
    ) throws -> [RecordedEvent] {
        try session.query(
            """
            select e.stream, \(Self.columns)
            from \(tables.parked) e
            where e.consumer = \(consumer) and e.shard = any (\(shards)) and e.replay_requested_at is not null
            order by e.event_id limit \(rows: limit)
            for update
            """
        ) { try RecordedEvent($0) }
    }

    /// Parks events; a failure of one that is parked already counts once more.
    ///
    /// One that waits behind others takes part in the replay that was asked for them.
    func park(_ failures: [ParkedFailure], consumer: String, in session: borrowing Session) throws {
        if failures.isEmpty { return }
        let events = failures.map(\.event)
        try session.execute(
            """
            insert into \(tables.parked) (
                consumer, event_id, stream, recorded_at, campus_id, type, subject_id, subject_version, root_id, shard,
                actor, occurred_at, trace, payload, reason, failures, replay_requested_at
            )
            select \(consumer), id, stream, recorded_at, campus, type, subject, version, root, shard, actor, occurred_at, trace,
                payload::jsonb, reason, failures, (
                select max(p.replay_requested_at) from \(tables.parked) p
                where p.consumer = \(consumer) and p.root_id = e.root
            )
            from unnest(
                \(events.map(\.id)), \(events.map(\.stream.rawValue)), \(events.map(\.recordedAt)), \(events.map(\.campus)),
                \(events.map(\.type)), \(events.map(\.subject)), \(events.map(\.version)), \(events.map(\.root)),
                \(events.map { Shard.of($0.root) }), \(events.map(\.actor)), \(events.map(\.occurredAt)),
                \(events.map(\.trace)), \(events.map(\.payloadText)), \(failures.map(\.reason)),
                \(failures.map { Int32($0.isFirst ? 1 : 0) })
            ) e (
                id, stream, recorded_at, campus, type, subject, version, root, shard, actor, occurred_at, trace, payload,
                reason, failures
            )
            on conflict (consumer, event_id) do update set
                reason = excluded.reason, failures = \(tables.parked).failures + excluded.failures
            """
        )
    }

    /// Ends the replay of roots of which an event failed again.
    func endReplay(of failures: [ParkedFailure], consumer: String, in session: borrowing Session) throws {
        if failures.isEmpty { return }
        try session.execute(
            """
            update \(tables.parked) set replay_requested_at = null
            where consumer = \(consumer) and root_id = any (\(Array(Set(failures.map(\.event.root))).sorted()))
            """
        )
    }

    /// Forgets events that were handled at last.
    func remove(_ events: [RecordedEvent], consumer: String, in session: borrowing Session) throws {
        if events.isEmpty { return }
        try session.execute(
            "delete from \(tables.parked) where consumer = \(consumer) and event_id = any (\(events.map(\.id)))"
        )
    }
}

/// An event that is to be parked, and why.
struct ParkedFailure: Sendable {
    let event: RecordedEvent
    let reason: String
    /// Whether it failed itself; otherwise it waits behind one that did.
    let isFirst: Bool
}
