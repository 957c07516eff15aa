import Model

/// Work that leaves the database, to be enqueued in the transaction that makes it due.
public struct NewTask: Sendable {
    /// Which workers do it.
    public let queue: String
    /// What it talks to: tasks of one destination share a limit of how many run at once.
    public let destination: String
    /// Tasks of one queue, destination and order key run one after the other; nil runs in parallel with all.
    public let orderKey: String?
    /// Enqueuing the same key in the same queue again does nothing, also after the task is done.
    public let dedupeKey: String
    /// Whose work it is: tasks of one campus may share a limit, too.
    public let campus: CampusID
    /// What the worker needs to know.
    public let payload: JSON
    /// When to start, by the server's clock; nil is at once.
    public let runAt: Timestamp?
    /// How often it is tried before it is dead; at least 1.
    public let maxAttempts: Int
    /// Whether the tasks behind it wait, when it is dead, until somebody replays or discards it.
    public let holdsLaneWhenDead: Bool
    /// The `traceparent` of the request that caused it.
    public let trace: String?

    /// Describes a task.
    public init(
        queue: String,
        destination: String,
        orderKey: String? = nil,
        dedupeKey: String,
        campus: CampusID,
        payload: JSON,
        runAt: Timestamp? = nil,
        maxAttempts: Int = 12,
        holdsLaneWhenDead: Bool = false,
        trace: String? = nil
    ) {
        self.queue = queue
        self.destination = destination
        self.orderKey = orderKey
        self.dedupeKey = dedupeKey
        self.campus = campus
        self.payload = payload
        self.runAt = runAt
        self.maxAttempts = max(1, maxAttempts)
        self.holdsLaneWhenDead = holdsLaneWhenDead
        self.trace = trace
    }
}
