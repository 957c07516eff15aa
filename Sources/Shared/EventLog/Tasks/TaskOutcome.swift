import Postgres

/// What became of an attempt.
///
/// What is to change in the database with it happens in the transaction that settles the task.
public enum TaskOutcome: Sendable {
    /// Changes the database together with the task: its own tables in the usual order of locks, for the task is locked last.
    public typealias Effect = @Sendable (borrowing Session) throws -> Void

    /// It is done.
    case done(Effect)
    /// It is to be tried again, after that long or, when nil, after the worker's backoff; dead when it was the last attempt.
    ///
    /// The effect takes place either way.
    case retry(after: Duration?, reason: String, effect: Effect? = nil)
    /// It will never succeed.
    case dead(reason: String, effect: Effect? = nil)
}
