import HTTPTypes
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("The brake on automatic refunds", .timeLimit(.minutes(5)))
struct BrakeTests {
    private static let order = OrderFixture(lines: [(1, 1_000)], delivery: 0, packaging: 0, minutesLate: 20)

    private func settings(campus: Int64 = 1_000_000, merchant: Int64 = 1_000_000, customer: Int64 = 1_000_000) -> JSON {
        [
            "brake_campus_10min_fen": .integer(campus), "brake_merchant_day_fen": .integer(merchant),
            "brake_customer_day_fen": .integer(customer),
        ]
    }

    private func verdicts(_ campus: TestCampus, _ orders: [OrderFixture]) async throws -> [String] {
        var verdicts: [String] = []
        for order in orders {
            try await order.insert(campus)
            let opened = try await campus.openCase(order.id, .late, as: "customer:\(order.customer)")
            verdicts.append(opened.verdict ?? "")
        }
        return verdicts
    }

    private func orders(_ count: Int, _ change: (inout OrderFixture, Int) -> Void) -> [OrderFixture] {
        (0..<count).map { index in
            var order = OrderFixture(lines: [(1, 1_000)], delivery: 0, packaging: 0, minutesLate: 20)
            change(&order, index)
            return order
        }
    }

    @Test("A customer's, a merchant's and the campus's cap each turn the next refund over to a person")
    func caps() async throws {
        try await TestCampus.run(settings: settings(customer: 2_500)) { campus in
            let verdicts = try await verdicts(campus, orders(3) { order, index in order.merchant = "m_\(index)" })
            #expect(verdicts == ["approved", "approved", "in_review"])
        }
        try await TestCampus.run(settings: settings(merchant: 2_000)) { campus in
            let verdicts = try await verdicts(campus, orders(3) { order, index in order.customer = "stu_\(index)" })
            #expect(verdicts == ["approved", "approved", "in_review"])
        }
        try await TestCampus.run(settings: settings(campus: 1_999)) { campus in
            let verdicts = try await verdicts(
                campus,
                orders(2) { order, index in
                    order.customer = "stu_\(index)"
                    order.merchant = "m_\(index)"
                }
            )
            #expect(verdicts == ["approved", "in_review"])
        }
    }

    @Test("A braked case says so, is on record, and a person may pay it all the same")
    func record() async throws {
        try await TestCampus.run(settings: settings(customer: 500)) { campus in
            let order = try await Self.order.insert(campus)
            let opened = try await campus.openCase(order.id, .late)
            #expect(opened.verdict == "in_review")
            let explained = try await campus.send(.get, "/v1/cases/\(opened.id)/explanation", as: "agent:kf_1")
            #expect(explained.rules("approves") == ["late"])
            #expect(explained.rules("refers") == ["within_refund_caps"])
            #expect(explained.inputs(of: "within_refund_caps")?["customer_cap_fen"] == 500)
            let shown = try await campus.send(.get, "/v1/cases/\(opened.id)/explanation", as: "customer:stu_1")
            #expect(shown.rules("refers") == ["within_refund_caps"])
            #expect(shown.inputs(of: "within_refund_caps") == [:])
            #expect(shown.inputs(of: "late")?["late_threshold_s"] == 900)
            #expect(try await campus.number("select coalesce(sum(spent_fen), 0)::bigint from campus.refund_brake") == 0)
            let decided = try await campus.send(
                .post,
                "/v1/desk/cases/\(opened.id)/decide",
                ["verdict": "approved", "reasons": [["zh-CN": "好", "en": "Yes"]]],
                as: "agent:kf_1"
            )
            #expect(decided.verdict == "approved")
            let refund = try await campus.send(
                .get,
                "/v1/refunds/\(decided["refund"]?["id"]?.string ?? "")",
                as: "agent:kf_1"
            )
            #expect(refund["automatic"] == false)
        }
    }

    @Test("The caps hold when everything arrives at once")
    func concurrency() async throws {
        try await TestCampus.run(settings: settings(campus: 5_000)) { campus in
            let all = orders(20) { order, index in
                order.customer = "stu_\(index)"
                order.merchant = "m_\(index % 3)"
            }
            for order in all { try await order.insert(campus) }
            let approved = try await withThrowingTaskGroup(of: Bool.self) { group in
                for order in all {
                    group.addTask {
                        try await campus.openCase(order.id, .late, as: "customer:\(order.customer)").verdict
                            == "approved"
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            // The window may turn while the test runs, so that two windows' worth can pass, never more.
            #expect(approved == 5 || approved == 10)
            let spent = try await campus.number("select spent_fen from campus.refund_brake where scope = 'campus'")
            #expect(spent <= 5_000)
        }
    }

    @Test("A new window begins at nothing; a charge of an older one counts in the one that is there")
    func windows() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .afterSalesService, size: 1)
            let id = try await TestCampus.insertCampus(try database.pool(as: .superuser, size: 1), isTest: true)
            var settings = CampusSettings()
            settings.brakeCampusTenMinutes = Money(fen: 1_000)
            let zone = CampusTimezone(name: "UTC", changes: [])
            let campus = Campus(id: id, code: "c", name: "C", isTest: true, settings: settings, timezone: zone)
            let start = Examples.now
            let fits = { @Sendable (fen: Int64, seconds: Int64) in
                let at = start + .seconds(seconds)
                let charge = BrakeCharge(Money(fen: fen), of: Examples.makeOrder(), campus: campus, at: at)
                return try await BrakeState.trying { brake in
                    guard brake == .untried, let statement = BrakeStore().charging(charge, campus: id) else {
                        return false
                    }
                    return try await pool.transaction { try $0.execute(statement) == 3 }
                }
            }
            #expect(try await fits(800, 0))
            #expect(try await !fits(201, 599))
            #expect(try await !fits(201, -1))
            #expect(try await fits(200, -1))
            #expect(try await !fits(1, 599))
            #expect(try await fits(1_000, 600))
            #expect(try await !fits(1, 600))
        }
    }

    @Test("Money that is due without asking is held back too")
    func systemCases() async throws {
        try await TestCampus.run(settings: settings(customer: 500)) { campus in
            let order = try await OrderFixture(status: .cancelled).insert(campus)
            let payment = order.payments[0].id
            let due = RefundDue(paymentID: payment, cause: .cancelled, amount: Money(fen: order.payable))
            try await order.appendDue(due, on: campus)
            try await eventually("it waits for a person") {
                try await campus.number("select count(*) from campus.cases where is_system and status = 'in_review'")
                    == 1
            }
            let queue = try await campus.send(.get, "/v1/desk/queue", as: "agent:kf_1")
            let id = queue["items"]?.array?.first?["id"]?.string ?? ""
            let explained = try await campus.send(.get, "/v1/cases/\(id)/explanation", as: "agent:kf_1")
            #expect(explained.rules("approves") == ["money_due"])
            #expect(explained.rules("refers") == ["within_refund_caps"])
            #expect(try await campus.promised(order.id) == (0, 0))
        }
    }

    @Test("The database itself refuses a count above its cap")
    func constraint() async throws {
        try await TestCampus.run { campus in
            let login = try campus.database.pool(as: .afterSalesService, size: 1)
            let error = await #expect(throws: PostgresError.self) {
                try await login.transaction { session in
                    try session.execute(
                        """
                        insert into campus.refund_brake (campus_id, scope, subject, window_start, spent_fen, cap_fen)
                        values (\(campus.id), 'campus', '', now(), 2, 1)
                        """
                    )
                }
            }
            #expect(error?.constraint == "refund_brake_holds")
        }
    }
}
