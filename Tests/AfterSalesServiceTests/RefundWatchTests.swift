import HTTPTypes
import Logging
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("Refunds that take too long", .timeLimit(.minutes(5)))
struct RefundWatchTests {
    /// A refund that waits for the platform; its id.
    private func waiting(_ campus: TestCampus, at now: Timestamp = SystemWallClock().now()) async throws -> String {
        var order = OrderFixture(minutesLate: 20, payments: [PaymentFixture(channel: .delegated)])
        order.now = now
        try await order.insert(campus)
        let opened = try await campus.openCase(order.id, .late)
        let refund = try #require(opened["refund"]?["id"]?.string)
        try await eventually("the platform is asked") {
            try await campus.send(.get, "/v1/refunds/\(refund)")["status"] == "submitting"
        }
        return refund
    }

    /// Has it lie longer ago, and its answer lost.
    private func age(_ refund: String, _ campus: TestCampus) async throws {
        let id = try #require(RefundID(refund))
        try await campus.pool.transaction { session in
            try session.execute("set local session_replication_role = replica")
            try session.execute(
                """
                update campus.refund
                set created_at = created_at - interval '25 hours', updated_at = updated_at - interval '16 minutes',
                    status = 'unknown'
                where id = \(id)
                """
            )
        }
    }

    private func look(_ campus: TestCampus) async throws -> LoggedLines {
        let lines = LoggedLines()
        let pool = try campus.database.pool(as: .afterSalesService, size: 1)
        await WatchRefunds(pool: pool, clock: SystemWallClock(), logger: lines.logger).look()
        return lines
    }

    @Test("Each campus has lines of its own, by its own clock")
    func campuses() async throws {
        try await TestCampus.run { test in
            // What this campus's clock is ahead of ours is no age.
            let ahead = SystemWallClock().now() + .days(10)
            try await test.moveClock(to: ahead)
            let live = try await test.other(isTest: false)
            let codes: [CampusID: String] = try await test.pool.transaction { session in
                let found: [(CampusID, String)] = try session.query("select id, code from campus.campus") { row in
                    (try row[0], try row[1])
                }
                return Dictionary(uniqueKeysWithValues: found)
            }
            let played = try await waiting(test, at: ahead)
            let real = try await waiting(live)
            #expect(try await look(test).refundEvents(.error) == [])
            try await age(real, live)
            for event in ["refund.unsettled", "refund.stays_unknown"] {
                let found = try await look(test).values(of: event)
                #expect(found.map { $0["campus"] } == [codes[live.id]], "\(event)")
                #expect(found.map { $0["count"] } == ["1"], "\(event)")
            }
            try await age(played, test)
            let lines = try await look(test)
            for event in ["refund.unsettled", "refund.stays_unknown"] {
                let found = lines.values(of: event)
                #expect(Set(found.map { $0["campus"] }) == [codes[live.id], codes[test.id]], "\(event)")
                #expect(found.map { $0["count"] } == ["1", "1"], "\(event)")
            }
        }
    }
}
