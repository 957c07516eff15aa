import Logging
import Model
import Postgres

/// Something that is logged, under a name that alerts and people can rely on.
///
/// `docs/logs.md` lists each one.
///
/// Each module declares its own as static members; the name never changes once published.
public struct LoggedEvent: Sendable, Hashable {
    /// The stable name: a noun, a dot and what happened, for example `order.placed`.
    public let name: String
    /// How loud it is.
    ///
    /// `warning` wants a look within the day, `error` now.
    public let level: Logger.Level
    /// The constant message.
    public let message: String

    /// An event.
    public init(_ name: String, _ level: Logger.Level, _ message: String) {
        self.name = name
        self.level = level
        self.message = message
    }
}

extension Logger {
    /// Writes one line for an event.
    ///
    /// - `event`: what happened.
    /// - `values`: the particulars.
    /// - `error`: what went wrong, described without values of statements or users.
    public func record(
        _ event: LoggedEvent,
        _ values: @autoclosure () -> [LogKey: LogValue] = [:],
        error: (any Error)? = nil,
        file: String = #fileID,
        function: String = #function,
        line: UInt = #line
    ) {
        guard logLevel <= event.level else { return }
        var metadata: Logger.Metadata = [LogKey.event.rawValue: .string(event.name)]
        for (key, value) in values() { metadata[key.rawValue] = value.metadata }
        if let error {
            metadata.merge(LoggedError(error).metadata) { given, _ in given }
        }
        log(level: event.level, "\(event.message)", metadata: metadata, file: file, function: function, line: line)
    }
}

/// What may be logged of an error: all there is to find its cause, nothing of what users sent.
struct LoggedError {
    private let values: [LogKey: LogValue]

    /// The values as a logger takes them.
    var metadata: Logger.Metadata {
        Logger.Metadata(uniqueKeysWithValues: values.map { ($0.key.rawValue, $0.value.metadata) })
    }

    init(_ error: any Error) {
        var values: [LogKey: LogValue] = [.errorType: .string("\(type(of: error))")]
        switch error {
        case let error as PostgresError:
            values[.error] = .string(error.description)
            values[.sqlState] = error.sqlState.map { .string($0.rawValue) }
            values[.constraint] = error.constraint.map { .string($0) }
            if case .server(let server) = error { values[.table] = server.table.map { .string($0) } }
        case let error as Problem:
            values[.code] = .string(error.kind.code)
            values[.error] = .string(error.detail)
        default:
            values[.error] = error.safeDescription.map { .string($0) }
        }
        self.values = values
    }
}

extension InvalidVerificationKey: SafelyDescribedError {}

// What the edge itself logs.
extension LoggedEvent {
    static let requestServed = LoggedEvent("request.served", .debug, "Request served")
    static let requestOnBehalf = LoggedEvent("request.on_behalf", .info, "Platform key acted for a stated user")
    static let requestFailed = LoggedEvent("request.failed", .error, "Request failed for a fault of ours")
    static let requestUnavailable = LoggedEvent(
        "request.unavailable",
        .warning,
        "Request turned away: the database is not there"
    )
    static let streamFailed = LoggedEvent("stream.failed", .warning, "A streamed answer broke off")
    static let campusSettingsInvalid = LoggedEvent(
        "campus.settings_invalid",
        .error,
        "Stored campus settings do not hold; defaults apply"
    )
    static let verificationKeyInvalid = LoggedEvent(
        "key.invalid",
        .error,
        "A stored verification key cannot be used"
    )
    static let keySetDemandLost = LoggedEvent(
        "key_set.demand_lost",
        .warning,
        "Key sets could not be asked for ahead of their time"
    )
    static let idempotencyPurged = LoggedEvent("idempotency.purged", .debug, "Expired idempotency keys removed")
    static let idempotencyPurgeFailed = LoggedEvent(
        "idempotency.purge_failed",
        .warning,
        "Expired idempotency keys could not be removed"
    )
    static let logsDropped = LoggedEvent("log.dropped", .warning, "Log lines were dropped: the output is too slow")
    static let stats = LoggedEvent("stats", .info, "Statistics of the last interval")
    static let serviceStarting = LoggedEvent("service.starting", .info, "Service starting")
    static let serviceListening = LoggedEvent("service.listening", .info, "Service accepts requests")
    static let serviceFailed = LoggedEvent("service.failed", .critical, "Service ended for a fault")
    static let serviceStopped = LoggedEvent("service.stopped", .info, "Service stopped")

    /// A service has done its part of an erasure.
    public static let erasureDone = LoggedEvent("erasure.done", .info, "What this service knew of a person is erased")
    /// A service cannot finish its part of an erasure yet.
    public static let erasureWaits = LoggedEvent(
        "erasure.waits",
        .info,
        "An erasure waits for what has not come to its end"
    )
    /// Somebody exported what is known of a person.
    public static let personalDataExported = LoggedEvent(
        "personal_data.exported",
        .warning,
        "Somebody exported what is known of a person"
    )

    /// Every event of the edge, for the documentation.
    public static let edge: [LoggedEvent] = [
        .requestServed, .requestOnBehalf, .requestFailed, .requestUnavailable, .streamFailed, .campusSettingsInvalid,
        .verificationKeyInvalid, .keySetDemandLost, .idempotencyPurged, .idempotencyPurgeFailed, .logsDropped, .stats,
        .serviceStarting, .serviceListening, .serviceFailed, .serviceStopped, .retentionPruned, .retentionFailed,
        .erasureDone, .erasureWaits, .personalDataExported,
    ]
}
