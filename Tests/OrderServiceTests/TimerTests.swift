import Model
import Postgres
import TestSupport
import Testing

@testable import OrderService

@Suite("Deadlines and the test clock")
struct TimerTests {
    private func advance(_ campus: TestCampus, _ seconds: Int64) async throws {
        let answer = try await campus.post("/v1/test/clock/advance", ["seconds": .integer(seconds)])
        try #require(answer.status == 200, "\(answer.body)")
    }

    private func becomes(_ status: String, _ order: String, _ campus: TestCampus) async throws {
        try await eventually("\(order) is \(status)") {
            try await campus.get("/v1/orders/\(order)")["status"]?.string == status
        }
    }

    @Test("an order that nobody pays is cancelled, with what was paid in part due back")
    func paymentDeadline() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            let partly = try await campus.place()
            try await campus.pay(partly, "t1", 500)
            try await advance(campus, 14 * 60)
            #expect(try await campus.get("/v1/orders/\(order)")["status"] == "placed")
            try await advance(campus, 61)
            try await becomes("cancelled", order, campus)
            try await becomes("cancelled", partly, campus)
            let read = try await campus.get("/v1/orders/\(order)")
            #expect(read["cancellation"] == ["by": "system:payment_deadline", "reason": "payment_deadline"])
            #expect(try await campus.refundsDue(for: order).isEmpty)
            #expect(try await campus.refundsDue(for: partly) == ["cancelled 500"])
        }
    }

    @Test("an order that no merchant accepts is cancelled, and its money due back")
    func acceptanceDeadline() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            try await campus.move(order, "pay")
            let accepted = try await campus.place()
            try await campus.move(accepted, "pay", "accept")
            try await advance(campus, 301)
            try await becomes("cancelled", order, campus)
            #expect(try await campus.refundsDue(for: order) == ["cancelled 2000"])
            #expect(try await campus.get("/v1/orders/\(accepted)")["status"] == "accepted")
        }
    }

    @Test("a delivered order completes by itself after a day")
    func completion() async throws {
        try await TestCampus.run { campus in
            let order = try await campus.place()
            try await campus.move(order, "pay", "accept", "ready", "pickup", "deliver")
            try await advance(campus, 86_300)
            #expect(try await campus.get("/v1/orders/\(order)")["status"] == "delivered")
            try await advance(campus, 200)
            try await becomes("completed", order, campus)
            #expect(try await campus.events(of: order).last == "order.completed")
        }
    }

    @Test("deadlines pass while nothing runs, and take effect once the service is back")
    func restart() async throws {
        try await withDatabase { database in
            let order = Box("")
            let seeded = Box<TestCampus?>(nil)
            try await TestCampus.serve(database) { client in
                let campus = try await TestCampus.seeded(database, client)
                order.value = try await campus.place()
                seeded.value = campus
            }
            let earlier = try #require(seeded.value)
            try await earlier.pool.transaction { session in
                try session.execute(
                    "update campus.campus_clock set clock_offset = interval '1 hour' where campus_id = \(earlier.id)"
                )
            }
            #expect(try await earlier.timers(of: order.value) == ["payment_deadline"])
            try await TestCampus.serve(database) { client in
                let campus = earlier.with(client)
                try await becomes("cancelled", order.value, campus)
                #expect(try await campus.events(of: order.value) == ["order.placed", "order.cancelled"])
            }
        }
    }

    @Test("the clock of a test campus moves its campus alone, and never back")
    func clock() async throws {
        try await TestCampus.run { campus in
            let other = try await campus.other()
            let before = try await other.get("/v1/test/clock")
            try await advance(campus, 3_600)
            #expect(try await campus.get("/v1/test/clock")["offset_s"] == 3_600)
            #expect(try await other.get("/v1/test/clock")["offset_s"] == before["offset_s"])
            #expect(try await campus.post("/v1/test/clock/advance", ["seconds": -1]).status == 422)
            #expect(try await campus.post("/v1/test/clock/advance", ["seconds": 311_040_000]).status == 422)
            let once = try await campus.post("/v1/test/clock/advance", ["seconds": 60], idempotencyKey: "k")
            let again = try await campus.post("/v1/test/clock/advance", ["seconds": 60], idempotencyKey: "k")
            #expect(once.bytes == again.bytes)
            #expect(try await campus.get("/v1/test/clock")["offset_s"] == 3_660)
            #expect(
                try await campus.post("/v1/test/clock/advance", ["seconds": 60], as: "customer:stu_1").status == 403
            )
        }
    }

    @Test("no other campus has a clock to advance")
    func notATest() async throws {
        try await TestCampus.run(isTest: false) { campus in
            let answer = try await campus.post("/v1/test/clock/advance", ["seconds": 60])
            #expect(answer.status == 403)
            #expect(answer.code == "not-a-test-campus")
            #expect(try await campus.count("campus_clock") == 0)
        }
    }
}
