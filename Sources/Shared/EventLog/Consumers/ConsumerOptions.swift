/// How a consumer group reads.
public struct ConsumerOptions: Sendable {
    /// Where a group starts that the database has never seen.
    public enum Start: Sendable {
        /// At the oldest event that the log still has.
        case oldest
        /// After the newest event.
        case newest
    }

    /// The most events handled in one transaction; at least 1.
    public var batchLimit: Int
    /// How long an instance keeps a shard without renewing, also after it has died; longer than any transaction may idle.
    public var lease: Duration
    /// How long to wait for a notification before looking.
    public var poll: Duration
    /// The least time from the start of one batch to that of the next while there is little to read.
    ///
    /// Many small transactions cost more than a few larger ones. The first event after a quiet time never waits for it.
    public var leastGap: Duration
    /// Where the group starts the first time.
    public var start: Start
    /// After so many failures in a row by timeout, an event is taken to be the cause and is parked.
    public var patience: Int

    /// Chooses how a group reads; the defaults suit a service.
    public init(
        batchLimit: Int = 500,
        lease: Duration = .seconds(10),
        poll: Duration = .milliseconds(500),
        leastGap: Duration = .zero,
        start: Start = .oldest,
        patience: Int = 3
    ) {
        self.batchLimit = max(1, batchLimit)
        self.lease = lease
        self.poll = poll
        self.leastGap = leastGap
        self.start = start
        self.patience = patience
    }
}

/// How far a group is behind.
public struct ConsumerLag: Hashable, Sendable {
    /// How long the oldest tick that a shard has yet to read has been waiting; zero when there is none.
    public let time: Duration
    /// How many ticks the shard furthest behind has yet to read.
    public let ticks: Int64
    /// How many events are parked.
    public let parked: Int

    /// Describes a lag.
    public init(time: Duration, ticks: Int64, parked: Int) {
        self.time = time
        self.ticks = ticks
        self.parked = parked
    }
}
