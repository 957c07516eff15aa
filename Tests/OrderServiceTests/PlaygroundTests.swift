import HTTPTypes
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import OrderService

/// Deadlines that follow the clock are in ``TimerTests``; here is what does not follow it, and what is compared with it.
@Suite("What a test campus's clock moves, and what it does not")
struct PlaygroundTests {
    private func advance(_ campus: TestCampus, _ duration: Duration) async throws {
        let body: JSON = ["seconds": .integer(duration.components.seconds)]
        let answer = try await campus.post("/v1/test/clock/advance", body)
        try #require(answer.status == 200, "\(answer.body)")
    }

    @Test("An Idempotency-Key is kept for a day of the machine's clock")
    func idempotency() async throws {
        try await TestCampus.run { campus in
            let body = campus.orderBody()
            let first = try await campus.post("/v1/orders", body, idempotencyKey: "once")
            try await advance(campus, .seconds(3 * 86_400))
            let again = try await campus.post("/v1/orders", body, idempotencyKey: "once")
            #expect(again.bytes == first.bytes)
            #expect(again.headers[.idempotentReplayed] == "true")
            #expect(try await campus.count("orders") == 1)
        }
    }

    @Test("Keys and tokens end by the machine's clock")
    func credentials() async throws {
        try await TestCampus.run { campus in
            let end = SystemWallClock().now() + .seconds(3_600)
            let issued = try await campus.post(
                "/v1/keys",
                ["name": "till", "scopes": ["orders:read"], "expires_at": .string(end.rfc3339)]
            )
            // It ends in an hour.
            let user = try await campus.signedIn(as: "customer:stu_1")
            try await advance(campus, .seconds(30 * 86_400))
            #expect(try await campus.status(with: issued["secret"]?.string ?? "") == 200)
            #expect(try await user.get("/v1/orders").status == 200)
            // An end that the campus's clock has passed still lies in the future.
            let soon = SystemWallClock().now() + .seconds(60)
            let short: JSON = ["name": "x", "scopes": ["orders:read"], "expires_at": .string(soon.rfc3339)]
            #expect(try await campus.post("/v1/keys", short).status == 201)
            let acts = try await campus.get("/v1/audit")["items"]?.array ?? []
            let latest = acts.first?["at"]?.string.flatMap(Timestamp.init(rfc3339:))
            #expect(try #require(latest) < soon)
        }
    }

    @Test("Rate limits know nothing of it")
    func rateLimits() async throws {
        try await TestCampus.run(settingsOfService: ["USER_RATE_LIMIT": "1"]) { campus in
            let user = try await campus.signedIn(as: "customer:stu_1")
            let started = ContinuousClock.now
            var status = 200
            for _ in 0..<3 { status = try await user.get("/v1/orders").status }
            let isSpent = status == 429 || ContinuousClock.now - started > .seconds(1)
            #expect(isSpent)
            let spent = ContinuousClock.now
            try await advance(campus, .seconds(86_400))
            status = try await user.get("/v1/orders").status
            #expect(status == 429 || ContinuousClock.now - spent > .seconds(1))
        }
    }

    @Test("Times that are reported are compared with it, and everything that is shown is of it")
    func reportedTimes() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            try await advance(campus, .seconds(600))
            let now = try #require(
                try await campus.get("/v1/test/clock")["now"]?.string.flatMap(Timestamp.init(rfc3339:))
            )
            let early = campus.payBody("t1", paidAt: now + .seconds(120))
            #expect(try await campus.post("/v1/orders/\(order)/pay", early).status == 422)
            let paid = try await campus.post("/v1/orders/\(order)/pay", campus.payBody("t1", paidAt: now))
            #expect(paid.status == 200, "\(paid.body)")
            let shown = try await campus.get("/v1/orders/\(order)/timeline")
            let last = shown["items"]?.array?.last?["at"]?.string.flatMap(Timestamp.init(rfc3339:))
            #expect(try #require(last) >= now)
            let placed = try await campus.get("/v1/orders/\(try await campus.place())")
            let placedAt = placed["times"]?["placed_at"]?.string.flatMap(Timestamp.init(rfc3339:))
            #expect(try #require(placedAt) >= now)
        }
    }
}
