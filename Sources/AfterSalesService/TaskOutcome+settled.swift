import EventLog

extension TaskOutcome {
    /// The task is done, and all that it changes was committed before.
    static var settled: TaskOutcome { .done { _ in } }
}
