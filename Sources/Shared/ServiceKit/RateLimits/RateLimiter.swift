import HTTPTypes
import Model
import Synchronization

/// What this process lets through: each credential its own allowance, and each campus one that all its credentials share, so that the
/// flood of one campus leaves room for the others.
///
/// Every process counts for itself: behind several instances the allowance is as many times larger.
final class RateLimiter: Sendable {
    /// The limits of a process.
    struct Limits: Hashable, Sendable {
        /// Of a platform key, whomever it acts for.
        let key: RateLimit
        /// Of a user with a token.
        let user: RateLimit
        /// Of all credentials of a campus together.
        let campus: RateLimit
    }

    private enum Holder: Hashable {
        case key(KeyID)
        case user(CampusID, Actor)
        case campus(CampusID)
    }

    /// The most callers remembered; one that is forgotten starts rested.
    private static let capacity = 100_000
    private let limits: Limits
    private let meters = Mutex(LeastRecentlyUsed<Holder, RateMeter>(capacity: capacity))

    init(_ limits: Limits) {
        self.limits = limits
    }

    /// Counts a request.
    ///
    /// - Returns: what is left for the credential.
    /// - Throws: `rate-limited`, with the time to wait; `CancellationError`.
    func admit(_ principal: Principal) async throws -> RateAllowance {
        switch count(principal, now: .now) {
        case .success(let allowance): return allowance
        case .failure(let refusal):
            try await RateLimit.holdBack()
            throw refusal.problem
        }
    }

    /// Counts a request that came at `now`: against both limits, or against none.
    func count(_ principal: Principal, now: ContinuousClock.Instant) -> Result<RateAllowance, RateRefusal> {
        let holder = principal.key.map(Holder.key) ?? .user(principal.campus, principal.actor)
        let limit = principal.key == nil ? limits.user : limits.key
        return meters.withLock { meters in
            var own = meters[holder] ?? RateMeter(now: now)
            if let wait = own.take(limit, now: now) {
                let allowance = RateAllowance(limit: limit.burst, remaining: 0, reset: own.untilRested(now: now))
                return .failure(RateRefusal(wait: wait, allowance: allowance, isOfCampus: false))
            }
            var shared = meters[.campus(principal.campus)] ?? RateMeter(now: now)
            let sharedWait = shared.take(limits.campus, now: now)
            if let sharedWait {
                let allowance = RateAllowance(
                    limit: limits.campus.burst,
                    remaining: 0,
                    reset: shared.untilRested(now: now)
                )
                return .failure(RateRefusal(wait: sharedWait, allowance: allowance, isOfCampus: true))
            }
            meters[holder] = own
            meters[.campus(principal.campus)] = shared
            return .success(
                RateAllowance(
                    limit: limit.burst,
                    remaining: own.remaining(limit, now: now),
                    reset: own.untilRested(now: now)
                )
            )
        }
    }
}

/// What is left of an allowance, for the headers of draft-ietf-httpapi-ratelimit-headers-06.
struct RateAllowance: Hashable, Sendable {
    /// How many may come at once after a rest.
    let limit: Int
    /// How many may come now.
    let remaining: Int
    /// How long until all of them may come again.
    let reset: Duration

    /// Writes it into an answer's headers.
    func write(to headers: inout HTTPFields) {
        headers[.rateLimitLimit] = String(limit)
        headers[.rateLimitRemaining] = String(remaining)
        headers[.rateLimitReset] = reset.wholeSecondsRoundedUp
    }
}

/// A request that came too early.
struct RateRefusal: Error, Hashable {
    /// How long to wait.
    let wait: Duration
    let allowance: RateAllowance
    /// Whether it is the campus's allowance that is used up.
    let isOfCampus: Bool

    /// What the client is told.
    var problem: Problem {
        var headers: HTTPFields = [.retryAfter: wait.wholeSecondsRoundedUp]
        allowance.write(to: &headers)
        return Problem(
            .rateLimited,
            isOfCampus
                ? "All credentials of the campus together ask more often than it may."
                : "This credential asks more often than it may.",
            headers: headers
        )
    }
}

extension RateLimiter.Limits {
    /// The limits that a service is configured with.
    init(_ configuration: ServiceConfiguration) throws {
        let campus = try configuration[.campusRateLimit]
        self.init(
            key: RateLimit(try configuration[.keyRateLimit]),
            user: RateLimit(try configuration[.userRateLimit]),
            // A whole campus that comes at once is what its neighbours notice.
            campus: RateLimit(perSecond: campus, burst: campus / 5)
        )
    }
}
