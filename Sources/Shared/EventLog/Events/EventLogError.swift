import Model

/// What can go wrong with the log itself.
public enum EventLogError: Error, Hashable, Sendable {
    /// A stream that this version does not know.
    case unknownStream(String)
    /// A cursor stands on a tick that is gone: somebody deleted ticks by hand, or restored a part of the database.
    case tickMissing(Int64)
    /// Another instance holds the shard by now; nothing was committed.
    case leaseLost
    /// Another worker has claimed the task by now, or it is gone; nothing was committed.
    case claimLost
    /// The coalescer holds as many members as it may.
    case overloaded
    /// A coalescer's batch answered with more or fewer outcomes than it had members.
    case outcomesMissing
    /// A task's attempt took longer than it may.
    case attemptTimedOut
}

extension EventLogError: SafelyDescribedError {
    /// What happened.
    public var description: String {
        switch self {
        case .unknownStream(let name): "unknown stream \(name)"
        case .tickMissing(let tick): "tick \(tick), on which a cursor stands, is missing"
        case .leaseLost: "another instance holds the shard"
        case .claimLost: "another worker holds the task"
        case .overloaded: "too many commands are waiting"
        case .outcomesMissing: "a batch answered with another number of outcomes than it had members"
        case .attemptTimedOut: "the attempt took too long"
        }
    }
}
