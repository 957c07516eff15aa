import Logging
import Model
import Postgres
import Schema
import ServiceLifecycle
import Synchronization
import TestSupport

@testable import EventLog

extension ID {
    /// A new id.
    static func new() -> ID { .make(at: SystemWallClock().now()) }
}

/// The campus of examples that need no other.
let exampleCampus = CampusID(high: 0x0190_0000_0000_7000, low: 0x8000_0000_0000_0001)

/// An event about a root itself.
func example(
    _ root: AnyID = .new(),
    version: Int64 = 1,
    type: EventType = .orderPlaced,
    campus: CampusID = exampleCampus,
    payload: JSON = ["note": "午餐 🍜"]
) -> NewEvent {
    NewEvent(
        type: type,
        campus: campus,
        subject: root,
        version: version,
        root: root,
        actor: Actor(role: .customer, id: "stu_1"),
        at: SystemWallClock().now(),
        trace: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        payload: payload
    )
}

/// A number that several tasks add to.
final class Counter: Sendable {
    private let number = Atomic(0)

    var value: Int { number.load(ordering: .relaxed) }

    @discardableResult
    func add(_ amount: Int = 1) -> Int { number.add(amount, ordering: .relaxed).newValue }
}

/// A value that several tasks change.
final class Locked<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    init(_ value: Value) { self.value = Mutex(value) }

    func withLock<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        value.withLock { body(&$0) }
    }
}

/// Remembers what was logged.
final class CapturedLog: Sendable {
    /// One line, with the error that only the handler may describe.
    struct Line: Sendable {
        let event: String
        let text: String
        let error: (any Error)?
    }

    private struct Handler: LogHandler {
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace
        let lines: Locked<[Line]>

        subscript(metadataKey key: String) -> Logger.MetadataValue? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let metadata = event.metadata ?? [:]
            let line = Line(
                event: metadata["event"]?.description ?? "",
                text: "\(event.message) \(metadata)",
                error: event.error
            )
            lines.withLock { $0.append(line) }
        }
    }

    private let captured = Locked<[Line]>([])

    var lines: [Line] { captured.withLock { $0 } }

    var logger: Logger { Logger(label: "test") { [captured] _ in Handler(lines: captured) } }
}

/// Runs services for the time of `body`, then shuts them down gracefully.
func running<Value: Sendable>(
    _ services: [any Service],
    _ body: @Sendable @escaping () async throws -> Value
) async throws -> Value {
    let group = ServiceGroup(services: services, gracefulShutdownSignals: [], logger: .silent)
    return try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask { try await group.run() }
        let result: Result<Value, any Error>
        do {
            result = .success(try await body())
        } catch {
            result = .failure(error)
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
        return try result.get()
    }
}

/// A group of NotifyService that handles the events of orders, named `recorder`.
func recorder<Effect: Sendable>(
    _ pool: ConnectionPool,
    patience: Int = 3,
    logger: Logger = .silent,
    handle: @escaping ConsumerGroup<Effect>.Handler
) -> ConsumerGroup<Effect> {
    ConsumerGroup(
        name: "recorder",
        owner: .notifications,
        streams: [.orders],
        pool: pool,
        options: ConsumerOptions(lease: .seconds(1), poll: .milliseconds(50), patience: patience),
        logger: logger,
        handle: handle
    )
}

/// Lends a migrated cluster, which may be stopped and started, and a way to make pools that get over it.
func withRestartableCluster(
    _ body: (TemporaryCluster, ConnectionConfiguration, (_ size: Int) -> ConnectionPool) async throws -> Void
) async throws {
    try await TemporaryCluster.with { cluster in
        let configuration = try cluster.configuration()
        try await Migrator(configuration, logger: .silent).run()
        try await body(cluster, configuration) { size in
            ConnectionPool(
                configuration,
                pool: PoolConfiguration(size: size, waitTimeout: .seconds(10), maximumBackoff: .milliseconds(200)),
                logger: .silent
            )
        }
    }
}

/// What consumers of the tests did, in a table that takes anything, so that doing it twice shows.
struct Effects: Sendable {
    /// One effect.
    struct Effect: Hashable, Sendable {
        let sequence: Int64
        let consumer: String
        let member: String
        let eventID: Int64
        let root: AnyID
        let version: Int64
    }

    let pool: ConnectionPool

    /// Makes the table.
    static func make(in database: TestDatabase) async throws -> Effects {
        try await make(with: try database.pool())
    }

    /// Makes the table, as the superuser whose pool this is.
    static func make(with pool: ConnectionPool) async throws -> Effects {
        try await pool.autocommit { session in
            try session.execute(
                script: """
                    create table public.effect (
                        sequence bigserial, consumer text, member text default '', event_id bigint default 0, root uuid,
                        version bigint default 0,
                        recorded_at timestamptz, at timestamptz default clock_timestamp()
                    );
                    create table public.subject (id uuid primary key, version bigint not null default 0);
                    grant all on all tables in schema public to public;
                    grant all on all sequences in schema public to public;
                    """
            )
        }
        return Effects(pool: pool)
    }

    /// Notes that a consumer handled events.
    static func record(
        _ events: [RecordedEvent],
        by consumer: String,
        member: String = "",
        in session: borrowing Session
    ) throws {
        try session.execute(
            """
            insert into public.effect (consumer, member, event_id, root, version, recorded_at)
            select \(consumer), \(member), id, root, version, recorded_at
            from unnest(
                \(events.map(\.id)), \(events.map(\.root)), \(events.map(\.version)), \(events.map(\.recordedAt))
            ) with ordinality e (id, root, version, recorded_at, position)
            order by position
            """
        )
    }

    /// All effects, in the order they were made.
    func all(by consumer: String) async throws -> [Effect] {
        try await pool.autocommit { session in
            try session.query(
                """
                select sequence, consumer, member, event_id, root, version from public.effect
                where consumer = \(consumer) order by sequence
                """
            ) { row in
                Effect(
                    sequence: try row[0],
                    consumer: try row[1],
                    member: try row[2],
                    eventID: try row[3],
                    root: try row[4],
                    version: try row[5]
                )
            }
        }
    }

    /// How many there are.
    func count(by consumer: String) async throws -> Int {
        try await pool.autocommit { session in
            try session.one("select count(*) from public.effect where consumer = \(consumer)") { try $0[0] }
        }
    }

    /// The ids of all events of a stream, by id.
    func appended(to stream: EventStream = .orders) async throws -> [Int64] {
        let table = EventStore(stream: stream).table
        return try await pool.autocommit { session in
            try session.query("select id from \(table) order by id") { try $0[0] }
        }
    }

    /// What is wrong with the effects of a consumer: events lost, handled twice, or out of order for their subject.
    func faults(of consumer: String, stream: EventStream = .orders) async throws -> Faults {
        let effects = try await all(by: consumer)
        let appended = Set(try await appended(to: stream))
        var versions: [AnyID: Int64] = [:]
        var inverted = 0
        for effect in effects {
            if effect.version != (versions[effect.root] ?? 0) + 1 { inverted += 1 }
            versions[effect.root] = effect.version
        }
        let handled = Set(effects.map(\.eventID))
        return Faults(
            lost: appended.subtracting(handled).count,
            twice: effects.count - handled.count,
            outOfOrder: inverted,
            invented: handled.subtracting(appended).count
        )
    }
}

/// What may go wrong between a log and its consumer.
struct Faults: Equatable {
    var lost = 0
    var twice = 0
    var outOfOrder = 0
    var invented = 0
}

extension TestDatabase {
    /// One connection of the superuser that may take its time, to fill tables.
    func patientPool() throws -> ConnectionPool {
        var configuration = try configuration()
        configuration.statementTimeout = .seconds(60)
        return pool(configuration, PoolConfiguration(size: 1, waitTimeout: .seconds(60)))
    }
}

extension ConnectionPool {
    /// Appends events in a transaction of their own.
    func append(_ events: [NewEvent], to stream: EventStream = .orders) async throws {
        try await transaction { try EventStore(stream: stream).append(events, in: $0) }
    }

    /// Closes a tick, as the ticker does.
    @discardableResult
    func tick() async throws -> Int64 {
        try await autocommit { session in
            try session.one("select campus.tick()") { try $0[0] }
        }
    }

    /// Reads one number.
    func number(_ sql: SQL) async throws -> Int {
        try await autocommit { session in try session.one(sql) { try $0[0] } }
    }
}
