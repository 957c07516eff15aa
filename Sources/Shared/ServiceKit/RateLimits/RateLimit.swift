/// How often something may happen: steadily so many times a second, and so many at once after a rest.
public struct RateLimit: Hashable, Sendable {
    /// The steady rate.
    public let perSecond: Int
    /// How many may come at once after a rest.
    public let burst: Int

    /// A limit; both are at least 1.
    public init(perSecond: Int, burst: Int) {
        self.perSecond = max(1, perSecond)
        self.burst = max(1, burst)
    }

    /// So many a second, and twice as many at once after a rest.
    init(_ perSecond: Int) { self.init(perSecond: perSecond, burst: 2 * perSecond) }

    /// Whoever asks too often is answered later than others: asking again at once, on the same connection, would cost us most of what
    /// an answer does.
    static func holdBack() async throws { try await Task.sleep(for: .milliseconds(100)) }

    /// How long one takes at the steady rate.
    var interval: Duration { .seconds(1) / perSecond }
    /// How far ahead of the steady rate a burst may run.
    var slack: Duration { interval * burst }
}

/// One caller's use of a limit, by the generic cell rate algorithm (ITU-T I.371): a single instant tells all.
struct RateMeter: Hashable, Sendable {
    /// When everything that was let through would have come at the steady rate.
    private var dueAt: ContinuousClock.Instant

    /// The meter of somebody who has rested.
    init(now: ContinuousClock.Instant) {
        dueAt = now
    }

    /// Counts one more, if the limit allows it.
    ///
    /// - Returns: nil when it counts; otherwise how long to wait until it would.
    mutating func take(_ limit: RateLimit, now: ContinuousClock.Instant) -> Duration? {
        let next = max(dueAt, now) + limit.interval
        let ahead = now.duration(to: next)
        if ahead > limit.slack { return ahead - limit.slack }
        dueAt = next
        return nil
    }

    /// How many more may come at once.
    func remaining(_ limit: RateLimit, now: ContinuousClock.Instant) -> Int {
        let left = limit.slack - max(.zero, now.duration(to: dueAt))
        return max(0, Int(left / limit.interval))
    }

    /// How long until the whole burst is there again.
    func untilRested(now: ContinuousClock.Instant) -> Duration {
        max(.zero, now.duration(to: dueAt))
    }
}
