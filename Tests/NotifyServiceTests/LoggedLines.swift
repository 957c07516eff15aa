import Logging
import Synchronization

/// The lines that a logger wrote, by their event and count.
final class LoggedLines: Sendable {
    private let lines = Mutex<[(event: String, count: String)]>([])

    /// A logger that writes here.
    var logger: Logger {
        Logger(label: "test") { _ in Handler(lines: self) }
    }

    /// The counts of an event, in the order in which it was logged.
    func counts(of event: String) -> [String] {
        lines.withLock { $0.filter { $0.event == event }.map(\.count) }
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
            let metadata = event.metadata ?? [:]
            lines.lines.withLock {
                $0.append((metadata["event"]?.description ?? "", metadata["count"]?.description ?? ""))
            }
        }
    }
}
