import EventLog
import Model
import Postgres
import ServiceKit

/// Gives a case back to the desk, because money that was to settle it is not coming: it is due anew from now on.
struct ReopenCase: Sendable {
    private let cases = CaseStore()
    private let timers = TimerStore(owner: .afterSales)

    /// Reopens a case that is locked; the caller tells of it.
    ///
    /// - Throws: ``CaseRefusal`` when it is not under way.
    func callAsFunction(
        _ underWay: AfterSalesCase,
        on campus: Campus,
        detail: JSON,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> TrailEntry {
        let deadlines = CaseDeadlines(campus: campus, from: cause.at)
        let (reopened, change) = try underWay.applying(.reopen(deadlines), at: cause.at)
        try session.execute(cases.update(to: reopened))
        try timers.arm(CaseTimer.due(for: reopened), in: session)
        return .changed(reopened, change, detail: detail, cause)
    }
}
