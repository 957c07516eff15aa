import Model
import Postgres
import TestSupport
import Testing

@testable import OrderService

@Suite("What is watched")
struct WatchTests {
    private let limits = WatchOrders.Limits()

    private func findings(_ campus: TestCampus, at time: Timestamp) async throws -> OrderFindings {
        try await campus.database.pool(as: .orderService, size: 1).autocommit { [limits] session in
            try OrderWatchStore().findings(in: campus.id, at: time, limits, session)
        }
    }

    @Test("An order that was picked up and never handed over is found after two hours, and no longer once it is")
    func stuck() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            try await campus.move(order, "pay", "accept", "ready", "pickup")
            let now = SystemWallClock().now()
            #expect(try await findings(campus, at: now + .seconds(7_100)).stuck == 0)
            let found = try await findings(campus, at: now + .seconds(7_300))
            #expect(found.stuck == 1)
            #expect(found.oldestPickup.map { now.duration(since: $0) < .seconds(60) } == true)
            try await campus.move(order, "deliver")
            let after = try await findings(campus, at: now + .seconds(7_300))
            #expect(after.stuck == 0 && after.oldestPickup == nil)
        }
    }

    @Test("A rider who was seen and is no longer is found after ten minutes; one who was never seen is not")
    func unseen() async throws {
        try await TestCampus.run { campus in
            let seen = try await campus.place()
            let never = try await campus.place()
            for order in [seen, never] { try await campus.move(order, "pay", "accept", "ready", "pickup") }
            let now = SystemWallClock().now()
            let position: JSON = ["positions": [["lat": 40.1, "lng": 116.3, "at": .string(now.rfc3339)]]]
            #expect(try await campus.post("/v1/orders/\(seen)/positions", position).status == 204)
            #expect(try await findings(campus, at: now + .seconds(9 * 60)).unseen == 0)
            let found = try await findings(campus, at: now + .seconds(11 * 60))
            #expect(found.unseen == 1)
            #expect(found.oldestSight != nil)
        }
    }

    @Test("Orders are counted in the last half hour and in the same half hour a week before, of that campus alone")
    func placed() async throws {
        try await TestCampus.run { campus in
            for _ in 0..<3 { _ = try await campus.place() }
            _ = try await campus.other().place()
            let now = SystemWallClock().now() + .seconds(1)
            let present = try await findings(campus, at: now)
            #expect(present.placed == 3 && present.placedWeekBefore == 0)
            #expect(try await findings(campus, at: now + .seconds(31 * 60)).placed == 0)
            let later = try await findings(campus, at: now + .seconds(7 * 86_400))
            #expect(later.placed == 0 && later.placedWeekBefore == 3)
        }
    }

    @Test("Test campuses are not watched")
    func liveOnly() async throws {
        try await TestCampus.run(isTest: false) { campus in
            _ = try await campus.other()
            let pool = try campus.database.pool(as: .orderService, size: 1)
            #expect(try await pool.autocommit { try OrderWatchStore().liveCampuses(in: $0) } == [campus.id])
        }
    }

    @Test("A key that ends soon is found unless it was rotated or revoked")
    func keys() async throws {
        try await TestCampus.run { campus in
            let now = SystemWallClock().now()
            try await campus.pool.autocommit { session in
                try session.execute(
                    """
                    insert into campus.platform_key
                        (id, campus_id, name, prefix, secret_sha256, scopes, created_at, expires_at, revoked_at)
                    select gen_random_uuid(), \(campus.id), name, 'ck_x', sha256(note::bytea), array['orders:read'],
                        \(now) - age, \(now) + rest, case when is_revoked then \(now) end
                    from (values
                        ('ends', 'soon', interval '20 days', interval '5 days', false),
                        ('ends', 'later', interval '20 days', interval '20 days', false),
                        ('ends', 'is over', interval '20 days', interval '-1 day', false),
                        ('revoked', 'soon but revoked', interval '20 days', interval '5 days', true),
                        ('rotated', 'its old one', interval '20 days', interval '1 day', false),
                        ('rotated', 'its new one', interval '1 day', interval '300 days', false)
                    ) as k (name, note, age, rest, is_revoked)
                    """
                )
            }
            let pool = try campus.database.pool(as: .orderService, size: 1)
            let found = try await pool.autocommit { session in
                try EndingKeyStore().keys(from: now, to: now + WatchKeys.notice, in: session)
            }
            #expect(found.map { $0.expiresAt.duration(since: now) } == [.seconds(5 * 86_400)])
        }
    }
}
