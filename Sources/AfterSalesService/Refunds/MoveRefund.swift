import EventLog
import Model
import Postgres
import ServiceKit

/// Takes one step of a refund: its row, with which the money it holds moves, the ledger, the case it answers and the timer
/// that notices the platform's silence, in one transaction.
struct MoveRefund: Sendable {
    private let orders = OrderRecordStore()
    private let refundables = RefundableStore()
    private let refunds = RefundStore()
    private let cases = CaseStore()
    private let items = CaseItemStore()
    private let ledger = LedgerStore()
    private let resolve = ResolveCase()
    private let reopen = ReopenCase()
    private let timers = TimerStore(owner: .afterSales)
    private let trail = Trail()

    /// Locks what a step of a refund changes, in the order of locks that holds everywhere; nil when the campus has no
    /// refund of that id.
    ///
    /// The order comes first and the refund last. Between them come the order's cases and what its payment paid for,
    /// where the step may end the refund.
    func lock(
        _ id: RefundID,
        of order: OrderID,
        campus: CampusID,
        for step: RefundStep,
        in session: borrowing Session
    ) throws -> Refund? {
        var statements = refundables.locking([order])
        if step.mayEnd {
            statements.append(cases.locking(of: order, campus: campus))
            statements.append(refundables.locking(for: id, campus: campus))
        }
        try session.pipeline(statements)
        return try refunds.lock(id, campus: campus, in: session)
    }

    /// Takes `step` of a refund that is locked; a step that changes nothing writes nothing.
    ///
    /// - Throws: ``RefundRefusal`` when the refund is not in a state for it.
    func callAsFunction(
        _ refund: Refund,
        _ step: RefundStep,
        on campus: Campus,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> Refund {
        let (next, effect) = try refund.applying(step, at: cause.at)
        guard next != refund else { return refund }
        var entries = [TrailEntry.moved(next, cause)]
        switch effect {
        case .keeps: try session.execute(refunds.update(to: next))
        case .settles:
            let movements = try movements(of: next, in: session)
            try session.pipeline([refunds.update(to: next), ledger.insertion(of: movements, for: next, at: cause.at)])
            entries += try finishCase(of: next, on: campus, cause, in: session)
        case .releases:
            try session.execute(refunds.update(to: next))
            entries += try finishCase(of: next, on: campus, cause, in: session)
        }
        if next.isPaidByPlatform {
            try session.enqueue([timers.watching(for: next, on: campus, at: cause.at)])
        }
        try trail.record(entries, in: session)
        return next
    }

    /// What the ledger says of a refund that is about to be settled.
    private func movements(of refund: Refund, in session: borrowing Session) throws -> [LedgerEntry] {
        guard let order = try orders.terms(of: refund.orderID, campus: refund.campus, in: session) else {
            throw OrderMissing()
        }
        let before = try refundables.refunded(of: order.id, campus: refund.campus, in: session)
        let part = try refunds.part(of: refund, in: session)
        return LedgerEntry.entries(of: part.items, for: order, refundedBefore: before)
    }

    /// What a refund's end means for its case: done when all that was approved is back; a person's again when the last
    /// refund under way ended without paying.
    private func finishCase(
        of refund: Refund,
        on campus: Campus,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> [TrailEntry] {
        guard let answered = try cases.lock(refund.caseID, campus: refund.campus, in: session) else {
            throw CaseMissing()
        }
        guard answered.status == .executing else { return [] }
        let all = try refunds.refunds(of: [answered.id], campus: refund.campus, in: session)
        let returned = all.reduce(0) { $0 + ($1.status == .succeeded ? $1.amount.fen : 0) }
        if returned >= answered.approved?.fen ?? 0 {
            let attached = try cases.lockAttached(to: answered.id, campus: refund.campus, in: session)
            var entries: [TrailEntry] = []
            for done in [answered] + attached where done.status == .executing {
                entries.append(try resolve(done, cause, in: session).entry)
            }
            return entries
        }
        guard all.allSatisfy(\.status.isFinal) else { return [] }
        let held = try items.items(of: answered.id, campus: refund.campus, in: session).map { item in
            item.state == .granted ? item.with(state: .held) : item
        }
        try session.execute(items.saving(held, of: answered.id, order: answered.orderID, campus: refund.campus))
        let detail: JSON = ["refund_id": .string(refund.id.description)]
        return [try reopen(answered, on: campus, detail: detail, cause, in: session)]
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

/// A refund's case is not there, against its foreign key; the transaction is given up.
struct CaseMissing: Error {}
