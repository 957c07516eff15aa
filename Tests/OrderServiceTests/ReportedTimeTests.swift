import Model
import ServiceKit
import TestSupport
import Testing

@testable import OrderService

@Suite("Times that callers report")
struct ReportedTimeTests {
    @Test("reported times keep their order; the conflict is named")
    func reportedTimes() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            try await campus.move(order, "pay", "accept", "ready")
            let pickup = try await campus.post(
                "/v1/orders/\(order)/pickup",
                ["rider": ["id": "r_1"], "at": "2026-03-01T04:00:00Z"]
            )
            #expect(pickup["times"]?["picked_up_at"] == "2026-03-01T04:00:00Z")
            let early = try await campus.post(
                "/v1/orders/\(order)/deliver",
                ["handover": ["kind": "gate"], "at": "2026-03-01T03:59:59Z"]
            )
            #expect(early.status == 422)
            #expect(early.pointers == ["/at"])
            #expect(early["errors"]?.array?.first?["detail"]?.string?.contains("pickup") == true)
            let ahead = try await campus.post(
                "/v1/orders/\(order)/deliver",
                ["handover": ["kind": "gate"], "at": "2999-01-01T00:00:00Z"]
            )
            #expect(ahead.pointers == ["/at"])
        }
    }

    @Test("a rider cannot make lateness vanish: only the platform's key reports an action late")
    func lateReports() async throws {
        try await TestCampus.run { campus in
            let rider = try await campus.signedIn(as: "rider:r_1")
            let order = try await campus.place()
            try await campus.move(order, "pay", "accept", "ready")
            let now = SystemWallClock().now()
            let late = JSON.string((now - .seconds(3_600)).rfc3339)
            let path = "/v1/orders/\(order)"
            let pickup = try await rider.post("\(path)/pickup", ["at": .string((now - .seconds(30)).rfc3339)])
            #expect(pickup.status == 200, "\(pickup.body)")
            let handover: JSON = ["kind": "door"]
            let refused = try await rider.post("\(path)/deliver", ["handover": handover, "at": late])
            #expect(refused.status == 422 && refused.pointers == ["/at"])
            #expect(refused["errors"]?.array?.first?["detail"]?.string?.contains("only the platform's key") == true)
            #expect(try await rider.post("\(path)/exceptions", ["kind": "accident", "at": late]).pointers == ["/at"])
            #expect(try await campus.post("\(path)/exceptions", ["kind": "accident", "at": late]).status == 201)
            // Later than the pick-up, which was reported, and for the rider, but by the platform.
            let soon = JSON.string((now - .seconds(20)).rfc3339)
            let delivered = try await campus.post(
                "\(path)/deliver",
                ["handover": handover, "at": soon],
                as: "rider:r_1"
            )
            #expect(delivered["times"]?["delivered_at"] == soon)
        }
    }
}
