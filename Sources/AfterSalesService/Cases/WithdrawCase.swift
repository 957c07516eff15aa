import EventLog
import Model
import Postgres
import ServiceKit

/// Takes a case back, before it is decided.
struct WithdrawCase: Sendable {
    private let cases = CaseStore()
    private let items = CaseItemStore()
    private let refundables = RefundableStore()
    private let timers = TimerStore(owner: .afterSales)
    private let trail = Trail()

    /// Withdraws, and frees what the case asked for.
    ///
    /// - Throws: ``AfterSalesRefusal`` or ``CaseRefusal``; nothing is written then.
    func callAsFunction(
        _ id: CaseID,
        by principal: Principal,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> AfterSalesCase {
        let subject = try cases.lockForOwner(id, principal, refundables, in: session)
        guard !subject.isSystem else { throw CaseRefusal(command: .withdraw, status: subject.status) }
        let (withdrawn, change) = try subject.applying(.withdraw, at: cause.at)
        let freed = try items.items(of: id, campus: subject.campus, in: session).map { $0.with(state: .released) }
        try session.pipeline(
            [cases.update(to: withdrawn)]
                + [items.saving(freed, of: id, order: subject.orderID, campus: subject.campus)]
        )
        try trail.record([.changed(withdrawn, change, detail: [:], cause)], in: session)
        try timers.cancelAll(subject: id.retyped(), in: session)
        return withdrawn
    }
}

extension CaseStore {
    /// Locks a case for its customer or staff, its order first, as the lock order has it.
    ///
    /// - Throws: `notFound` for anybody else.
    func lockForOwner(
        _ id: CaseID,
        _ principal: Principal,
        _ refundables: RefundableStore,
        in session: borrowing Session
    ) throws -> AfterSalesCase {
        guard let seen = try find(id, campus: principal.campus, in: session),
            principal.maySee(customer: seen.customerID, merchant: seen.merchantID)
        else { throw AfterSalesRefusal.notFound }
        try refundables.lock([seen.orderID], in: session)
        guard let locked = try lock(id, campus: principal.campus, in: session) else { throw AfterSalesRefusal.notFound }
        return locked
    }
}
