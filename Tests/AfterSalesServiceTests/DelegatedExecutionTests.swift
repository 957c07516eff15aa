import EventLog
import Logging
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import AfterSalesService

/// What lies between a decision and the platform: steps taken one by one, where a crash could come between them.
@Suite("Asking the platform for a refund", .timeLimit(.minutes(5)))
struct DelegatedExecutionTests {
    private func requests(_ bench: RefundBench) async throws -> Int64 {
        try await bench.number("select count(*) from campus.after_sales_event where type = 'refund.requested'")
    }

    private func take(
        _ report: ChannelReport,
        _ bench: RefundBench,
        logger: Logger = .silent
    ) async throws -> TakeResult.Judged {
        let seen = try await bench.stored()
        let now = SystemWallClock().now()
        let result = RefundResult(report: report, amount: seen.amount, destination: nil, request: nil, at: now)
        let cause = Cause(actor: Actor(role: .platform, id: "app"), at: now, trace: nil)
        return try await bench.pool.transaction { session in
            try TakeResult()(result, about: seen, on: bench.campus, cause, logger: logger, in: session)
        }
    }

    private func due(_ bench: RefundBench) async throws -> DueTimer {
        try await bench.pool.transaction { session in
            try session.one(
                "select subject_id, campus_id, due_at, payload from campus.after_sales_timer where kind = 'refund.silence'"
            ) { row in
                DueTimer(
                    kind: RefundTimer.silence.rawValue,
                    subject: try row["subject_id"],
                    campus: try row["campus_id"],
                    dueAt: try row["due_at"],
                    payload: try row["payload"],
                    attempt: 1
                )
            }
        }
    }

    @Test("It is asked in the transaction that submits, so that no crash loses or doubles the request")
    func once() async throws {
        try await RefundBench.with(DelegatedChannel(), for: .delegated) { bench in
            #expect(try await requests(bench) == 0)
            for _ in 0..<3 { _ = try await bench.execute.perform(bench.task) }
            #expect(try await bench.stored().status == .submitting)
            #expect(try await requests(bench) == 1)
            #expect(try await bench.remaining() == 0)
            let seconds = try await due(bench).dueAt.duration(since: bench.stored().submittedAt ?? Examples.now)
            #expect(seconds == bench.campus.settings.refundAnswer)
        }
    }

    @Test("A report before the request is refused, changes nothing, and is taken once the platform was asked")
    func early() async throws {
        try await RefundBench.with(DelegatedChannel(), for: .delegated) { bench in
            await #expect(throws: AfterSalesRefusal.notRequestedYet) {
                try await take(.succeeded(channelRefundID: nil), bench)
            }
            #expect(try await bench.stored() == bench.refund)
            _ = try await bench.execute.perform(bench.task)
            #expect(try await take(.succeeded(channelRefundID: nil), bench).outcome == .taken)
            #expect(try await bench.stored().status == .succeeded)
            // A task that runs again after that asks for nothing.
            _ = try await bench.execute.perform(bench.task)
            #expect(try await requests(bench) == 1)
        }
    }

    @Test("Silence is logged for somebody to act on; a timer that comes after the answer is moot")
    func silence() async throws {
        let lines = LoggedLines()
        try await RefundBench.with(DelegatedChannel(), for: .delegated, logger: lines.logger) { bench in
            _ = try await bench.execute.perform(bench.task)
            let timer = try await due(bench)
            try await bench.fireTimer(timer)
            #expect(try await bench.stored().status == .unknown)
            #expect(lines.refundEvents(.error) == ["refund.unanswered"])
            #expect(lines.refundEvents(.warning) == ["refund.unknown"])
            try await bench.fireTimer(timer)

            #expect(try await take(.processing(channelRefundID: nil), bench).outcome == .late)
            let later = try await due(bench)
            #expect(try await take(.succeeded(channelRefundID: nil), bench).outcome == .taken)
            try await bench.fireTimer(later)
            #expect(try await bench.stored().status == .succeeded)
            #expect(lines.refundEvents(.error) == ["refund.unanswered"])
        }
    }

    @Test("Before it is asked a refund can be given up; then nothing is asked any more")
    func voidedBefore() async throws {
        try await RefundBench.with(DelegatedChannel(), for: .delegated) { bench in
            let cause = Cause(actor: Actor(role: .supervisor, id: "boss"), at: SystemWallClock().now(), trace: nil)
            let examined = try await bench.voidRefund.examine(bench.refund.id, campus: bench.campus, cause)
            let closed = try await bench.pool.transaction {
                try bench.voidRefund.conclude(examined, campus: bench.campus, cause, in: $0)
            }
            #expect(closed.status == .closed)
            _ = try await bench.execute.perform(bench.task)
            #expect(try await requests(bench) == 0)
        }
    }

    @Test("The database keeps reports as they came, of refunds that the platform pays, of their amount")
    func databaseGuards() async throws {
        @Sendable func insertion(
            _ refund: Refund,
            amount: Int64,
            outcome: String = "taken",
            stood: String = "submitting"
        ) -> SQL {
            """
            insert into campus.refund_report (
                campus_id, refund_id, number, stood, result, amount_fen, outcome, actor, at, received_at
            ) values (
                \(refund.campus), \(refund.id), 1, \(stood), 'succeeded', \(amount), \(outcome), 'platform:app', now(), now()
            )
            """
        }
        @Sendable func refusal(_ sql: SQL, _ pool: ConnectionPool) async throws -> PostgresError? {
            do {
                try await pool.transaction { session in _ = try session.execute(sql) }
                return nil
            } catch let error as PostgresError {
                return error
            }
        }
        try await RefundBench.with(ScriptedChannel([])) { bench in
            let sandboxed = try await refusal(insertion(bench.refund, amount: bench.refund.amount.fen), bench.pool)
            #expect(sandboxed?.constraint == "refund_report_of_delegated")
        }
        try await RefundBench.with(DelegatedChannel(), for: .delegated) { bench in
            let partly = try await refusal(insertion(bench.refund, amount: 1), bench.pool)
            #expect(partly?.constraint == "refund_report_of_delegated")
            let whole = bench.refund.amount.fen
            let flipped = try await refusal(insertion(bench.refund, amount: whole, stood: "closed"), bench.pool)
            #expect(flipped?.constraint == "refund_report_moves_no_end")
            #expect(try await refusal(insertion(bench.refund, amount: whole), bench.pool) == nil)
            for statement in ["update campus.refund_report set outcome = 'late'", "delete from campus.refund_report"] {
                let refused = try await refusal(SQL(stringLiteral: statement), bench.pool)
                #expect(refused?.sqlState == .insufficientPrivilege, "\(statement)")
            }
        }
    }
    @Test("What contradicts is logged before it is committed: were the process to die then, nothing would say it again")
    func loggedBeforeCommit() async throws {
        try await RefundBench.with(DelegatedChannel(), for: .delegated) { bench in
            _ = try await bench.execute.perform(bench.task)
            _ = try await take(.succeeded(channelRefundID: nil), bench)
            // The transaction alone, and nothing of what would follow it.
            let lines = LoggedLines()
            #expect(try await take(.failed(code: "F"), bench, logger: lines.logger).outcome == .contradictory)
            #expect(lines.refundEvents(.error) == ["refund.contradicted"])
            #expect(try await take(.failed(code: "F"), bench, logger: lines.logger).outcome == .repeated)
            #expect(lines.refundEvents(.error) == ["refund.contradicted"])
        }
    }
}
