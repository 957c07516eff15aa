import Model

/// A task in a worker's hands.
public struct LeasedTask: Hashable, Sendable {
    /// Its number.
    public let id: Int64
    /// Its queue.
    public let queue: String
    /// What it talks to.
    public let destination: String
    /// What it is ordered by, if it is.
    public let orderKey: String?
    /// Its key; pass it on to what is called, which then knows a repetition.
    public let dedupeKey: String
    /// Whose work it is.
    public let campus: CampusID
    /// What the worker needs to know.
    public let payload: JSON
    /// Which attempt this is, from 1.
    public let attempt: Int
    /// How many there may be.
    public let maxAttempts: Int
    /// When it was enqueued first.
    public let firstEnqueuedAt: Timestamp
    /// The `traceparent` of the request that caused it.
    public let trace: String?
    /// The fencing token: rises with each claim, so that only the last one can settle the task.
    let claim: Int64
    /// The row of the lane table that it heads.
    let lane: String
    let holdsLaneWhenDead: Bool
}
