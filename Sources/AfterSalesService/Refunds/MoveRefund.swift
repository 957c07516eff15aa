import EventLog
import Model
import Postgres

/// Takes one step of a refund: its row, the money it holds, the ledger and the case it answers, in one transaction.
struct MoveRefund: Sendable {
    private let orders = OrderRecordStore()
    private let refundables = RefundableStore()
    private let refunds = RefundStore()
    private let cases = CaseStore()
    private let items = CaseItemStore()
    private let ledger = LedgerStore()
    private let timers = TimerStore(owner: .afterSales)
    private let trail = Trail()

    /// Locks a refund after its order; nil when the campus has none of that id.
    ///
    /// The order's lock stands for its cases' too: nobody touches a case without it.
    func lock(
        _ id: RefundID,
        of order: OrderID,
        campus: CampusID,
        in session: borrowing Session
    ) throws -> Refund? {
        try refundables.lock([order], in: session)
        return try refunds.lock(id, campus: campus, in: session)
    }

    /// Takes `step` of a refund that is locked; a step that changes nothing writes nothing.
    ///
    /// - Throws: ``RefundRefusal`` when the refund is not in a state for it.
    func callAsFunction(
        _ refund: Refund,
        _ step: RefundStep,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> Refund {
        let (next, effect) = try refund.applying(step, at: cause.at)
        guard next != refund else { return refund }
        try session.execute(refunds.update(to: next))
        var entries = [TrailEntry.moved(next, cause)]
        switch effect {
        case .keeps: break
        case .settles:
            try settle(next, cause, in: session)
            entries += try finishCase(of: next, cause, in: session)
        case .releases:
            let part = try refunds.part(of: next, in: session)
            try refundables.release(part, of: next.orderID, campus: next.campus, in: session)
            entries += try finishCase(of: next, cause, in: session)
        }
        try trail.record(entries, in: session)
        return next
    }

    private func settle(_ refund: Refund, _ cause: Cause, in session: borrowing Session) throws {
        guard let order = try orders.terms(of: refund.orderID, campus: refund.campus, in: session) else {
            throw GuardMissing()
        }
        let before = try refundables.refunded(of: order.id, campus: refund.campus, in: session)
        let part = try refunds.part(of: refund, in: session)
        let entries = LedgerEntry.entries(of: part.items, for: order, refundedBefore: before)
        try refundables.settle(part, of: refund.orderID, campus: refund.campus, in: session)
        try session.execute(ledger.insertion(of: entries, for: refund, at: cause.at))
    }

    /// What a refund's end means for its case: done when all that was approved is back; a person's again when the last
    /// refund under way ended without paying.
    private func finishCase(
        of refund: Refund,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> [TrailEntry] {
        guard let answered = try cases.lock(refund.caseID, campus: refund.campus, in: session) else {
            throw GuardMissing()
        }
        guard answered.status == .executing else { return [] }
        let all = try refunds.refunds(of: [answered.id], campus: refund.campus, in: session)
        let returned = all.reduce(0) { $0 + ($1.status == .succeeded ? $1.amount.fen : 0) }
        if returned >= answered.approved?.fen ?? 0 {
            let attached = try cases.lockAttached(to: answered.id, campus: refund.campus, in: session)
            return try resolve([answered] + attached.filter { $0.status == .executing }, cause, in: session)
        }
        guard all.allSatisfy(\.status.isFinal) else { return [] }
        let (reopened, change) = try answered.applying(.reopen, at: cause.at)
        let held = try items.items(of: answered.id, campus: refund.campus, in: session).map { item in
            item.state == .granted ? item.with(state: .held) : item
        }
        try session.pipeline(
            [cases.update(to: reopened)]
                + [items.saving(held, of: answered.id, order: answered.orderID, campus: refund.campus)]
        )
        return [.changed(reopened, change, detail: ["refund_id": .string(refund.id.description)], cause)]
    }

    private func resolve(
        _ cases: [AfterSalesCase],
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> [TrailEntry] {
        var entries: [TrailEntry] = []
        for done in cases { entries.append(try resolve(done, cause, in: session).entry) }
        return entries
    }

    /// Resolves a case whose money is back, and sets the time for following it up.
    func resolve(
        _ done: AfterSalesCase,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> (subject: AfterSalesCase, entry: TrailEntry) {
        let (resolved, change) = try done.applying(.resolve, at: cause.at)
        try session.execute(cases.update(to: resolved))
        let dueAt = cause.at + CaseTimer.followUpDelay
        try timers.arm([CaseTimer.followUp.armed(for: resolved, at: dueAt)], in: session)
        return (resolved, .changed(resolved, change, detail: [:], cause))
    }
}

extension CaseItem {
    /// The same item in another state.
    func with(state: State) -> CaseItem {
        var copy = self
        copy.state = state
        return copy
    }
}
