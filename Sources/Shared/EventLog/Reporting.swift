import Logging
import Postgres

extension Logger {
    /// Logs a line with a stable event name and a constant message.
    func report(
        _ level: Logger.Level,
        _ event: String,
        _ message: Logger.Message,
        _ metadata: Logger.Metadata = [:]
    ) {
        log(level: level, message, metadata: metadata.merging(["event": .string(event)]) { given, _ in given })
    }
}

extension Logger.MetadataValue {
    /// What an error says of itself; errors of the database quote no values there.
    static func failure(_ error: any Error) -> Logger.MetadataValue {
        .string(reason(for: error))
    }

    /// A number.
    static func number(_ value: some BinaryInteger) -> Logger.MetadataValue {
        .stringConvertible(Int64(clamping: value))
    }
}

/// An error in few words, for logs and for the tables that people read.
func reason(for error: any Error) -> String {
    String("\(error)".prefix(500))
}

extension Wakeup {
    /// Whether it was raised in time; a cancelled wait returns at once, and its caller looks at the cancellation itself.
    func waitUnlessCancelled(atMost limit: Duration) async throws -> Bool {
        do {
            return try await wait(atMost: limit)
        } catch is CancellationError {
            return true
        }
    }
}
