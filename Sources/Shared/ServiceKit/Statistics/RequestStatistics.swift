import Model
import Synchronization

/// Counts a process's requests by route and status, with their durations.
///
/// Each route has a lock of its own, held for tens of nanoseconds.
final class RequestStatistics: Sendable {
    private final class Route: Sendable {
        let name: String
        let byStatus = Mutex<[Int: LatencyHistogram]>([:])

        init(_ name: String) {
            self.name = name
        }
    }

    private let routes: [Route]

    /// Counters for these routes, and one more for requests that match none.
    init(routes: [String]) {
        self.routes = (routes + ["unmatched"]).map(Route.init)
    }

    /// Counts a request.
    ///
    /// - `route`: its place in the routes given; nil when it matched none.
    func record(route: Int?, status: Int, duration: Duration) {
        routes[route ?? routes.count - 1].byStatus.withLock { $0[status, default: LatencyHistogram()].record(duration) }
    }

    /// What was counted since the last call.
    func take() -> [String: LogValue] {
        var values: [String: LogValue] = [:]
        for route in routes {
            let byStatus = route.byStatus.withLock { counters in
                defer { counters = [:] }
                return counters
            }
            guard !byStatus.isEmpty else { continue }
            let statuses = byStatus.map { ("\($0.key)", Self.summary(of: $0.value)) }
            values[route.name] = .dictionary(Dictionary(statuses) { first, _ in first })
        }
        return values
    }

    private static func summary(of histogram: LatencyHistogram) -> LogValue {
        .dictionary([
            "n": .integer(histogram.count),
            "p50_ms": .milliseconds(histogram.quantile(0.5)),
            "p95_ms": .milliseconds(histogram.quantile(0.95)),
            "p99_ms": .milliseconds(histogram.quantile(0.99)),
            "max_ms": .milliseconds(histogram.maximum),
        ])
    }
}
