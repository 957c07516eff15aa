/// A five-character code that says what kind of error the server reported; the only thing errors are told apart by.
///
/// The complete list is appendix A of PostgreSQL's documentation.
public struct SQLState: RawRepresentable, Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    /// The code itself, for example `23505`.
    public let rawValue: String

    /// Takes a code as the server wrote it.
    public init(rawValue: String) {
        self.rawValue = rawValue
    }

    /// Takes a code written in source text.
    public init(stringLiteral value: StaticString) {
        self.rawValue = "\(value)"
    }

    /// The code itself.
    public var description: String { rawValue }

    /// The first two characters: the class of the error.
    public var errorClass: Substring { rawValue.prefix(2) }

    /// `0A000`, among others: a cached plan whose result type has changed.
    public static let featureNotSupported: SQLState = "0A000"
    /// `22P02`: a text that is no value of its type.
    public static let invalidTextRepresentation: SQLState = "22P02"
    /// `22003`: a number beyond its type.
    public static let numericValueOutOfRange: SQLState = "22003"
    /// `23502`: NULL in a column that forbids it.
    public static let notNullViolation: SQLState = "23502"
    /// `23503`: a row that is referred to, or refers to none.
    public static let foreignKeyViolation: SQLState = "23503"
    /// `23505`: the key exists already.
    public static let uniqueViolation: SQLState = "23505"
    /// `23514`: a CHECK refused the row.
    public static let checkViolation: SQLState = "23514"
    /// `23P01`: an exclusion constraint refused the row.
    public static let exclusionViolation: SQLState = "23P01"
    /// `25006`: writing on a server, or in a transaction, that is read-only.
    public static let readOnly: SQLState = "25006"
    /// `25P02`: a statement after the one that failed its transaction.
    public static let inFailedTransaction: SQLState = "25P02"
    /// `25P03`: the session idled in a transaction for too long, and was ended.
    public static let idleInTransactionTimeout: SQLState = "25P03"
    /// `26000`: a prepared statement that the server does not know.
    public static let invalidStatementName: SQLState = "26000"
    /// `28P01`: the wrong password.
    public static let invalidPassword: SQLState = "28P01"
    /// `3D000`: no such database.
    public static let invalidCatalogName: SQLState = "3D000"
    /// `40001`: a concurrent transaction got in the way; running it again may succeed.
    public static let serializationFailure: SQLState = "40001"
    /// `40P01`: the victim of a deadlock; running it again may succeed.
    public static let deadlockDetected: SQLState = "40P01"
    /// `42501`: the role may not do this.
    public static let insufficientPrivilege: SQLState = "42501"
    /// `42601`: the statement does not parse.
    public static let syntaxError: SQLState = "42601"
    /// `42P01`: no such table.
    public static let undefinedTable: SQLState = "42P01"
    /// `42P04`: the database exists already.
    public static let duplicateDatabase: SQLState = "42P04"
    /// `42710`: an object of this name, for example a role, exists already.
    public static let duplicateObject: SQLState = "42710"
    /// `53300`: the server has no connection left.
    public static let tooManyConnections: SQLState = "53300"
    /// `55P03`: a lock was not to be had in time, or at once.
    public static let lockNotAvailable: SQLState = "55P03"
    /// `57014`: cancelled by request or by the statement's timeout.
    public static let queryCanceled: SQLState = "57014"
    /// `57P01`: the backend was terminated.
    public static let adminShutdown: SQLState = "57P01"
    /// `57P02`: another backend crashed.
    public static let crashShutdown: SQLState = "57P02"
    /// `57P03`: the server is starting up, shutting down or recovering.
    public static let cannotConnectNow: SQLState = "57P03"
    /// `P0001`: raised by a function of ours.
    public static let raiseException: SQLState = "P0001"

    /// Whether running the whole transaction again may succeed.
    public var isRetryable: Bool {
        self == .serializationFailure || self == .deadlockDetected
    }

    /// Whether the session must not be used again: it is gone, going, or speaks to a server that no longer writes.
    public var endsSession: Bool {
        errorClass == "08" || rawValue.hasPrefix("57P0") || self == .readOnly || self == .idleInTransactionTimeout
    }
}
