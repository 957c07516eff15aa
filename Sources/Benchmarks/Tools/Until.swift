/// Asks until the condition holds; throws past the deadline.
func until(deadline: Duration, _ condition: () async throws -> Bool) async throws {
    let start = ContinuousClock.now
    while try await !condition() {
        guard ContinuousClock.now - start < deadline else { throw DeadlinePassed() }
        try await Task.sleep(for: .milliseconds(5))
    }
}

/// What was waited for did not come in time.
struct DeadlinePassed: Error, CustomStringConvertible {
    var description: String { "what was waited for did not happen in time" }
}
