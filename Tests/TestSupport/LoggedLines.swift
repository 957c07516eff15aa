import Logging
import Synchronization

/// The lines that a logger wrote, by their event and level.
public final class LoggedLines: Sendable {
    private let lines = Mutex<[(event: String, level: Logger.Level, values: [String: String])]>([])

    /// Nothing is logged yet.
    public init() {}

    /// A logger that writes here.
    public var logger: Logger {
        Logger(label: "test") { _ in Handler(lines: self) }
    }

    /// The events about refunds that were logged at that level.
    public func refundEvents(_ level: Logger.Level) -> [String] {
        lines.withLock { $0.filter { $0.level == level && $0.event.hasPrefix("refund.") }.map(\.event) }
    }

    /// What lines about that event said, by their keys.
    public func values(of event: String) -> [[String: String]] {
        lines.withLock { $0.filter { $0.event == event }.map(\.values) }
    }

    private struct Handler: LogHandler {
        let lines: LoggedLines
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let name = event.metadata?["event"].map { "\($0)" } ?? "\(event.message)"
            let values = metadata.merging(event.metadata ?? [:]) { $1 }.mapValues { "\($0)" }
            lines.lines.withLock { $0.append((name, event.level, values)) }
        }
    }
}
