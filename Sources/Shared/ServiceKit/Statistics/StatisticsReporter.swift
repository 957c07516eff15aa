import Logging
import Model
import Postgres
import ServiceLifecycle
import Synchronization

/// Values of a process that the `stats` line shows, registered by whoever knows them.
public final class Gauges: Sendable {
    /// Reads the present value; nil leaves it out.
    public typealias Read = @Sendable () async -> LogValue?

    private let reads = Mutex<[(name: String, read: Read)]>([])

    /// No gauges.
    public init() {}

    /// Adds a gauge.
    ///
    /// It is read every few seconds, one after the other, so it should be quick; a query is fine.
    ///
    /// - `name`: snake case, for example `open_streams` or `task_backlog`.
    public func register(_ name: String, _ read: @escaping Read) {
        reads.withLock { $0.append((name, read)) }
    }

    /// All present values.
    func readAll() async -> [String: LogValue] {
        var values: [String: LogValue] = [:]
        for (name, read) in reads.withLock({ $0 }) { values[name] = await read() }
        return values
    }
}

/// Writes the `stats` line: requests by route and status, and every gauge.
final class StatisticsReporter: Service {
    private let requests: RequestStatistics
    private let gauges: Gauges
    private let interval: Duration
    private let logger: Logger

    init(requests: RequestStatistics, gauges: Gauges, interval: Duration, logger: Logger) {
        self.requests = requests
        self.gauges = gauges
        self.interval = interval
        self.logger = logger
    }

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while true {
                try await Task.sleep(for: self.interval)
                await self.report()
            }
        }
        await report()
    }

    /// Writes one line.
    func report() async {
        let values = await gauges.readAll()
        logger.record(
            .stats,
            [
                .intervalSeconds: .seconds(interval), .requests: .dictionary(requests.take()),
                .gauges: .dictionary(values),
            ]
        )
    }
}
