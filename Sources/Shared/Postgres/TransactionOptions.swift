/// How a transaction runs.
public struct TransactionOptions: Sendable {
    /// What a transaction sees of others.
    public enum Isolation: String, Sendable {
        /// Each statement sees what was committed before it began.
        case readCommitted = "read committed"
        /// All statements see what was committed before the first one.
        case repeatableRead = "repeatable read"
        /// As though transactions ran one after the other.
        case serializable
    }

    /// What the transaction sees of others; the server's default, read committed.
    public var isolation: Isolation
    /// Whether the server refuses writes in it.
    public var isReadOnly: Bool
    /// How often the body is run again after a serialization failure or a deadlock; 0 or more.
    public var retries: Int
    /// The longest one statement may run; nil is the connection's own limit.
    public var statementTimeout: Duration?

    /// Chooses how a transaction runs.
    public init(
        isolation: Isolation = .readCommitted,
        isReadOnly: Bool = false,
        retries: Int = 5,
        statementTimeout: Duration? = nil
    ) {
        self.isolation = isolation
        self.isReadOnly = isReadOnly
        self.retries = retries
        self.statementTimeout = statementTimeout
    }

    /// The statement that starts the transaction.
    var begin: String {
        var text = "begin"
        if isolation != .readCommitted { text += " isolation level \(isolation.rawValue)" }
        if isReadOnly { text += " read only" }
        return text
    }
}
