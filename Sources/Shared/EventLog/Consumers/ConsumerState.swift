/// What an instance of a group holds, and how it is doing; lives in the one task that consumes.
struct ConsumerState {
    private(set) var reading = Reading()
    private(set) var timeouts = 0
    private var failures = 0
    private var renewAt: ContinuousClock.Instant
    var isRegistered = false
    /// Whether a notification came since the last look.
    var isWoken = true
    /// Whether to look for replays before the next batch.
    var mayHaveReplays = true

    init() {
        renewAt = .now
    }

    /// The epochs of the shards held.
    var held: [Int16: Int64] { reading.held }

    var isRenewalDue: Bool { renewAt <= .now }

    var untilRenewal: Duration { max(.zero, ContinuousClock.now.duration(to: renewAt)) }

    mutating func renewed(_ held: [Int16: Int64], nextAfter pause: Duration) {
        if held != reading.held {
            mayHaveReplays = true
            reading.doneThrough = nil
        }
        reading.held = held
        renewAt = .now + pause
    }

    mutating func forgetLeases() {
        reading = Reading()
        renewAt = .now
    }

    /// A batch was committed, or there was none.
    mutating func advanced(_ next: Reading, held: [Int16: Int64]) {
        if held.count < reading.held.count { renewAt = .now }
        reading = next
        reading.held = held
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
    mutating func failed() -> Duration {
        failures += 1
        return Backoff(first: .milliseconds(50), longest: .seconds(5)).delay(after: failures)
    }
}
