import HTTPTypes
import Model
import TestSupport
import Testing

@testable import ServiceKit

@Suite("Rate limits")
struct RateLimitTests {
    private static let start = ContinuousClock.now
    private static let limit = RateLimit(perSecond: 10, burst: 5)

    @Test("A burst passes, then one for each interval, whatever the burst was")
    func meter() {
        var meter = RateMeter(now: Self.start)
        #expect(meter.remaining(Self.limit, now: Self.start) == 5)
        for left in [4, 3, 2, 1, 0] {
            #expect(meter.take(Self.limit, now: Self.start) == nil)
            #expect(meter.remaining(Self.limit, now: Self.start) == left)
        }
        #expect(meter.take(Self.limit, now: Self.start) == .milliseconds(100))
        #expect(meter.take(Self.limit, now: Self.start + .milliseconds(60)) == .milliseconds(40))
        #expect(meter.take(Self.limit, now: Self.start + .milliseconds(100)) == nil)
        #expect(meter.take(Self.limit, now: Self.start + .milliseconds(100)) == .milliseconds(100))
        #expect(meter.untilRested(now: Self.start + .milliseconds(100)) == .milliseconds(500))
        #expect(meter.remaining(Self.limit, now: Self.start + .seconds(60)) == 5)
    }

    @Test("Over a long time no more passes than the rate and one burst")
    func longRun() {
        var meter = RateMeter(now: Self.start)
        var now = Self.start
        var passed = 0
        for turn in 0..<20_000 {
            now += .microseconds(turn * 7_919 % 40_000)
            if meter.take(Self.limit, now: now) == nil { passed += 1 }
        }
        let seconds = Int(Self.start.duration(to: now).components.seconds)
        #expect(passed <= (seconds + 1) * 10 + 5)
        #expect(passed >= seconds * 10)
    }

    private func limiter(key: Int = 100, user: Int = 100, campus: Int = 100) -> RateLimiter {
        RateLimiter(
            RateLimiter.Limits(
                key: RateLimit(perSecond: 1, burst: key),
                user: RateLimit(perSecond: 1, burst: user),
                campus: RateLimit(perSecond: 1, burst: campus)
            )
        )
    }

    private func principal(campus: UInt64 = 1, key: UInt64? = nil, actor: String = "stu_1") -> Principal {
        Principal(
            campus: CampusID(high: 0, low: campus),
            actor: Actor(role: .customer, id: actor),
            key: key.map { KeyID(high: 0, low: $0) }
        )
    }

    private func passes(_ limiter: RateLimiter, _ principal: Principal) -> Bool {
        if case .success = limiter.count(principal, now: Self.start) { true } else { false }
    }

    @Test("A key has one allowance for all that it acts for; keys and users have their own")
    func holders() {
        let limiter = limiter(key: 2, user: 1)
        #expect(passes(limiter, principal(key: 1, actor: "stu_1")))
        #expect(passes(limiter, principal(key: 1, actor: "stu_2")))
        #expect(!passes(limiter, principal(key: 1, actor: "stu_3")))
        #expect(passes(limiter, principal(key: 2, actor: "stu_3")))
        #expect(passes(limiter, principal(actor: "stu_1")))
        #expect(!passes(limiter, principal(actor: "stu_1")))
        #expect(passes(limiter, principal(actor: "stu_2")))
    }

    @Test("A campus's credentials share one allowance, which another campus's flood does not touch")
    func campuses() throws {
        let limiter = limiter(campus: 3)
        for user in 1...3 { #expect(passes(limiter, principal(campus: 1, actor: "stu_\(user)"))) }
        guard case .failure(let refusal) = limiter.count(principal(campus: 1, actor: "stu_4"), now: Self.start) else {
            Issue.record("the campus's allowance is used up")
            return
        }
        #expect(refusal.isOfCampus)
        #expect(refusal.wait == .seconds(1))
        #expect(passes(limiter, principal(campus: 2, actor: "stu_4")))
    }

    @Test("What a campus's limit refuses does not count against the credential")
    func bothOrNone() {
        let limiter = limiter(user: 2, campus: 1)
        let somebody = principal(actor: "stu_1")
        #expect(passes(limiter, somebody))
        for _ in 0..<5 { #expect(!passes(limiter, somebody)) }
        guard case .success(let allowance) = limiter.count(somebody, now: Self.start + .seconds(1)) else {
            Issue.record("a second later there is room again")
            return
        }
        #expect(allowance == RateAllowance(limit: 2, remaining: 1, reset: .seconds(1)))
    }

    @Test("Over HTTP: what is left stands in each answer; too much is 429 with when to come back, and nothing was done")
    func overHTTP() async throws {
        try await ProbePlatform.with(settings: ["USER_RATE_LIMIT": "2"]) { platform in
            try await platform.serve { client in
                var statuses: [Int] = []
                for turn in 0..<6 {
                    let answer = try await client.ask(.get, "/v1/things")
                    statuses.append(answer.status)
                    #expect(answer.headers[.rateLimitLimit] == "4")
                    if answer.status == 429 {
                        expectProblem(answer, 429, "rate-limited")
                        #expect(answer.headers[.retryAfter] == "1")
                        #expect(answer.headers[.rateLimitRemaining] == "0")
                    } else if turn == 0 {
                        #expect(answer.headers[.rateLimitRemaining] == "3")
                    }
                }
                #expect(!statuses.prefix(4).contains(429))
                #expect(statuses.contains(429))
                #expect(try await client.ask(.get, "/health/live").status == 200)
            }
        }
    }

    @Test("What somebody may not do counts as well")
    func forbidden() async throws {
        try await ProbePlatform.with(settings: ["USER_RATE_LIMIT": "1"]) { platform in
            try await platform.serve { client in
                let thing = "/v1/things/\(AnyID(high: 1, low: 1))"
                let first = try await client.ask(.delete, thing)
                #expect(first.status == 403 && first.headers[.rateLimitRemaining] == "1")
                let refused = try await Self.refusal { _ in try await client.ask(.delete, thing) }
                expectProblem(refused, 429, "rate-limited")
            }
        }
    }

    @Test("Who tries credential after credential is held up; who is known goes on, also after five seconds")
    func strangers() async throws {
        try await ProbePlatform.with(settings: ["STRANGER_RATE_LIMIT": "1"]) { platform in
            try await platform.serve { client in
                let path = "/v1/things?colour=red"
                let key = ProbePlatform.key.secret
                #expect(try await client.ask(.get, path).status == 200)
                #expect(try await client.ask(.get, path, credential: key).status == 200)
                let known = ContinuousClock.now
                func flood(_ guess: @escaping (Int) -> String) async throws -> ProbeClient.Answer {
                    try await Self.refusal { try await client.ask(.get, path, credential: guess($0)) }
                }
                let refused = try await flood { "ck_guess\($0)" }
                expectProblem(refused, 429, "rate-limited")
                #expect(refused.headers[.retryAfter] != nil)
                try await eventually("the key has to be looked up again") {
                    ContinuousClock.now > known + CampusDirectory.lifetime
                }
                _ = try await flood { "ck_again\($0)" }
                #expect(try await client.ask(.get, path, credential: key).status == 200)
                #expect(try await client.ask(.get, path).status == 200)
            }
        }
    }

    /// Asks until there are too many requests, but not for ever.
    private static func refusal(
        _ ask: (Int) async throws -> ProbeClient.Answer
    ) async throws -> ProbeClient.Answer {
        for turn in 0..<500 {
            let answer = try await ask(turn)
            if answer.status == 429 { return answer }
        }
        throw NeverRefused()
    }

    /// However often was asked, it was never too often.
    private struct NeverRefused: Error {}
}
