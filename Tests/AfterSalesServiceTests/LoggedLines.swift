import Logging
import Synchronization

/// The lines that a logger wrote, by their event and level.
final class LoggedLines: Sendable {
    private let lines = Mutex<[(event: String, level: Logger.Level)]>([])

    /// A logger that writes here.
    var logger: Logger {
        Logger(label: "test") { _ in Handler(lines: self) }
    }

    /// The events about refunds that were logged at that level.
    func refundEvents(_ level: Logger.Level) -> [String] {
        lines.withLock { $0.filter { $0.level == level && $0.event.hasPrefix("refund.") }.map(\.event) }
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
            lines.lines.withLock { $0.append((name, event.level)) }
        }
    }
}
