/// How many connections a pool holds, and for how long.
public struct PoolConfiguration: Sendable {
    /// The most connections open at once; at least 1.
    public var size: Int
    /// The longest a caller waits for one before ``PostgresError/poolExhausted(retryAfter:)``.
    public var waitTimeout: Duration
    /// The most callers that wait at once; the next is refused at once.
    public var maximumWaiting: Int
    /// How long a connection may lie unused before it is closed.
    public var idleTimeout: Duration
    /// How long a connection lives, give or take a tenth, so that servers behind a name can change.
    public var maximumLifetime: Duration
    /// How long to wait after a connection could not be opened; doubles up to `maximumBackoff`, give or take a half.
    public var backoff: Duration
    /// The longest wait between attempts to open one.
    public var maximumBackoff: Duration

    /// Chooses limits; the defaults suit a service.
    public init(
        size: Int = 16,
        waitTimeout: Duration = .seconds(1),
        maximumWaiting: Int = 10_000,
        idleTimeout: Duration = .seconds(300),
        maximumLifetime: Duration = .seconds(1800),
        backoff: Duration = .milliseconds(50),
        maximumBackoff: Duration = .seconds(2)
    ) {
        self.size = max(1, size)
        self.waitTimeout = waitTimeout
        self.maximumWaiting = maximumWaiting
        self.idleTimeout = idleTimeout
        self.maximumLifetime = maximumLifetime
        self.backoff = backoff
        self.maximumBackoff = maximumBackoff
    }
}

/// What a pool's connections are doing.
public struct PoolUsage: Hashable, Sendable {
    /// How many are open or opening.
    public var open: Int
    /// How many are in somebody's hands.
    public var inUse: Int
    /// How many callers wait for one.
    public var waiting: Int

    /// Counts connections and callers.
    public init(open: Int, inUse: Int, waiting: Int) {
        self.open = open
        self.inUse = inUse
        self.waiting = waiting
    }
}
