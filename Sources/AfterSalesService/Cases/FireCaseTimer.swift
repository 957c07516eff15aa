import EventLog
import Logging
import Model
import Postgres
import ServiceKit

/// Does what a case's timer is for, once its time has come.
struct FireCaseTimer: Sendable {
    private let pool: ConnectionPool
    private let directory: CampusDirectory
    private let logger: Logger
    private let cases = CaseStore()
    private let refundables = RefundableStore()
    private let timers = TimerStore(owner: .afterSales)
    private let trail = Trail()

    /// Fires timers of that database.
    init(pool: ConnectionPool, directory: CampusDirectory, logger: Logger) {
        self.pool = pool
        self.directory = directory
        self.logger = logger
    }

    /// What firing came to.
    private enum Effect {
        case closed(AfterSalesCase)
        case missed(AfterSalesCase)
        case none
    }

    /// Fires one timer; one that is moot by now does nothing.
    func callAsFunction(_ due: DueTimer) async throws {
        guard let timer = CaseTimer(rawValue: due.kind), let campus = try await directory.campus(due.campus) else {
            throw UnknownTimer()
        }
        let now = try await directory.now(in: campus)
        let effect = try await pool.transaction { session in try fire(timer, due, at: now, in: session) }
        var logger = logger
        logger[.campus] = campus.code
        switch effect {
        case .closed(let closed): logger.record(.caseClosed, closed.logValues)
        case .missed(let late):
            var values = late.logValues
            values[.timer] = .string(due.kind)
            logger.record(.caseReviewMissed, values)
        case .none: break
        }
    }

    private func fire(
        _ timer: CaseTimer,
        _ due: DueTimer,
        at now: Timestamp,
        in session: borrowing Session
    ) throws -> Effect {
        let id: CaseID = due.subject.retyped()
        if let order = due.payload["order_id"]?.string.flatMap(OrderID.init) {
            try refundables.lock([order], in: session)
        }
        let locked = try cases.lock(id, campus: due.campus, in: session)
        guard try timers.consume(due, in: session), let subject = locked else { return .none }
        switch timer {
        case .reviewDue: return subject.status.isBeforeDesk && subject.handler == nil ? .missed(subject) : .none
        case .decisionDue: return subject.status.isUndecided ? .missed(subject) : .none
        case .followUp:
            guard subject.status.allows(.close) else { return .none }
            let (closed, change) = try subject.applying(.close, at: now)
            try session.execute(cases.update(to: closed))
            let cause = Cause(actor: .system("follow_up"), at: now, trace: nil)
            try trail.record([.changed(closed, change, detail: [:], cause)], in: session)
            return .closed(closed)
        }
    }
}

/// A timer that this version does not know; a newer one fires it.
struct UnknownTimer: Error {}
