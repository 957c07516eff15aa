import Model
import TestSupport
import Testing

@testable import OrderService

@Suite("Positions")
struct PositionTests {
    private func positions(_ points: (Double, String)...) -> JSON {
        ["positions": .array(points.map { ["lat": .double($0.0), "lng": 116.3, "at": .string($0.1)] })]
    }

    @Test("the latest position by its own time is shown until delivery; the way is kept")
    func track() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            let path = "/v1/orders/\(order)/positions"
            try await campus.move(order, "pay", "accept", "ready")
            #expect(try await campus.post(path, positions((40.1, "2026-03-01T04:00:00Z"))).code == "illegal-transition")
            try await campus.move(order, "pickup")
            let first = positions(
                (40.1, "2026-03-01T04:00:00Z"),
                (40.3, "2026-03-01T04:00:20Z"),
                (40.2, "2026-03-01T04:00:10Z")
            )
            #expect(try await campus.post(path, first, as: "rider:r_1").status == 204)
            #expect(try await campus.post(path, first, as: "rider:r_1").status == 204)
            #expect(
                try await campus.post(path, positions((40.0, "2026-03-01T03:59:00Z")), as: "rider:r_1").status == 204
            )
            let seen = try await campus.get("/v1/orders/\(order)/position", as: "customer:stu_1")
            #expect(seen["rider_id"] == "r_1")
            #expect(seen["position"] == ["lat": 40.3, "lng": 116.3, "at": "2026-03-01T04:00:20Z"])
            #expect(try await campus.count("order_track") == 4)
            #expect(try await campus.post(path, first, as: "rider:r_2").status == 404)

            try await campus.move(order, "deliver")
            #expect(try await campus.get("/v1/orders/\(order)/position", as: "customer:stu_1")["position"] == .null)
            #expect(try await campus.get("/v1/orders/\(order)/position", as: "agent:a_1")["position"]?["lat"] == 40.3)
            #expect(try await campus.post(path, first, as: "rider:r_1").code == "illegal-transition")
        }
    }

    @Test("many reports at once are kept, each for its order")
    func batches() async throws {
        try await TestCampus.run { campus in
            let orders = try await concurrently(0..<12) { _ in
                let order = try await campus.place()
                try await campus.move(order, "pay", "accept", "ready", "pickup")
                return order
            }
            let answers = try await concurrently(0..<120) { number in
                let at = Timestamp(seconds: 1_772_337_600 + Int64(number)).rfc3339
                return try await campus.post(
                    "/v1/orders/\(orders[number % orders.count])/positions",
                    ["positions": [["lat": .double(30 + Double(number) / 100), "lng": 116, "at": .string(at)]]]
                )
            }
            #expect(answers.allSatisfy { $0.status == 204 })
            #expect(try await campus.count("order_track") == 120)
            for (index, order) in orders.enumerated() {
                let last = try await campus.get("/v1/orders/\(order)/position")
                #expect(last["position"]?["lat"]?.number == 30 + Double(108 + index) / 100)
            }
        }
    }

    @Test("impossible positions are refused, all faults at once")
    func faults() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            try await campus.move(order, "pay", "accept", "ready", "pickup")
            let path = "/v1/orders/\(order)/positions"
            let answer = try await campus.post(
                path,
                [
                    "positions": [
                        ["lat": 91, "lng": 0, "at": "now"], ["lat": 0, "lng": 181, "at": "2026-03-01T04:00:00Z"],
                    ]
                ]
            )
            #expect(answer.pointers == ["/positions/0/at", "/positions/0/lat", "/positions/1/lng"])
            #expect(try await campus.post(path, ["positions": []]).status == 422)
            #expect(
                try await campus.post(path, positions((40, "2999-01-01T00:00:00Z"))).pointers == ["/positions/0/at"]
            )
            #expect(try await campus.count("order_track") == 0)
        }
    }
}
