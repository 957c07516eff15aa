import EventLog
import Model
import Postgres

/// Asks for a refund that its channel refused once more, under the same number.
struct RetryRefund: Sendable {
    private let move = MoveRefund()
    private let tasks = TaskStore(owner: .afterSales)

    /// Enqueues the submission; a task of this refund that had died is given its attempts again, because it holds the
    /// lane.
    ///
    /// - Throws: ``AfterSalesRefusal`` or ``RefundRefusal`` when there is nothing to try again.
    func callAsFunction(
        _ seen: Refund,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> Refund {
        guard let refund = try move.lock(seen.id, of: seen.orderID, campus: seen.campus, in: session) else {
            throw AfterSalesRefusal.notFound
        }
        guard !refund.status.isFinal, refund.status != .abnormal else {
            throw RefundRefusal(step: .submit, status: refund.status)
        }
        let dead = try deadTasks(of: refund, in: session)
        guard refund.status == .failed || !dead.isEmpty else {
            throw RefundRefusal(step: .submit, status: refund.status)
        }
        for task in dead { try tasks.replay(id: task.id, in: session) }
        if refund.status == .failed {
            let work = RefundTask.submit(refund.id, of: refund.orderID, version: refund.version)
            try tasks.enqueue([work.stored(for: refund, trace: cause.trace)], in: session)
        }
        return refund
    }

    private func deadTasks(of refund: Refund, in session: borrowing Session) throws -> [DeadTask] {
        var found: [DeadTask] = []
        var after: Int64 = 0
        while true {
            let page = try tasks.dead(queue: RefundTask.queue, after: after, in: session)
            found += page.filter { $0.orderKey == refund.id.description && $0.campus == refund.campus }
            guard page.count == 100, let last = page.last else { return found }
            after = last.id
        }
    }
}
