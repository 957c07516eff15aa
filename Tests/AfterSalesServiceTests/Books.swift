import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Model
import NIOCore
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import AfterSalesService

/// The books of a test campus, at noon of tomorrow, so that no test runs across midnight.
struct Books: Sendable {
    let campus: TestCampus
    let noon: Timestamp
    let day: CampusCalendar.Day

    /// Runs the service for `body`.
    static func atNoon(_ body: @Sendable @escaping (Books) async throws -> Void) async throws {
        try await TestCampus.run { campus in
            // The campus is in Shanghai, eight hours ahead.
            let day = CampusCalendar.Day(number: (SystemWallClock().now().seconds + 28_800) / 86_400 + 1)
            let noon = Timestamp(seconds: day.number * 86_400 - 28_800 + 43_200)
            try await campus.moveClock(to: noon)
            try await body(Books(campus: campus, noon: noon, day: day))
        }
    }

    /// A day's address.
    func path(_ day: CampusCalendar.Day? = nil, _ query: String = "") -> String {
        "/v1/reconciliation/\(day ?? self.day)\(query)"
    }

    /// Moves the clock to the time at which the day is closed, or some days later, and has the days until then closed.
    func close(after days: Int64 = 0) async throws {
        try await pass(days)
        let last = CampusCalendar.Day(number: day.number + days).description
        let pool = try campus.database.pool(as: .afterSalesService, size: 2)
        let closeDays = CloseDays(
            pool: pool,
            directory: CampusDirectory(pool: pool, clock: SystemWallClock(), logger: .silent),
            closeDay: CloseDay(pool: pool, grace: .seconds(900)),
            logger: .silent
        )
        // The service's own may be at it too.
        try await eventually("the books of \(last) are closed") {
            await closeDays.look()
            let found = try await campus.number(
                "select count(*) from campus.reconciliation_day where campus_id = \(campus.id) and day = \(last)::date"
            )
            return found == 1
        }
    }

    /// Moves the clock to the time at which the day is to be closed, or some days later.
    func pass(_ days: Int64 = 0) async throws {
        try await campus.moveClock(to: noon + .seconds(12 * 3_600 + 16 * 60 + days * 86_400))
    }

    /// Compares a closed day with the platform's books, which have these lines.
    func compare(_ lines: [String], of day: CampusCalendar.Day? = nil) async throws -> ComparisonReport {
        let text = "kind,transaction_id,out_refund_no,amount_fen,status\n" + lines.map { $0 + "\n" }.joined()
        let theirs = try PlatformFile(text).entries
        let pool = try campus.database.pool(as: .afterSalesService, size: 1)
        return try await pool.transaction { session in
            let found = try ReconciliationStore().find(day ?? self.day, of: campus.id, in: session)
            return try CompareDay()(try #require(found), of: "c", with: theirs, in: session)
        }
    }

    func read(_ query: String = "", of day: CampusCalendar.Day? = nil) async throws -> Answer {
        try await campus.download(path(day, query))
    }

    /// The rows of the day, as NDJSON has them.
    func rows(of day: CampusCalendar.Day? = nil) async throws -> [JSON] {
        let lines = try await lines(of: day)
        return try lines.dropLast().map { try JSON(parsing: $0) }
    }

    func lines(of day: CampusCalendar.Day? = nil) async throws -> [String] {
        let answer = try await read("?format=ndjson", of: day)
        #expect(answer.status == 200)
        return String(decoding: answer.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// An order that was late, and its refund, which the platform paid.
    @discardableResult
    func refunded(
        _ payment: PaymentFixture = PaymentFixture(channel: .delegated),
        discounts: [DiscountFixture] = [],
        result: JSONObject = [:]
    ) async throws -> (order: OrderFixture, refund: JSON) {
        var order = OrderFixture(discounts: discounts, minutesLate: 20, payments: [payment])
        order.now = noon
        try await order.insert(campus)
        let opened = try await campus.openCase(order.id, .late)
        let path = "/v1/refunds/\(opened["refund"]?["id"]?.string ?? "")"
        try await eventually("the platform is asked") { try await campus.send(.get, path)["status"] == "submitting" }
        var body: JSONObject = ["result": "succeeded", "amount_fen": .integer(order.payable)]
        for member in result.members { body[member.name] = member.value }
        let answer = try await campus.send(.post, path + "/result", .object(body))
        #expect(answer.status == 200)
        return (order, try #require(answer["refund"]))
    }
}

extension TestCampus {
    /// Moves the campus's clock.
    func moveClock(to time: Timestamp) async throws {
        let offset = time.duration(since: SystemWallClock().now())
        try await pool.transaction { session in
            _ = try session.execute("update campus.campus_clock set clock_offset = \(offset) where campus_id = \(id)")
        }
    }

    /// Reads what may be streamed, on a connection of its own: a stream closes it.
    func download(_ path: String, accept: String? = nil) async throws -> Answer {
        var headers: HTTPFields = [.authorization: "Bearer \(key)"]
        headers[.accept] = accept
        let port = try #require(client.port)
        let response = try await TestClient.withClient(host: "localhost", port: port) { [headers] client in
            try await client.execute(
                TestClient.Request(path, method: .get, authority: "localhost", headers: headers, body: nil)
            )
        }
        return Answer(
            status: response.head.status.code,
            headers: response.head.headerFields,
            bytes: response.body.map { [UInt8](buffer: $0) } ?? []
        )
    }
}
