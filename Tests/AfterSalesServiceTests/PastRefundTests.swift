import HTTPTypes
import Model
import Postgres
import TestSupport
import Testing

@testable import AfterSalesService

extension OrderFixture {
    /// Stores a refund that was made before the order came here, with OrderService's own login.
    func insertPastRefund(
        _ number: String,
        _ items: [String: Int64],
        amount: Int64? = nil,
        on campus: CampusID,
        _ pool: ConnectionPool
    ) async throws {
        let json = JSON.object(JSONObject(items.sorted { $0.key < $1.key }.map { ($0.key, .integer($0.value)) }))
        let sum = amount ?? items.values.reduce(0, +)
        try await pool.transaction { session in
            try session.execute(
                """
                insert into campus.past_refund (campus_id, out_refund_no, order_id, payment_id, amount_fen, items, succeeded_at)
                values (\(campus), \(number), \(id), \(payments[0].id), \(sum), \(json), \(now))
                """
            )
        }
    }
}

/// Orders come with refunds that the platform made before; nobody may pay them again.
@Suite("Refunds made before", .timeLimit(.minutes(5)))
struct PastRefundTests {
    @Test("an order that was paid back in full gets nothing, whatever is asked")
    func full() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(minutesLate: 20).insert(campus)
            let all: [String: Int64] = ["line:1": 1_500, "line:2": 1_000, "delivery": 300, "packaging": 100]
            try await order.insertPastRefund("P1", all, on: campus.id, campus.orders)
            let options = try await campus.send(
                .get,
                "/v1/after-sales-options?order_id=\(order.id)",
                as: "customer:stu_1"
            )
            #expect(options["refundable_fen"] == 0, "\(options.body)")
            let reasons = options["kinds"]?.array?.flatMap { $0["reasons"]?.array ?? [] } ?? []
            #expect(reasons.allSatisfy { $0["whole_order_fen"] == 0 }, "\(options.body)")
            for reason in [CaseReason.late, .quality, .missingItem] {
                let opened = try await campus.openCase(order.id, reason)
                #expect(opened.status == 409, "\(opened.body)")
            }
            let line = try await campus.openCase(order.id, .quality, lines: [["line_no": 2, "quantity": 3]])
            #expect(line.status == 409, "\(line.body)")
            #expect(try await campus.number("select count(*) from campus.refund") == 0)
            #expect(try await campus.promised(order.id) == (0, order.payable))
        }
    }

    @Test("an order that was paid back in part gets the rest at most, item by item")
    func part() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(minutesLate: 20).insert(campus)
            try await order.insertPastRefund("P1", ["line:1": 1_500, "delivery": 100], on: campus.id, campus.orders)
            let opened = try await campus.openCase(order.id, .late)
            #expect(opened["approved_fen"]?.integer == order.payable - 1_600, "\(opened.body)")
            try await campus.awaitCase(opened.id, "the case is resolved") { $0["status"] == "resolved" }
            #expect(try await campus.promised(order.id) == (0, order.payable))
            let paid = try await campus.number("select sum(amount_fen)::bigint from campus.refund")
            #expect(paid == order.payable - 1_600)
            #expect(try await campus.openCase(order.id, .quality).status == 409)
        }
    }

    @Test("money that an order owes by itself is owed less what was paid back before")
    func moneyDue() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(status: .cancelled, wasAccepted: false).insert(campus)
            try await order.insertPastRefund("P1", ["line:2": 1_000], on: campus.id, campus.orders)
            let due = RefundDue(paymentID: order.payments[0].id, cause: .cancelled, amount: Money(fen: order.payable))
            try await order.appendDue(due, on: campus)
            try await eventually("the rest is back") {
                try await campus.promised(order.id) == (0, order.payable)
            }
            #expect(
                try await campus.number("select sum(amount_fen)::bigint from campus.refund") == order.payable - 1_000
            )
        }
    }

    @Test(
        "the database refuses past refunds of what was not paid, of parts that do not sum, or after money was promised"
    )
    func guards() async throws {
        try await TestCampus.run { campus in
            func refusal(_ order: OrderFixture, _ items: [String: Int64], amount: Int64? = nil) async throws -> String?
            {
                do {
                    try await order.insertPastRefund("X", items, amount: amount, on: campus.id, campus.orders)
                    return nil
                } catch let error as PostgresError {
                    return error.constraint ?? "\(error)"
                }
            }
            let order = try await OrderFixture(minutesLate: 20).insert(campus)
            #expect(try await refusal(order, ["delivery": 301]) == "refundable_never_exceeded")
            #expect(try await refusal(order, ["line:7": 1]) == "past_refund_was_paid")
            #expect(try await refusal(order, ["surplus": 1]) == "past_refund_was_paid")
            #expect(try await refusal(order, ["delivery": 200], amount: 100) == "past_refund_was_paid")
            #expect(try await refusal(order, [:], amount: 100) == "past_refund_was_paid")
            #expect(try await refusal(order, ["line:1": 300, "line:2": -100]) == "refundable_refunded_not_negative")
            #expect(try await refusal(order, ["whole": 100]) == "past_refund_was_paid")
            #expect(try await campus.number("select count(*) from campus.refundable") == 0)
            _ = try await campus.openCase(order.id, .late)
            #expect(try await refusal(order, ["delivery": 300]) == "past_refund_comes_with_its_order")
        }
    }

    @Test("past refunds are not for this service to say")
    func privileges() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture().insert(campus)
            let pool = try campus.database.pool(as: .afterSalesService, size: 1)
            await #expect(throws: PostgresError.self) {
                try await order.insertPastRefund("X", ["delivery": 300], on: campus.id, pool)
            }
            await #expect(throws: PostgresError.self) {
                try await campus.orders.transaction { session in
                    try session.execute("delete from campus.past_refund")
                }
            }
        }
    }
}
