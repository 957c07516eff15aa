import HTTPTypes
import Model
import Postgres
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("Money is never promised twice", .timeLimit(.minutes(5)))
struct GuardTests {
    @Test("Fifty cases at once never come to more than was paid")
    func attack() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(lines: [(1, 900), (20, 2_001)], minutesLate: 60).insert(campus)
            let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
                for index in 0..<50 {
                    let lines: JSON? =
                        switch index % 3 {
                        case 0: nil
                        case 1: [["line_no": 2, "quantity": .integer(Int64(index % 7 + 1))]]
                        default: [["line_no": 1, "quantity": 1], ["line_no": 2, "quantity": 1]]
                        }
                    group.addTask { try await campus.openCase(order.id, .late, lines: lines) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.allSatisfy { [201, 409, 422].contains($0.status) })
            let granted = answers.reduce(Int64(0)) { $0 + ($1["approved_fen"]?.integer ?? 0) }
            #expect(granted <= order.payable)
            #expect(answers.contains { $0.status == 201 })
            try await eventually("all refunds are through") {
                let promised = try await campus.promised(order.id)
                return promised.reserved == 0 && promised.refunded == granted
            }
            #expect(
                try await campus.number(
                    "select coalesce(sum(amount_fen), 0)::bigint from campus.sandbox_refund where outcome = 'succeeded'"
                ) == granted
            )
        }
    }

    @Test("Fifty decisions at once on many cases of one order never come to more than was paid")
    func decisions() async throws {
        try await TestCampus.run { campus in
            let order = try await OrderFixture(lines: Array(repeating: (1, 100), count: 10)).insert(campus)
            var cases: [String] = []
            for line in 1...10 {
                let lines: JSON = [["line_no": .integer(Int64(line)), "quantity": 1]]
                cases.append(try await campus.openCase(order.id, .quality, lines: lines).id)
            }
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for index in 0..<50 {
                    group.addTask { [cases] in
                        let answer = try await campus.send(
                            .post,
                            "/v1/desk/cases/\(cases[index % 10])/decide",
                            [
                                "verdict": "approved", "reasons": [["zh-CN": "好", "en": "Yes"]],
                                "amounts": [
                                    ["item": "delivery", "amount_fen": 100], ["item": "line:1", "amount_fen": 40],
                                ],
                            ],
                            as: "agent:kf_1"
                        )
                        return answer.status
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            // Of the delivery fee of 300 three decisions can give 100, but the first line's 100 reaches for two only.
            #expect(statuses.filter { $0 == 200 }.count == 2)
            #expect(statuses.allSatisfy { [200, 409, 422].contains($0) })
            let promised = try await campus.promised(order.id)
            #expect(promised.reserved + promised.refunded == 280)
        }
    }

    @Test("Of a payment that covers several orders, each order gets back its own part and no more")
    func sharedPayment() async throws {
        try await TestCampus.run { campus in
            var first = OrderFixture(minutesLate: 20)
            var second = OrderFixture(lines: [(2, 1_001)], delivery: 0, packaging: 0, minutesLate: 20)
            var payment = PaymentFixture(amount: first.payable + second.payable, share: first.payable)
            first.payments = [payment]
            payment.share = second.payable
            second.payments = [payment]
            try await first.insert(campus)
            try await second.insert(campus)

            let one = try await campus.openCase(first.id, .late)
            #expect(one["approved_fen"] == .integer(first.payable))
            let unit = try await campus.openCase(second.id, .late, lines: [["line_no": 1, "quantity": 1]])
            #expect(unit["approved_fen"] == 500)
            let rest = try await campus.openCase(second.id, .late)
            #expect(rest["approved_fen"] == 501)
            for id in [one.id, unit.id, rest.id] {
                try await campus.awaitCase(id, "the money is back") { $0["status"] == "resolved" }
            }
            #expect(try await campus.promised(first.id) == (0, first.payable))
            #expect(try await campus.promised(second.id) == (0, second.payable))
            #expect(try await campus.openCase(second.id, .late).code == "nothing-refundable")
            #expect(
                try await campus.number(
                    "select sum(amount_fen)::bigint from campus.sandbox_refund where outcome = 'succeeded'"
                ) == first.payable + second.payable
            )
            #expect(
                try await campus.number(
                    "select count(*) from campus.refund where payment_id = \(payment.id) and payment_fen = \(payment.amount ?? 0)"
                ) == 3
            )
        }
    }
}
