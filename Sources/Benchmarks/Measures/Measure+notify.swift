import AsyncHTTPClient
import EventLog
import Foundation
import Model
import NIOCore
import NIOHTTP1
import Postgres
import Synchronization

extension Measure {
    /// How fast NotifyService writes inbox rows for events that wait for it.
    static let fanOut = Measure(name: "fan-out") { bench in
        try await bench.withDatabase { database in
            let campus = try await BenchCampus.create(on: database)
            // One campus and one merchant, whose inbox every event touches, and a thousand students: two rows an event.
            let events = 60_000
            let owed = 2 * events
            try await appendOrderEvents(events, to: database, campus: campus.id, customers: 1_000)
            return try await database.withPool(size: 1) { pool in
                try await RunningService.running("NotifyService", on: database, port: 18_083) { _ in
                    let first = try await filedCount(pool)
                    let before = ProcessorTime.now()
                    let start = ContinuousClock.now
                    var filed = first
                    while filed < owed, ContinuousClock.now - start < .seconds(60) {
                        try await Task.sleep(for: .milliseconds(20))
                        filed = try await filedCount(pool)
                    }
                    let seconds = (ContinuousClock.now - start).milliseconds / 1_000
                    let processor = ProcessorTime.now().since(before)
                    let rows = try await database.number("select count(*) from campus.inbox")
                    return [
                        Row(
                            measure: "fan-out to inboxes",
                            rate: Double(filed - first) / seconds,
                            unit: "rows/s",
                            atLeast: 20_000,
                            faults: abs(owed - rows),
                            processor: processor,
                            note: "rows written: \(grouped(rows)) of \(grouped(owed)) owed, "
                                + "\(grouped(first)) of them before the first look"
                        )
                    ]
                }
            }
        }
    }

    /// How many inbox rows were numbered until now, which is cheaper to ask than to count them.
    private static func filedCount(_ pool: ConnectionPool) async throws -> Int {
        try await pool.autocommit { session in
            try session.one("select coalesce(sum(last_seq), 0)::bigint from campus.inbox_counter") { row in try row[0] }
        }
    }

    /// From the commit of an order event to its line on an SSE client, at 500 events a second.
    static let streamLatency = Measure(name: "stream latency") { bench in
        try await bench.withDatabase { database in
            let campus = try await BenchCampus.create(on: database)
            let streams = 50
            let events = OrderEvents(campus: campus.id, customers: streams)
            return try await RunningService.running("NotifyService", on: database, port: 18_083) { service in
                // A service that has run for a while has its statements planned: the first second does not count.
                let warmUp = EventLatencies()
                let latencies = EventLatencies()
                let current = Current(warmUp)
                let client = HTTPClient(configuration: .streams)
                let readers = OpenStreams(client: client, url: service.url, key: campus.key)
                var processor = ""
                try await withThrowingDiscardingTaskGroup { group in
                    for number in 0..<streams {
                        group.addTask {
                            try await readers.read(as: "customer:student-\(number)") { line in
                                guard let order = orderID(in: line) else { return }
                                current.latencies.end(order.retyped())
                            }
                        }
                    }
                    try await until(deadline: .seconds(20)) { readers.open == streams }
                    try await database.withPool(user: "order_service", size: 5) { pool in
                        // OrderService has one too: an idle ticker elsewhere would not hear of the first commits for a while.
                        let ticker = Ticker(pool: pool, logger: bench.logger)
                        async let _ = ticker.run()
                        try await appendSteadily(events, seconds: 1, on: pool, measuring: warmUp) { ticker.hint() }
                        try await until(deadline: .seconds(10)) { warmUp.count >= 500 }
                        current.latencies = latencies
                        let before = ProcessorTime.now()
                        try await appendSteadily(events, seconds: bench.seconds, on: pool, measuring: latencies) {
                            ticker.hint()
                        }
                        try await until(deadline: .seconds(10)) { latencies.count >= 500 * bench.seconds }
                        processor = ProcessorTime.now().since(before)
                    }
                    group.cancelAll()
                }
                try await client.shutdown()
                let percentiles = latencies.sinceCommit.percentiles
                return [
                    Row(
                        measure: "order event → line on an SSE client, 500/s, p99",
                        value: percentiles.milliseconds(at: 0.99),
                        unit: "ms",
                        atMost: 25,
                        faults: latencies.faults,
                        processor: processor,
                        note: latencies.note(at: 0.99)
                            + "; p50 \(String(format: "%.2f", percentiles.milliseconds(at: 0.5))) ms; \(streams) streams"
                    )
                ]
            }
        }
    }

    /// The resident memory of each idle service, and what 2 000 open streams add.
    static let memory = Measure(name: "memory") { bench in
        try await bench.withDatabase { database in
            let campus = try await BenchCampus.create(on: database)
            var rows: [Row] = []
            for (name, port) in [("OrderService", 18_081), ("AfterSalesService", 18_082), ("NotifyService", 18_083)] {
                rows += try await RunningService.running(name, on: database, port: port) { service in
                    let before = ProcessorTime.now()
                    // Long enough for its periodic work to have come round.
                    try await Task.sleep(for: .seconds(12))
                    let idle = residentMemory(of: service.process)
                    let row = Row(
                        measure: "memory of idle \(name)",
                        value: Double(idle) / 1_048_576,
                        unit: "MB",
                        atMost: 60,
                        processor: ProcessorTime.now().since(before)
                    )
                    guard name == "NotifyService" else { return [row] }
                    return [row, try await memoryOfStreams(2_000, service: service, campus: campus, idle: idle)]
                }
            }
            return rows
        }
    }

    private static func memoryOfStreams(
        _ total: Int,
        service: RunningService,
        campus: BenchCampus,
        idle: Int
    ) async throws -> Row {
        let client = HTTPClient(configuration: .streams)
        let readers = OpenStreams(client: client, url: service.url, key: campus.key)
        var grown = 0
        let before = ProcessorTime.now()
        var processor = ""
        try await withThrowingDiscardingTaskGroup { group in
            for number in 0..<total {
                group.addTask { try await readers.read(as: "customer:student-\(number)") { _ in } }
                // Streams are opened at a pace at which a campus would open them.
                if number % 100 == 99 { try await until(deadline: .seconds(20)) { readers.open > number - 50 } }
            }
            try await until(deadline: .seconds(30)) { readers.open == total }
            grown = residentMemory(of: service.process) - idle
            processor = ProcessorTime.now().since(before)
            group.cancelAll()
        }
        try await client.shutdown()
        return Row(
            measure: "memory of an open stream, of \(grouped(total))",
            value: Double(grown) / Double(total) / 1_024,
            unit: "KB",
            atMost: 40,
            processor: processor
        )
    }

    private static func orderID(in line: Substring) -> OrderID? {
        guard line.hasPrefix("data:"), let data = try? JSON(parsing: String(line.dropFirst(5))) else { return nil }
        return (data["data"]?["order_id"]?.string ?? data["order_id"]?.string).flatMap(OrderID.init)
    }
}

/// SSE clients, and how many of them are open.
final class OpenStreams: Sendable {
    private let client: HTTPClient
    private let url: String
    private let key: String
    private let count = Mutex(0)

    init(client: HTTPClient, url: String, key: String) {
        self.client = client
        self.url = url
        self.key = key
    }

    /// How many have been answered and not ended.
    var open: Int { count.withLock(\.self) }

    /// Opens the stream of that person and passes on its lines until cancelled.
    func read(as actor: String, _ line: (Substring) -> Void) async throws {
        var request = HTTPClientRequest(url: "\(url)/v1/stream")
        request.headers.add(name: "Authorization", value: "Bearer \(key)")
        request.headers.add(name: "X-Actor", value: actor)
        request.headers.add(name: "Accept", value: "text/event-stream")
        do {
            let response = try await client.execute(request, deadline: .distantFuture)
            guard response.status == .ok else { throw UnexpectedAnswer(body: .string("\(response.status)")) }
            count.withLock { $0 += 1 }
            defer { count.withLock { $0 -= 1 } }
            var rest = ""
            for try await chunk in response.body {
                rest += String(buffer: chunk)
                while let end = rest.firstIndex(of: "\n") {
                    line(rest[..<end])
                    rest = String(rest[rest.index(after: end)...])
                }
            }
        } catch is CancellationError {
            return
        } catch let error as HTTPClientError where error == .cancelled {
            return
        }
    }
}

extension HTTPClient.Configuration {
    /// As many connections as streams are to be opened.
    static var streams: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 4_096
        return configuration
    }
}

/// The latencies that events count for at the moment.
private final class Current: Sendable {
    private let storage: Mutex<EventLatencies>

    init(_ latencies: EventLatencies) {
        storage = Mutex(latencies)
    }

    var latencies: EventLatencies {
        get { storage.withLock(\.self) }
        set { storage.withLock { $0 = newValue } }
    }
}
