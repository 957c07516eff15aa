import EventLog
import Logging
import Model
import Postgres
import ServiceLifecycle

extension Measure {
    /// From the commit of an event to the commit of a consumer's effect, at 500 events a second.
    static let eventLatency = Measure(name: "event latency") { bench in
        try await bench.withDatabase { database in
            let latencies = EventLatencies()
            let events = OrderEvents(campus: CampusID.make(at: SystemWallClock().now()), customers: 100)
            let before = ProcessorTime.now()
            try await withConsumer(database, afterCommit: { for event in $0 { latencies.end(event.subject) } }) {
                ticker in
                try await database.withPool(user: "order_service", size: 4) { pool in
                    try await appendSteadily(events, seconds: bench.seconds, on: pool, measuring: latencies) {
                        ticker.hint()
                    }
                }
                try await until(deadline: .seconds(5)) { latencies.count >= 500 * bench.seconds }
            }
            let processor = ProcessorTime.now().since(before)
            return [(0.5, 3.0), (0.99, 10.0)].map { share, bound in
                Row(
                    measure: "event → effect committed, 500/s, p\(Int(share * 100))",
                    value: latencies.sinceCommit.percentiles.milliseconds(at: share),
                    unit: "ms",
                    atMost: bound,
                    faults: latencies.faults,
                    processor: processor,
                    note: latencies.note(at: share)
                )
            }
        }
    }

    /// How fast one group takes in 100 000 events that wait for it.
    static let groupDrain = Measure(name: "group drain") { bench in
        let total = 100_000
        return try await bench.withDatabase { database in
            try await appendOrderEvents(total, to: database, customers: 1_000)
            let drained = Tally()
            let before = ProcessorTime.now()
            let start = ContinuousClock.now
            var end = start
            var processor = ""
            try await withConsumer(database, afterCommit: { drained.add($0.count) }) { _ in
                try await until(deadline: .seconds(60)) { drained.count >= total }
                end = .now
                processor = ProcessorTime.now().since(before)
            }
            let written = try await database.number("select count(*) from public.effect")
            return [
                Row(
                    measure: "one consumer group, draining \(grouped(total)) events",
                    rate: Double(total) / ((end - start).milliseconds / 1_000),
                    unit: "events/s",
                    atLeast: 20_000,
                    faults: abs(written - total),
                    processor: processor,
                    note: "rows written: \(grouped(written))"
                )
            ]
        }
    }

    /// Appends 500 order events a second as OrderService, each in a transaction of its own.
    ///
    /// - `events`: which.
    /// - `latencies`: where their beginnings are marked.
    /// - `committed`: what follows each commit.
    static func appendSteadily(
        _ events: OrderEvents,
        seconds: Int,
        on pool: ConnectionPool,
        measuring latencies: EventLatencies,
        committed: @escaping @Sendable () -> Void = {}
    ) async throws {
        let store = EventStore(stream: .orders)
        try await steadily(perSecond: 500, seconds: seconds) { number, due in
            let event = events.placed(number)
            latencies.sinceDue.begin(event.subject, at: due)
            try await pool.transaction { session in
                try store.append([event], in: session)
                // All that is left is the commit, which is measured with what follows it.
                latencies.sinceCommit.begin(event.subject)
            }
            committed()
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
                wakeup: listener.signal(for: EventStream.orders.rawValue),
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
