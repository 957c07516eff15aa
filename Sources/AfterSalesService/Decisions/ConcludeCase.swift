import EventLog
import Model
import Postgres
import ServiceKit

/// Writes a decision down with everything that follows from it, in one transaction: the case, the record of the
/// decision, the money it reserves, its refunds and their tasks, its timers, its trail.
struct ConcludeCase: Sendable {
    private let cases = CaseStore()
    private let items = CaseItemStore()
    private let decisions = DecisionStore()
    private let brake = BrakeStore()
    private let timers = TimerStore(owner: .afterSales)
    private let trail = Trail()
    private let issue = IssueRefunds()
    private let resolve = ResolveCase()
    private let reopen = ReopenCase()

    /// A case that is being decided.
    struct Matter: Sendable {
        /// The case before the decision.
        var subject: AfterSalesCase
        /// Whether it is being opened in this transaction.
        var isNew: Bool
        /// What it asks for.
        var items: [CaseItem]
        /// The order, locked.
        var order: OrderRecord
        /// What is left of the order, read under that lock.
        var book: RefundableBook
        /// The only payment to take from; nil for all of them.
        var payment: PaymentID?
        /// What earlier refunds of this case have given back.
        var alreadyReturned = Money.zero
    }

    /// Tries the rules on a case that is being opened, and the brake on what they approve.
    ///
    /// - Throws: by the commit at the latest, a violation of `refund_brake_holds`; see ``BrakeState/trying(_:)``.
    func byRule(
        _ matter: Matter,
        _ inputs: DecisionInputs,
        campus: Campus,
        brake state: BrakeState,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> CaseFile {
        var judgement = Judgement.of(inputs)
        var charge: BrakeCharge?
        if judgement.verdict == .approved {
            let needed = BrakeCharge(matter.subject.requested, of: matter.order, campus: campus, at: cause.at)
            judgement = judgement.braked(by: needed, state)
            charge = needed
        }
        var granted: [RefundItem: Money] = [:]
        if judgement.verdict == .approved {
            for item in matter.items { granted[item.item] = item.asked }
        }
        let by = Cause(actor: .system("rules"), at: cause.at, trace: cause.trace)
        var file = try write(
            matter,
            judgement,
            granted: granted,
            openedBy: cause,
            decidedBy: by,
            campus: campus,
            in: session
        )
        file.wasBraked = charge != nil && state == .holds
        if let charge, state == .untried {
            try session.enqueue([brake.charging(charge, campus: campus.id)].compactMap(\.self))
        }
        return file
    }

    /// Writes down what a person decided on a case that is locked.
    func byPerson(
        _ matter: Matter,
        _ judgement: Judgement,
        granted: [RefundItem: Money],
        campus: Campus,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> CaseFile {
        try write(
            matter,
            judgement,
            granted: granted,
            openedBy: cause,
            decidedBy: cause,
            campus: campus,
            in: session
        )
    }

    private func write(
        _ matter: Matter,
        _ judgement: Judgement,
        granted: [RefundItem: Money],
        openedBy: Cause,
        decidedBy: Cause,
        campus: Campus,
        in session: borrowing Session
    ) throws -> CaseFile {
        let amount = Money(fen: granted.values.reduce(0) { $0 + $1.fen })
        let command = CaseCommand.decide(
            judgement.verdict,
            approved: try amount.adding(matter.alreadyReturned),
            refunds: amount > .zero,
            reasons: judgement.reasons
        )
        var (decided, change) = try matter.subject.applying(command, at: decidedBy.at)
        let outcome = matter.items.map { $0.after(judgement.verdict, granted: granted[$0.item]) }
        let asked = Set(matter.items.map(\.item))
        let extra = granted.keys.filter { !asked.contains($0) }.sorted().map { item in
            CaseItem(item: item, units: [], asked: .zero, granted: granted[item], state: .granted)
        }
        try session.enqueue(
            [matter.isNew ? cases.insertion(of: decided) : cases.update(to: decided)]
                + [items.saving(outcome + extra, of: decided.id, order: decided.orderID, campus: decided.campus)]
                + [decisions.insertion(of: judgement, for: decided, by: decidedBy.actor, granted: granted)]
        )
        let grant = IssueRefunds.Grant(
            amounts: granted,
            payment: matter.payment,
            automatic: decidedBy.actor.role == .system
        )
        let refunds = try issue(grant, for: decided, of: matter.order, book: matter.book, decidedBy, in: session)
        var entries: [TrailEntry] = []
        if matter.isNew {
            entries.append(.changed(matter.subject, .opened, detail: matter.subject.openingDetail, openedBy))
        }
        entries.append(.changed(decided, change, detail: judgement.timelineDetail, decidedBy))
        entries += refunds.map { .moved($0, decidedBy) }
        if decided.status == .approved {
            let resolved = try resolve(decided, decidedBy, in: session)
            entries.append(resolved.entry)
            decided = resolved.subject
        }
        if decided.status == .rejected {
            entries += try detachCases(from: decided, on: campus, decidedBy, in: session)
        }
        try trail.record(entries, in: session)
        try setTimers(of: decided, isNew: matter.isNew, in: session)
        return CaseFile(
            subject: decided,
            items: outcome + extra,
            decision: DecisionSummary(judgement, by: decidedBy.actor),
            refunds: refunds
        )
    }

    /// Cases that waited for the refunds of one that is rejected after all are a person's again.
    private func detachCases(
        from rejected: AfterSalesCase,
        on campus: Campus,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> [TrailEntry] {
        let detail: JSON = ["detached_from": .string(rejected.id.description)]
        var entries: [TrailEntry] = []
        for waiting in try cases.lockAttached(to: rejected.id, campus: rejected.campus, in: session)
        where waiting.status == .executing {
            entries.append(try reopen(waiting, on: campus, detail: detail, cause, in: session))
        }
        return entries
    }

    /// A case in review is due twice; one that is decided is due no more.
    private func setTimers(of decided: AfterSalesCase, isNew: Bool, in session: borrowing Session) throws {
        if decided.status == .inReview {
            try session.enqueue([timers.armSQL(CaseTimer.due(for: decided))])
        } else if !isNew {
            try session.enqueue(
                [CaseTimer.reviewDue, .decisionDue].map { timer in
                    timers.cancelSQL(kind: timer.rawValue, subjects: [decided.id.retyped()])
                }
            )
        }
    }

    /// Answers a case by the refunds of the service's own case about the same money; `approved` is what comes back by
    /// it.
    func byAttaching(
        _ subject: AfterSalesCase,
        isNew: Bool,
        items attachedItems: [CaseItem],
        to answer: AfterSalesCase,
        approved: Money,
        _ inputs: DecisionInputs,
        openedBy: Cause,
        in session: borrowing Session
    ) throws -> CaseFile {
        let decidedBy = Cause(actor: .system("rules"), at: openedBy.at, trace: openedBy.trace)
        let judgement = Judgement.answered(by: answer, inputs)
        let command = CaseCommand.attach(to: answer.id, approved: approved, reasons: judgement.reasons)
        var (decided, change) = try subject.applying(command, at: openedBy.at)
        let released = attachedItems.map { $0.with(state: .released) }
        try session.enqueue(
            [isNew ? cases.insertion(of: decided) : cases.update(to: decided)]
                + [items.saving(released, of: decided.id, order: decided.orderID, campus: decided.campus)]
                + [decisions.insertion(of: judgement, for: decided, by: decidedBy.actor, granted: [:])]
        )
        var entries: [TrailEntry] = []
        if isNew { entries.append(.changed(subject, .opened, detail: subject.openingDetail, openedBy)) }
        let detail: JSON = ["attached_to": .string(answer.id.description)]
        entries.append(.changed(decided, change, detail: detail, decidedBy))
        if answer.status == .resolved {
            let resolved = try resolve(decided, decidedBy, in: session)
            entries.append(resolved.entry)
            decided = resolved.subject
        }
        try trail.record(entries, in: session)
        try setTimers(of: decided, isNew: isNew, in: session)
        let summary = DecisionSummary(judgement, by: decidedBy.actor)
        return CaseFile(subject: decided, items: released, decision: summary, refunds: [])
    }
}

extension Judgement {
    /// What the timeline keeps of a decision; the whole record is in the explanation.
    fileprivate var timelineDetail: JSON {
        ["verdict": .string(verdict.rawValue), "reasons": .array(reasons.map(\.json))]
    }

    /// The record of a case that another case's refunds answer.
    fileprivate static func answered(by answer: AfterSalesCase, _ inputs: DecisionInputs) -> Judgement {
        let finding = Finding.approves(["case_id": .string(answer.id.description)], .answeredByEarlierCase)
        let rule = TriedRule(name: "already_being_refunded", stage: .eligibility, finding: finding)
        return Judgement(verdict: .approved, reasons: [.answeredByEarlierCase], rules: [rule], inputs: inputs)
    }
}

extension AfterSalesCase {
    /// What the timeline keeps of a case's opening.
    fileprivate var openingDetail: JSON {
        [
            "kind": .string(kind.rawValue), "reason": .string(reason.rawValue),
            "requested_fen": .integer(requested.fen), "source": .string(source),
        ]
    }
}

extension CaseItem {
    /// What becomes of an item by a decision.
    fileprivate func after(_ verdict: Verdict, granted: Money?) -> CaseItem {
        var copy = self
        switch verdict {
        case .approved, .partlyApproved:
            copy.granted = granted ?? .zero
            copy.state = granted == nil ? .released : .granted
        case .rejected:
            copy.granted = .zero
            copy.state = .released
        case .inReview: break
        }
        return copy
    }
}
