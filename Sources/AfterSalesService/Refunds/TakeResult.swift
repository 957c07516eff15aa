import EventLog
import Logging
import Model
import Postgres
import ServiceKit

/// Takes in what the platform says of a refund that it pays itself.
///
/// Reports come late, twice and in any order. Each is kept; one that fits moves the refund, and one that cannot be true beside
/// what stands moves nothing and alarms people. Two at once wait for each other at the order's lock.
struct TakeResult: Sendable {
    private let move = MoveRefund()
    private let reports = RefundReportStore()
    private let timers = TimerStore(owner: .afterSales)

    /// A report that was taken in.
    struct Judged: Sendable {
        /// What was made of it.
        let outcome: ReportOutcome
        /// The refund before it.
        let before: Refund
        /// The refund after it.
        let refund: Refund
    }

    /// Takes in a report about a refund that the platform pays.
    ///
    /// A contradiction is logged before the commit, because nothing would say it again: were the process to die in between, the
    /// platform's repetition would be answered as known. So a page may come twice and is never lost.
    ///
    /// - Throws: ``AfterSalesRefusal/notRequestedYet`` for one that the platform cannot have been asked for; a problem for a
    ///   refusal that does not say of which request it is, when there were several.
    func callAsFunction(
        _ result: RefundResult,
        about seen: Refund,
        on campus: Campus,
        _ cause: Cause,
        logger: Logger,
        in session: borrowing Session
    ) throws -> Judged {
        let step = RefundStep.report(result.report)
        guard let refund = try move.lock(seen.id, of: seen.orderID, campus: seen.campus, for: step, in: session) else {
            throw AfterSalesRefusal.notFound
        }
        guard refund.status != .created else { throw AfterSalesRefusal.notRequestedYet }
        let outcome = try judge(result, about: refund, in: session)
        try session.enqueue([reports.insertion(of: result, about: refund, outcome: outcome, cause)])
        if outcome == .contradictory { logger.record(refund.contradiction(by: result.report), refund.logValues) }
        guard outcome.isTaken else {
            // Who says again that it is being paid is not silent.
            if refund.status == .processing, outcome == .repeated {
                try session.enqueue([timers.watching(for: refund, on: campus, at: cause.at)])
            }
            return Judged(outcome: outcome, before: refund, refund: refund)
        }
        let moved = try move(refund, step, on: campus, cause, in: session)
        return Judged(outcome: outcome, before: refund, refund: moved)
    }

    private func judge(
        _ result: RefundResult,
        about refund: Refund,
        in session: borrowing Session
    ) throws -> ReportOutcome {
        let requests = try reports.requests(of: refund, in: session)
        // A refusal proves that nothing moves. One of an earlier request proves nothing about the one that is being paid.
        if case .failed = result.report, result.request == nil, requests.count > 1, !refund.status.isFinal {
            throw Problem.validation("/version", "is missing: the refund was asked for more than once")
        }
        let outcome = refund.judgement(of: result, lastRequest: requests.last)
        guard outcome == .contradictory,
            try reports.isKnownContradiction(result.report, of: refund, in: session)
        else { return outcome }
        return .repeated
    }
}

extension Refund {
    /// The line for a report that contradicts what stands.
    fileprivate func contradiction(by report: ChannelReport) -> LoggedEvent {
        status == .closed && report.status == .succeeded ? .refundPaidThoughReleased : .refundContradicted
    }
}
