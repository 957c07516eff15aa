import FoundationEssentials

/// Tells the time of day.
///
/// Passed in wherever time matters, so that tests own it.
public protocol WallClock: Sendable {
    /// The present moment.
    func now() -> Timestamp
}

/// The machine's own clock.
public struct SystemWallClock: WallClock {
    /// A clock that reads the machine's time at each call.
    public init() {}

    /// The machine's time, to the microsecond.
    public func now() -> Timestamp {
        Timestamp(microseconds: Int64((Date().timeIntervalSince1970 * 1_000_000).rounded(.down)))
    }
}
