import Model
import Synchronization

/// A clock that stands still until it is told the time.
public final class ManualClock: WallClock {
    private let time: Mutex<Timestamp>

    /// Starts at a moment; by default one without meaning, 2026-03-01 12:00 in Shanghai.
    public init(_ start: Timestamp = Timestamp(microseconds: 1_772_337_600_000_000)) {
        time = Mutex(start)
    }

    /// The moment it was last told.
    public func now() -> Timestamp {
        time.withLock { $0 }
    }

    /// Moves it on; back when negative.
    public func advance(by duration: Duration) {
        time.withLock { $0 = $0 + duration }
    }

    /// Sets it.
    public func set(to moment: Timestamp) {
        time.withLock { $0 = moment }
    }
}
