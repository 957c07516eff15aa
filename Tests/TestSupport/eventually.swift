/// Something that should have come true in time has not.
public struct NeverHappened: Error, CustomStringConvertible {
    /// What was waited for.
    public let what: String

    /// Says what.
    public init(what: String) {
        self.what = what
    }

    /// What was waited for.
    public var description: String { "never happened: \(what)" }
}

/// Waits until `condition` holds, looking every few milliseconds at first and less often then.
///
/// - Parameters:
///   - what: what is waited for, for the message.
///   - limit: the longest wait.
///   - isolation: where `condition` runs.
///   - condition: what should come true.
/// - Throws: `NeverHappened` after the limit, or what `condition` throws.
public func eventually(
    _ what: String,
    within limit: Duration = .seconds(60),
    isolation: isolated (any Actor)? = #isolation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    var pause = Duration.milliseconds(5)
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw NeverHappened(what: what) }
        try await Task.sleep(for: pause)
        pause = min(pause * 3 / 2, .milliseconds(50))
    }
}
