import EventLog
import Logging
import Model
import Postgres
import ServiceLifecycle

extension Measure {
    /// From the commit of an event to the commit of a consumer's effect, at 500 events a second.
    static let eventLatency = Measure(name: "event latency") { bench in
        try await bench.withDatabase { database in
            let latencies = Latencies<AnyID>()
            let events = OrderEvents(campus: CampusID.make(at: SystemWallClock().now()), customers: 100)
            let before = ProcessorTime.now()
            try await withConsumer(database, afterCommit: { for event in $0 { latencies.end(event.subject) } }) {
                ticker in
                try await database.withPool(user: "order_service", size: 4) { pool in
                    let store = EventStore(stream: .orders)
                    try await steadily(perSecond: 500, seconds: bench.seconds) { number in
                        let event = events.placed(number)
                        try await pool.transaction { session in try store.append([event], in: session) }
                        latencies.begin(event.subject)
                        ticker.hint()
                    }
                }
                try await until(deadline: .seconds(5)) { latencies.count >= 500 * bench.seconds }
            }
            let percentiles = latencies.percentiles
            let processor = ProcessorTime.now().since(before)
            let note = "\(grouped(Double(percentiles.count))) events at 500/s"
            return [
                Row(
                    measure: "event → effect committed, 500/s, p50",
                    value: percentiles.milliseconds(at: 0.5),
                    unit: "ms",
                    atMost: 3,
                    processor: processor,
                    note: note
                ),
                Row(
                    measure: "event → effect committed, 500/s, p99",
                    value: percentiles.milliseconds(at: 0.99),
                    unit: "ms",
                    atMost: 10
                ),
            ]
        }
    }

    /// How fast one group takes in 100 000 events that wait for it.
    static let groupDrain = Measure(name: "group drain") { bench in
        let total = 100_000
        return try await bench.withDatabase { database in
            try await appendOrderEvents(total, to: database, customers: 1_000)
            let latencies = Latencies<AnyID>()
            let before = ProcessorTime.now()
            let start = ContinuousClock.now
            try await withConsumer(database, afterCommit: { for event in $0 { latencies.end(event.subject) } }) { _ in
                try await until(deadline: .seconds(60)) { latencies.count >= total }
            }
            let seconds = (ContinuousClock.now - start).milliseconds / 1_000
            return [
                Row(
                    measure: "one consumer group, draining \(grouped(Double(total))) events",
                    rate: Double(latencies.count) / seconds,
                    unit: "events/s",
                    atLeast: 20_000,
                    processor: ProcessorTime.now().since(before),
                    note:
                        "rows written: \(grouped(Double(try await database.number("select count(*) from public.effect"))))"
                )
            ]
        }
    }

    /// Appends so many order events as OrderService, in sets of 1 000.
    static func appendOrderEvents(
        _ total: Int,
        to database: BenchDatabase,
        campus: CampusID = CampusID.make(at: SystemWallClock().now()),
        customers: Int
    ) async throws {
        let events = OrderEvents(campus: campus, customers: customers)
        try await database.withPool(user: "order_service", size: 1) { pool in
            let store = EventStore(stream: .orders)
            for first in stride(from: 0, to: total, by: 1_000) {
                let set = (first..<first + 1_000).map { events.placed($0) }
                try await pool.transaction { session in try store.append(set, in: session) }
            }
        }
    }

    /// Runs a group whose effect is one row for each event, and the ticker, while `body` runs.
    private static func withConsumer(
        _ database: BenchDatabase,
        afterCommit: @escaping @Sendable ([RecordedEvent]) -> Void,
        _ body: (Ticker) async throws -> Void
    ) async throws {
        _ = try await Command.run(
            "psql",
            [
                "-qX", "-c",
                "create table public.effect (event bigint primary key); grant insert on public.effect to notify_service",
                database.address().url,
            ]
        )
        try await database.withPool(user: "notify_service", size: 4) { pool in
            let logger = database.bench.logger
            let ticker = Ticker(pool: pool, logger: logger)
            let listener = try Listener(
                ConnectionConfiguration(url: database.address(user: "notify_service").url),
                channels: [EventStream.orders.rawValue],
                logger: logger
            )
            let group = ConsumerGroup(
                name: "bench",
                owner: .notifications,
                streams: [.orders],
                pool: pool,
                wakeups: [listener.signal(for: EventStream.orders.rawValue)],
                ticker: ticker,
                logger: logger,
                handle: { session, events in
                    let ids = events.map(\.id)
                    try session.execute("insert into public.effect (event) select unnest(\(ids))")
                    return events
                },
                afterCommit: { (events: [RecordedEvent]) in afterCommit(events) }
            )
            let services = ServiceGroup(services: [listener, ticker, group], logger: logger)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await services.run() }
                try await body(ticker)
                await services.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
    }
}

/// Asks until the condition holds; throws past the deadline.
func until(deadline: Duration, _ condition: () async throws -> Bool) async throws {
    let start = ContinuousClock.now
    while try await !condition() {
        guard ContinuousClock.now - start < deadline else { throw DeadlinePassed() }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// What was waited for did not come in time.
struct DeadlinePassed: Error, CustomStringConvertible {
    var description: String { "what was waited for did not happen in time" }
}
