import EventLog
import Model
import Postgres

/// Goes on with a refund at once, on a person's word and under the same number: hands it to its channel once more when
/// it was refused, asks the platform anew when that says no more of it, and otherwise does what waits to be done for it.
struct RetryRefund: Sendable {
    private let move = MoveRefund()
    private let tasks = TaskStore(owner: .afterSales)

    /// Enqueues what is to be done, or lets what is enqueued go on.
    ///
    /// - Throws: ``AfterSalesRefusal`` or ``RefundRefusal`` when there is nothing to try again.
    func callAsFunction(
        _ seen: Refund,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> Refund {
        guard
            let refund = try move.lock(seen.id, of: seen.orderID, campus: seen.campus, for: .submit, in: session)
        else { throw AfterSalesRefusal.notFound }
        guard !refund.status.isFinal else { throw RefundRefusal(step: .submit, status: refund.status) }
        let isResumed = try tasks.resume(refund, in: session)
        if refund.status != .created, refund.canBeSubmitted {
            let work = RefundTask.submit(refund.id, of: refund.orderID, version: refund.version)
            try tasks.enqueue([work.stored(for: refund, trace: cause.trace)], in: session)
        } else if !isResumed {
            throw RefundRefusal(step: .submit, status: refund.status)
        }
        return refund
    }
}
