import Model

/// A task that nobody tries any more, with what happened.
public struct DeadTask: Hashable, Sendable {
    /// Its number.
    public let id: Int64
    /// Its queue.
    public let queue: String
    /// What it talked to.
    public let destination: String
    /// What it was ordered by, if it was.
    public let orderKey: String?
    /// Its key.
    public let dedupeKey: String
    /// Whose work it was.
    public let campus: CampusID
    /// What the worker needed to know.
    public let payload: JSON
    /// How often it was tried.
    public let attempts: Int
    /// Why it is dead.
    public let reason: String
    /// The last attempts: an array of `{attempt, at, reason}`, at most twenty.
    public let history: JSON
    /// When it was enqueued.
    public let enqueuedAt: Timestamp
    /// When it died.
    public let diedAt: Timestamp
}

/// How much work waits in a queue.
public struct TaskBacklog: Hashable, Sendable {
    /// The queue.
    public let queue: String
    /// How many tasks there are, running ones and ordered followers included.
    public let tasks: Int
    /// How many are dead.
    public let dead: Int
    /// When the oldest one was enqueued.
    public let oldestEnqueuedAt: Timestamp?
}
