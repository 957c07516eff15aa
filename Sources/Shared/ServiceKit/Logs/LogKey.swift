import Logging
import Model

/// The keys a log line may have beyond `ts level service msg`.
///
/// What has another key is not written.
///
/// Being one enum, it is the place to ask what can end up in a log: none of these holds a phone number, an address, a name of a person,
/// a token or a secret.
public enum LogKey: String, CaseIterable, Sendable {
    // Where it belongs. The order here is the order in a line.
    case event
    case requestID = "request_id"
    case traceID = "trace_id"
    case campus
    case actor
    case keyID = "key_id"
    case orderID = "order_id"
    case paymentID = "payment_id"
    case caseID = "case_id"
    case refundID = "refund_id"
    case erasureID = "erasure_id"
    case externalID = "external_id"
    case transactionID = "transaction_id"
    case merchantID = "merchant_id"

    // A request.
    case method
    case route
    case status
    case code
    case operation
    case isReplayed = "replayed"
    case durationMilliseconds = "duration_ms"
    case address
    case port

    // A change of state, a decision, a refund.
    case from
    case to
    case kind
    case reason
    case verdict
    case channel
    case cause
    case amountFen = "amount_fen"
    case policyVersion = "policy_version"
    case version
    case rule

    // The event log, tasks, timers and deliveries.
    case stream
    case group
    case consumer
    case shard
    case shards
    case epoch
    case tick
    case eventID = "event_id"
    case eventType = "event_type"
    case subjectID = "subject_id"
    case subject
    case rootID = "root_id"
    case owner
    case queue
    case taskID = "task_id"
    case attempt
    case attempts
    case maximumAttempts = "max_attempts"
    case retryInSeconds = "retry_in_s"
    case destination
    case endpointID = "endpoint_id"
    case timer
    case lagMilliseconds = "lag_ms"
    case lagEvents = "lag_events"
    case recipientKind = "recipient_kind"
    case sequence = "seq"
    case handled
    case failed
    case amount

    // The database and the process.
    case pool
    case connection
    case sqlState = "sqlstate"
    case constraint
    case table
    case migration
    case partition
    case dropped
    case count
    case size
    case limit
    case bytes
    case ageSeconds = "age_s"
    case expiresInSeconds = "expires_in_s"
    case signal
    case error
    case errorType = "error_type"

    // The stats line.
    case intervalSeconds = "interval_s"
    case requests
    case gauges
}

/// A value in a log line, with its JSON type.
public struct LogValue: Sendable {
    let metadata: Logger.MetadataValue

    /// Text.
    ///
    /// Never free text of users.
    public static func string(_ value: String) -> LogValue { LogValue(metadata: .string(value)) }

    /// A whole number.
    public static func integer(_ value: some BinaryInteger & Sendable) -> LogValue {
        LogValue(metadata: .stringConvertible(Int64(clamping: value)))
    }

    /// A number.
    public static func number(_ value: Double) -> LogValue { LogValue(metadata: .stringConvertible(value)) }

    /// `true` or `false`.
    public static func bool(_ value: Bool) -> LogValue { LogValue(metadata: .stringConvertible(value)) }

    /// An id.
    public static func id<Subject>(_ value: ID<Subject>) -> LogValue { LogValue(metadata: .string(value.description)) }

    /// Who acts.
    ///
    /// Ids of the platform's own making are not personal data here; names are.
    public static func actor(_ value: Actor) -> LogValue { LogValue(metadata: .string(value.description)) }

    /// Money in fen.
    public static func fen(_ value: Money) -> LogValue { .integer(value.fen) }

    /// A duration in milliseconds, to the microsecond.
    public static func milliseconds(_ value: Duration) -> LogValue {
        .number((value.milliseconds * 1_000).rounded() / 1_000)
    }

    /// A duration in seconds, to the millisecond.
    public static func seconds(_ value: Duration) -> LogValue { .number(value.milliseconds.rounded() / 1_000) }

    /// Values by name, for gauges.
    public static func dictionary(_ values: [String: LogValue]) -> LogValue {
        LogValue(metadata: .dictionary(values.mapValues(\.metadata)))
    }
}

extension LogValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    /// Text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A whole number.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// `true` or `false`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
}

extension Logger {
    /// A value that every line of this logger has.
    public subscript(key: LogKey) -> String? {
        get { self[metadataKey: key.rawValue].map { "\($0)" } }
        set { self[metadataKey: key.rawValue] = newValue.map { .string($0) } }
    }
}
