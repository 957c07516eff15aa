import EventLog
import Model
import Postgres
import ServiceKit

/// Decides a case by a person: in full, in part with an amount for each item, or not at all, always with reasons.
struct DecideCase: Sendable {
    /// The channels that refunds can travel through.
    let channels: RefundChannels

    private let orders = OrderRecordStore()
    private let refundables = RefundableStore()
    private let cases = CaseStore()
    private let items = CaseItemStore()
    private let refunds = RefundStore()
    private let systemCases = SystemCaseStore()
    private let conclude = ConcludeCase()

    /// Decides cases whose refunds travel through these channels.
    init(channels: RefundChannels) {
        self.channels = channels
    }

    /// What the person decided.
    struct Ruling: Sendable {
        /// Whether anything is granted.
        let isApproved: Bool
        /// How much for which item; empty for all that was asked for.
        let amounts: [ItemAmount]
        /// Why, for the customer.
        let reasons: [LocalizedText]
    }

    /// Decides.
    ///
    /// - Throws: ``AfterSalesRefusal`` or ``CaseRefusal``; nothing is written then.
    func callAsFunction(
        _ id: CaseID,
        _ ruling: Ruling,
        by principal: Principal,
        campus: Campus,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> CaseFile {
        let subject = try cases.lockForStaff(id, principal, refundables, in: session)
        guard subject.handler == nil || subject.handler == principal.actor.id || principal.actor.role != .agent else {
            throw AfterSalesRefusal.claimedByAnother
        }
        guard subject.status.isBeforeDesk else { throw CaseRefusal(command: .decide, status: subject.status) }
        guard let order = try orders.find(subject.orderID, campus: campus.id, in: session) else { throw OrderMissing() }
        let book = try refundables.book(of: order, campus: campus.id, in: session)
        let asked = try items.items(of: id, campus: campus.id, in: session)
        let earlier = try refunds.refunds(of: [id], campus: campus.id, in: session)
        let returned = Money(fen: earlier.reduce(0) { $0 + ($1.status == .succeeded ? $1.amount.fen : 0) })
        let due = try systemCases.dues(of: order.id, campus: campus.id, in: session)[id]
        let granted = ruling.isApproved ? try amounts(ruling, asked, book, of: due?.paymentID) : [:]
        try checkChannels(granted, order, book, of: due?.paymentID, campus)

        var decider = subject
        decider.handler = principal.actor.id
        decider.claimedAt = subject.claimedAt ?? cause.at
        let claims = try items.claims(on: order.id, campus: campus.id, in: session)
        let inputs = DecisionInputs(
            subject,
            of: order,
            book: book,
            refusedBefore: claims.refused(among: asked.map(\.item)),
            channels: channels,
            campus: campus,
            due: due,
            at: cause.at
        )
        let judgement = Judgement(
            verdict: verdict(ruling, subject, granted: granted, returned: returned),
            reasons: ruling.reasons,
            rules: [],
            inputs: inputs
        )
        let matter = ConcludeCase.Matter(
            subject: decider,
            isNew: false,
            items: asked,
            order: order,
            book: book,
            payment: due?.paymentID,
            alreadyReturned: returned
        )
        var file = try conclude.byPerson(matter, judgement, granted: granted, campus: campus, cause, in: session)
        file.refunds = earlier + file.refunds
        return file
    }

    /// The amount granted for each item: all that was asked for and is left, or what the person says; of that payment
    /// alone, where the case is about one.
    private func amounts(
        _ ruling: Ruling,
        _ asked: [CaseItem],
        _ book: RefundableBook,
        of payment: PaymentID?
    ) throws(AfterSalesRefusal) -> [RefundItem: Money] {
        guard !ruling.amounts.isEmpty else {
            var all: [RefundItem: Money] = [:]
            for item in asked { all[item.item] = min(item.asked, book.remaining(item.item, of: payment)) }
            let owed = asked.contains { $0.asked > .zero }
            guard !owed || all.values.contains(where: { $0 > .zero }) else { throw .nothingLeft }
            return all
        }
        var granted: [RefundItem: Money] = [:]
        var tooLarge: [AfterSalesRefusal.TooLarge] = []
        for (index, entry) in ruling.amounts.enumerated() {
            let left = book.remaining(entry.item, of: payment)
            if entry.amount > left { tooLarge.append(AfterSalesRefusal.TooLarge(index: index, left: left)) }
            granted[entry.item] = entry.amount
        }
        guard tooLarge.isEmpty else { throw .amountsTooLarge(tooLarge) }
        guard granted.values.contains(where: { $0 > .zero }) else { throw .grantsNothing }
        return granted.filter { $0.value > .zero }
    }

    private func checkChannels(
        _ granted: [RefundItem: Money],
        _ order: OrderRecord,
        _ book: RefundableBook,
        of payment: PaymentID?,
        _ campus: Campus
    ) throws {
        let used = Set(try book.split(granted, from: payment).map(\.payment))
        let missing = channels.unavailable(for: order.payments.filter { used.contains($0.id) }, on: campus)
        guard missing.isEmpty else { throw AfterSalesRefusal.channelUnavailable(missing) }
    }

    private func verdict(
        _ ruling: Ruling,
        _ subject: AfterSalesCase,
        granted: [RefundItem: Money],
        returned: Money
    ) -> Verdict {
        let total = granted.values.reduce(returned.fen) { $0 + $1.fen }
        guard ruling.isApproved || total > 0 else { return .rejected }
        return total >= subject.requested.fen ? .approved : .partlyApproved
    }
}

extension CaseStore {
    /// Locks a case for a staff member, its order first, as the lock order has it.
    ///
    /// - Throws: `notFound`, or `ownCase` when the order is the staff member's own.
    func lockForStaff(
        _ id: CaseID,
        _ principal: Principal,
        _ refundables: RefundableStore,
        in session: borrowing Session
    ) throws -> AfterSalesCase {
        guard let seen = try find(id, campus: principal.campus, in: session) else { throw AfterSalesRefusal.notFound }
        guard !principal.isStaffOnOwn(seen.customerID) else { throw AfterSalesRefusal.ownCase }
        try refundables.lock([seen.orderID], in: session)
        guard let locked = try lock(id, campus: principal.campus, in: session) else { throw AfterSalesRefusal.notFound }
        return locked
    }
}
