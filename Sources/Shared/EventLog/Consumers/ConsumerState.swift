/// What an instance of a group holds, and how it is doing; lives in the one task that consumes.
struct ConsumerState {
    private(set) var reading = Reading()
    private(set) var timeouts = 0
    private var failures = 0
    private var renewAt: ContinuousClock.Instant
    var isRegistered = false
    /// Whether to look for replays before the next batch.
    var mayHaveReplays = true

    init() {
        renewAt = .now
    }

    /// The shards held, and where they stand.
    var held: [Cursor] { reading.cursors }

    var isRenewalDue: Bool { renewAt <= .now }

    var untilRenewal: Duration { max(.zero, ContinuousClock.now.duration(to: renewAt)) }

    mutating func renewed(_ held: [Cursor], hasParked: Bool, nextAfter pause: Duration) {
        if held.map(\.shard) != reading.cursors.map(\.shard) { mayHaveReplays = true }
        reading.cursors = held
        reading.hasParked = hasParked
        renewAt = .now + pause
    }

    /// A batch was committed, or there was none.
    mutating func advanced(_ next: Reading) {
        reading = next
        failures = 0
        timeouts = 0
    }

    /// Whether a failure is to be looked for among the batch's events.
    mutating func isEventSuspected(after failure: BatchFailure, patience: Int) -> Bool {
        switch failure {
        case .poison: return true
        case .timeout:
            timeouts += 1
            return timeouts >= patience
        case .passing, .leaseLost, .cancelled: return false
        }
    }

    /// How long to pause after a failure: doubles up to five seconds, with jitter.
    ///
    /// What is held, and where it stands, is read anew then.
    mutating func failed() -> Duration {
        failures += 1
        reading = Reading()
        renewAt = .now
        return Backoff(first: .milliseconds(50), longest: .seconds(5)).delay(after: failures)
    }
}
