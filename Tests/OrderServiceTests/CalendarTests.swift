import Model
import Postgres
import TestSupport
import Testing

@testable import OrderService

@Suite("A merchant's deadline on a campus that closes")
struct CalendarTests {
    /// Open Monday to Saturday from 7 to 23, nobody out between 22:30 and 7:30.
    private static let settings: JSON = [
        "acceptance_deadline_s": 900,
        "payment_deadline_s": 900,
        "calendar": [
            "opening": [["weekdays": [1, 2, 3, 4, 5, 6], "from": "07:00", "to": "23:00"]],
            "curfew": ["from": "22:30", "to": "07:30"],
        ],
    ]

    /// Pays an order at that moment; says until when the customer had to, and until when the merchant has to answer.
    private func deadlines(paidAt moment: String) async throws -> [String] {
        let now = try #require(Timestamp(rfc3339: moment))
        let found = Box<[String]>([])
        try await TestCampus.run(isTest: false, clock: ManualClock(now), settings: Self.settings) { campus in
            let order = try await campus.place()
            let id = try #require(OrderID(order))
            func due() async throws -> String {
                let due: Timestamp = try await campus.pool.autocommit { session in
                    try session.one("select due_at from campus.orders_timer where subject_id = \(id)") { try $0[0] }
                }
                return due.rfc3339
            }
            let payment = try await due()
            guard case .object(var body) = campus.payBody("t1") else { return }
            body["channel"] = "wechat"
            let paid = try await campus.post("/v1/orders/\(order)/pay", .object(body))
            try #require(paid.status == 200, "\(paid.body)")
            found.value = [payment, try await due()]
        }
        return found.value
    }

    @Test("in opening hours it is a quarter of an hour")
    func open() async throws {
        // Thursday, noon in Shanghai.
        #expect(
            try await deadlines(paidAt: "2030-02-28T04:00:00Z") == ["2030-02-28T04:15:00Z", "2030-02-28T04:15:00Z"]
        )
    }

    @Test("at curfew the merchant's clock stands still until the morning; the customer's runs on")
    func curfew() async throws {
        // Thursday 22:20 in Shanghai: ten minutes tonight, five from 7:30 on.
        #expect(
            try await deadlines(paidAt: "2030-02-28T14:20:00Z") == ["2030-02-28T14:35:00Z", "2030-02-28T23:35:00Z"]
        )
    }

    @Test("over a day on which the campus is closed, too")
    func closedDay() async throws {
        // Saturday 22:20 in Shanghai: ten minutes tonight, five on Monday.
        #expect(
            try await deadlines(paidAt: "2030-03-02T14:20:00Z") == ["2030-03-02T14:35:00Z", "2030-03-03T23:35:00Z"]
        )
    }
}
