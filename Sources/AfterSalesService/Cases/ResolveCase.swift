import EventLog
import Model
import Postgres

/// Settles a case, once all that was approved is back.
struct ResolveCase: Sendable {
    private let orders = OrderRecordStore()
    private let refundables = RefundableStore()
    private let cases = CaseStore()
    private let items = CaseItemStore()
    private let ledger = LedgerStore()
    private let timers = TimerStore(owner: .afterSales)

    /// Resolves a case that is locked, and sets the time for following it up; the caller tells of it.
    ///
    /// Whoever paid for what cost the customer nothing gets that back now, because no refund tells of it, and coupons of
    /// which all is back are named.
    ///
    /// - Throws: ``CaseRefusal`` when nothing of it was approved.
    func callAsFunction(
        _ done: AfterSalesCase,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> (subject: AfterSalesCase, entry: TrailEntry) {
        guard let order = try orders.terms(of: done.orderID, campus: done.campus, in: session) else {
            throw OrderMissing()
        }
        let granted = try items.items(of: done.id, campus: done.campus, in: session).filter { $0.state == .granted }
        let coupons = try coupons(returnedWith: granted, of: order, by: done, in: session)
        let (resolved, change) = try done.applying(.resolve(returnedCoupons: coupons), at: cause.at)
        let costless = LedgerEntry.entries(ofCostless: granted, for: order)
        try session.pipeline([cases.update(to: resolved), ledger.insertion(of: costless, for: resolved, at: cause.at)])
        let dueAt = cause.at + CaseTimer.followUpDelay
        try timers.arm([CaseTimer.followUp.armed(for: resolved, at: dueAt)], in: session)
        let detail: JSON = coupons.isEmpty ? [:] : ["returned_coupons": .array(coupons.map(JSON.string))]
        return (resolved, .changed(resolved, change, detail: detail, cause))
    }

    private func coupons(
        returnedWith granted: [CaseItem],
        of order: OrderRecord,
        by done: AfterSalesCase,
        in session: borrowing Session
    ) throws -> [String] {
        guard !granted.isEmpty, order.discounts.contains(where: { $0.couponID != nil }) else { return [] }
        return order.coupons(
            returnedWith: Set(granted.map(\.item)),
            refunded: try refundables.refunded(of: order.id, campus: done.campus, in: session),
            granted: try items.settled(of: order.id, campus: done.campus, with: done.id, in: session)
        )
    }
}
