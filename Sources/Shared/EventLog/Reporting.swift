import Logging
import Model
import Postgres

extension Logger {
    /// Logs a line with a stable event name and a constant message.
    ///
    /// The error goes to the handler as it is, which knows what of it may be written.
    func report(
        _ level: Logger.Level,
        _ event: String,
        _ message: Logger.Message,
        _ metadata: Logger.Metadata = [:],
        error: (any Error)? = nil
    ) {
        let metadata = metadata.merging(["event": .string(event)]) { given, _ in given }
        log(level: level, message, error: error, metadata: metadata)
    }
}

extension Logger.MetadataValue {
    /// A number.
    static func number(_ value: some BinaryInteger) -> Logger.MetadataValue {
        .stringConvertible(Int64(clamping: value))
    }
}

/// An error in few words, for the tables that people read: what it says of itself where that quotes nothing, else its type.
func reason(for error: any Error) -> String {
    String((error.safeDescription ?? "\(type(of: error))").prefix(500))
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
