import EventLog
import Logging
import Model
import Postgres
import ServiceKit

/// Gives the platform's answer up as lost, once it has kept silent for too long: what became of the money is unknown, and
/// somebody has to find out.
struct FireRefundTimer: Sendable {
    private let pool: ConnectionPool
    private let directory: CampusDirectory
    private let logger: Logger
    private let timers = TimerStore(owner: .afterSales)
    private let move = MoveRefund()

    /// Fires timers of that database.
    init(pool: ConnectionPool, directory: CampusDirectory, logger: Logger) {
        self.pool = pool
        self.directory = directory
        self.logger = logger
    }

    /// Fires one timer; one that is moot by now does nothing.
    func callAsFunction(_ due: DueTimer) async throws {
        guard RefundTimer(rawValue: due.kind) == .silence, let campus = try await directory.campus(due.campus),
            let order = due.payload["order_id"]?.string.flatMap(OrderID.init)
        else { throw UnknownTimer() }
        let cause = Cause(actor: .system("refunds"), at: try await directory.now(in: campus), trace: nil)
        let lost = try await pool.transaction { session -> Refund? in
            let id: RefundID = due.subject.retyped()
            let refund = try move.lock(id, of: order, campus: due.campus, for: .loseAnswer, in: session)
            guard try timers.consume(due, in: session), let refund, refund.status.allows(.loseAnswer) else {
                return nil
            }
            return try move(refund, .loseAnswer, on: campus, cause, in: session)
        }
        guard let lost else { return }
        var logger = logger
        logger[.campus] = campus.code
        logger.record(.refund(lost.status), lost.logValues)
        logger.record(.refundUnanswered, lost.logValues)
    }
}
