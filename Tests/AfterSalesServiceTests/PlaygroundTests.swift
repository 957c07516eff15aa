import HTTPTypes
import Model
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import AfterSalesService

@Suite("The playground of a test campus", .timeLimit(.minutes(5)))
struct PlaygroundTests {
    /// Refunds that amount of an order that was late, and says how the refund stood each time it stood anew.
    private func refund(_ fen: Int64, transaction: String? = nil, until end: RefundStatus) async throws -> [String] {
        let steps = Steps()
        try await TestCampus.run { campus in
            var payment = PaymentFixture()
            if let transaction { payment.transaction = transaction }
            let order = OrderFixture(lines: [(1, fen - 400)], minutesLate: 20, payments: [payment])
            try await order.insert(campus)
            let opened = try await campus.openCase(order.id, .late)
            #expect(opened["refunds"]?.array?.map { $0["amount_fen"] } == [.integer(fen)])
            let file = try await campus.awaitCase(opened.id, "the refund is \(end)") { answer in
                answer["refunds"]?.array?.first?["status"]?.string == end.rawValue
            }
            let id = try #require(file["refunds"]?.array?.first?["id"]?.string.flatMap(RefundID.init))
            let types: [String] = try await campus.pool.transaction { session in
                try session.query(
                    "select type from campus.refund_timeline where refund_id = \(id) order by version"
                ) { try $0[0] }
            }
            let shown = try await campus.send(.get, "/v1/refunds/\(id)", as: "agent:kf_1")
            let code = end == .failed ? [shown["code"]?.string ?? ""] : []
            steps.all.withLock { $0 = types.map { String($0.dropFirst("refund.".count)) } + code }
        }
        return steps.all.withLock { $0 }
    }

    private final class Steps: Sendable {
        let all = Mutex<[String]>([])
    }

    @Test(
        "The amount of a refund asks for its fault as the word for it does",
        arguments: [
            (SandboxMarker.fail, RefundStatus.failed), (.failOnce, .failed), (.loseAnswer, .succeeded),
            (.loseRequest, .succeeded), (.slow, .succeeded), (.late, .succeeded), (.abnormal, .abnormal),
            (.closed, .closed),
        ]
    )
    func amounts(marker: SandboxMarker, end: RefundStatus) async throws {
        let byAmount = try await refund(marker.amount.fen, until: end)
        let byWord = try await refund(2_000, transaction: "wx-\(marker.rawValue)-1", until: end)
        #expect(byAmount == byWord)
        switch marker {
        case .fail, .failOnce: #expect(byAmount.suffix(2) == ["failed", "SANDBOX_REFUSED"])
        case .loseAnswer, .loseRequest: #expect(byAmount.contains("unknown") && byAmount.last == "succeeded")
        case .slow, .late: #expect(byAmount.contains("processing") && byAmount.last == "succeeded")
        case .abnormal: #expect(byAmount.last == "abnormal")
        case .closed: #expect(byAmount.last == "closed")
        }
    }

    @Test("A refusal has the code that the transaction names")
    func code() async throws {
        let steps = try await refund(2_000, transaction: "wx_SANDBOX-FAIL=NOT_ENOUGH.7", until: .failed)
        #expect(steps.suffix(2) == ["failed", "NOT_ENOUGH"])
    }

    @Test("An order whose time is up by the campus's clock is late, and one long delivered is a person's")
    func lateness() async throws {
        try await TestCampus.run { campus in
            let waiting = OrderFixture(status: .pickedUp, minutesSincePromised: 0)
            try await waiting.insert(campus)
            let early = try await campus.openCase(waiting.id, .notDelivered)
            #expect(early.verdict == "in_review")
            let second = OrderFixture(status: .pickedUp, minutesSincePromised: 0)
            try await second.insert(campus)
            let delivered = OrderFixture(minutesLate: 20)
            try await delivered.insert(campus)
            try await advance(campus, seconds: 16 * 60)
            #expect(try await campus.openCase(second.id, .notDelivered).verdict == "approved")
            try await advance(campus, seconds: 8 * 86_400)
            let late = try await campus.openCase(delivered.id, .late)
            #expect(late.verdict == "in_review")
            let explained = try await campus.send(.get, "/v1/cases/\(late.id)/explanation", as: "customer:stu_1")
            #expect(explained.rules("refers") == ["within_claim_window"])
        }
    }

    @Test("What rules may refund in a day is counted by the campus's days")
    func brake() async throws {
        let settings: JSON = [
            "brake_customer_day_fen": 5_000, "brake_campus_10min_fen": 1_000_000, "brake_merchant_day_fen": 1_000_000,
            "claim_window_s": 31_536_000,
        ]
        try await TestCampus.run(settings: settings) { campus in
            var verdicts: [String?] = []
            for days in [0, 0, 1] {
                try await advance(campus, seconds: Int64(days) * 86_400)
                let order = OrderFixture(minutesLate: 20)
                try await order.insert(campus)
                verdicts.append(try await campus.openCase(order.id, .late).verdict)
            }
            #expect(verdicts == ["approved", "in_review", "approved"])
        }
    }

    @Test("An Idempotency-Key outlives days of the campus's clock")
    func idempotency() async throws {
        try await TestCampus.run { campus in
            let order = OrderFixture(minutesLate: 20)
            try await order.insert(campus)
            let first = try await campus.openCase(order.id, .late, idempotencyKey: "once")
            try await advance(campus, seconds: 3 * 86_400)
            let again = try await campus.openCase(order.id, .late, idempotencyKey: "once")
            #expect(again.bytes == first.bytes)
            #expect(again.isReplayed)
        }
    }

    /// Moves the campus's clock, as OrderService does on a test campus.
    private func advance(_ campus: TestCampus, seconds: Int64) async throws {
        try await campus.orders.transaction { session in
            try session.execute(
                """
                update campus.campus_clock set clock_offset = clock_offset + \(Duration.seconds(seconds))
                where campus_id = \(campus.id)
                """
            )
        }
    }
}
