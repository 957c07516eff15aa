import Model

/// Everything that can go wrong between a statement and its result.
///
/// No case says anything of statements or values in its `description`.
public enum PostgresError: Error, Sendable {
    /// The server refused the statement; the connection lives on.
    case server(ServerError)
    /// No connection could be opened.
    case connectionFailed(ConnectionFailure)
    /// The connection broke; nothing of the transaction was committed.
    case connectionLost(ConnectionFailure)
    /// The connection broke after the commit was sent and before it was answered: it may have happened, or not.
    case commitOutcomeUnknown(ConnectionFailure)
    /// No connection became free within the pool's limit.
    case poolExhausted(retryAfter: Duration)
    /// The pool is shutting down, or has.
    case poolClosed
    /// A column does not hold what the caller asked for.
    case decoding(DecodingFailure)
    /// A value that can not be sent, for example a text with a NUL; nothing was sent.
    case invalidParameter(String)
    /// A connection string or setting that makes no sense.
    case invalidConfiguration(String)
    /// One row was expected.
    case unexpectedRowCount(Int)
}

/// Why there is no connection.
public struct ConnectionFailure: Error, Hashable, Sendable {
    /// The server's code, when it got as far as sending one.
    public let sqlState: SQLState?
    /// What libpq or the server said; names hosts and roles, never passwords or values.
    public let reason: String
    /// How long to wait before trying again.
    public let retryAfter: Duration

    /// Describes a failure.
    public init(sqlState: SQLState? = nil, reason: String, retryAfter: Duration = .seconds(1)) {
        self.sqlState = sqlState
        self.reason = reason
        self.retryAfter = retryAfter
    }
}

/// A column that could not be read as the type asked for.
public struct DecodingFailure: Error, Hashable, Sendable {
    /// The column's name, or its number when it has none of this name.
    public let column: String
    /// The Swift type asked for.
    public let type: String
    /// What is wrong; never quotes the value.
    public let reason: String

    /// Describes a failure.
    public init(column: String, type: String, reason: String) {
        self.column = column
        self.type = type
        self.reason = reason
    }
}

extension PostgresError {
    /// The server's code, where the server spoke.
    public var sqlState: SQLState? {
        switch self {
        case .server(let error): error.sqlState
        case .connectionFailed, .connectionLost, .commitOutcomeUnknown: failure?.sqlState
        case .poolExhausted, .poolClosed, .decoding, .invalidParameter, .invalidConfiguration, .unexpectedRowCount: nil
        }
    }

    /// Why there is no connection, where that is the trouble.
    var failure: ConnectionFailure? {
        switch self {
        case .connectionFailed(let failure), .connectionLost(let failure), .commitOutcomeUnknown(let failure): failure
        case .server, .poolExhausted, .poolClosed, .decoding, .invalidParameter, .invalidConfiguration,
            .unexpectedRowCount:
            nil
        }
    }

    /// The constraint that refused a row, if one did.
    public var constraint: String? {
        guard case .server(let error) = self else { return nil }
        return error.constraint
    }

    /// How long a client should wait before trying again, when the database is what is missing; nil for any other error.
    ///
    /// A web service answers these with 503 and `Retry-After`.
    public var retryAfter: Duration? {
        switch self {
        case .connectionFailed(let failure), .connectionLost(let failure), .commitOutcomeUnknown(let failure):
            failure.retryAfter
        case .poolExhausted(let retryAfter): retryAfter
        case .poolClosed: .seconds(1)
        case .server(let error):
            error.sqlState.endsSession || error.sqlState.errorClass == "53" || error.sqlState.isRetryable
                || error.sqlState == .queryCanceled || error.sqlState == .lockNotAvailable ? .seconds(1) : nil
        case .decoding, .invalidParameter, .invalidConfiguration, .unexpectedRowCount: nil
        }
    }
}

extension PostgresError: SafelyDescribedError, CustomDebugStringConvertible {
    /// What happened, without statements or values.
    public var description: String {
        switch self {
        case .server(let error): error.description
        case .connectionFailed(let failure): "cannot connect: \(failure)"
        case .connectionLost(let failure): "connection lost: \(failure)"
        case .commitOutcomeUnknown(let failure): "outcome of the commit unknown: \(failure)"
        case .poolExhausted(let retryAfter): "no connection became free in time, retry after \(retryAfter)"
        case .poolClosed: "the pool is closed"
        case .decoding(let failure): "column \(failure.column) is no \(failure.type): \(failure.reason)"
        case .invalidParameter(let reason): "invalid parameter: \(reason)"
        case .invalidConfiguration(let reason): "invalid configuration: \(reason)"
        case .unexpectedRowCount(let count): "expected one row, got \(count)"
        }
    }

    /// The same, with everything the server said; for debugging only.
    public var debugDescription: String {
        if case .server(let error) = self { return error.debugDescription }
        return description
    }
}

extension ConnectionFailure: CustomStringConvertible {
    /// The code and the reason.
    public var description: String {
        sqlState.map { "\($0) \(reason)" } ?? reason
    }
}
