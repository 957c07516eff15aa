import Model

/// What is done to a case.
enum CaseCommand: Hashable, Sendable {
    /// Decide it. `refunds` says whether the decision sends money on its way.
    case decide(Verdict, approved: Money, refunds: Bool, reasons: [LocalizedText])
    /// Answer it by another case's refunds, which give back at least what it asks for.
    case attach(to: CaseID, approved: Money, reasons: [LocalizedText])
    /// A staff member takes it on, or takes it over.
    case claim(handler: String)
    /// Hand it to another staff member.
    case transfer(handler: String)
    /// All that was approved is done, and these coupons go back with it.
    case resolve(returnedCoupons: [String])
    /// A refund ended without paying, or is not coming, so that a person has to decide anew, by then.
    case reopen(CaseDeadlines)
    /// The time for following it up is over.
    case close
    /// The customer takes it back.
    case withdraw
    /// Somebody says something.
    case comment
    /// The customer urges.
    case urge

    /// Its name, as refusals give it.
    var name: CaseCommandName {
        switch self {
        case .decide, .attach: .decide
        case .claim: .claim
        case .transfer: .transfer
        case .resolve: .resolve
        case .reopen: .reopen
        case .close: .close
        case .withdraw: .withdraw
        case .comment: .comment
        case .urge: .urge
        }
    }
}

/// The name of what is done to a case.
enum CaseCommandName: String, CaseIterable, Hashable, Sendable {
    case decide
    case claim
    case transfer
    case resolve
    case reopen
    case close
    case withdraw
    case comment
    case urge
}

/// A case is not in a state in which the command means something.
struct CaseRefusal: Error, Hashable {
    /// What was to be done.
    let command: CaseCommandName
    /// Where the case stands.
    let status: CaseStatus

    /// What could be done instead.
    var allowed: [CaseCommandName] {
        CaseCommandName.allCases.filter { status.allows($0) }
    }
}

extension CaseStatus {
    /// Whether a case that stands here can have that done to it.
    func allows(_ command: CaseCommandName) -> Bool {
        switch command {
        case .decide: isUndecided
        case .claim, .transfer: isBeforeDesk
        case .resolve: self == .approved || self == .executing
        case .reopen: self == .executing
        case .close: self == .resolved
        case .withdraw: isUndecided && self != .appealed && self != .arbitration
        case .comment: !isOver
        case .urge: isUndecided
        }
    }

    /// Whether a decision is still owed.
    var isUndecided: Bool {
        switch self {
        case .opened, .awaitingEvidence, .awaitingMerchant, .inReview, .awaitingConfirmation, .appealed, .arbitration:
            true
        case .approved, .returning, .inspected, .executing, .resolved, .closed, .withdrawn, .rejected: false
        }
    }

    /// Whether a staff member is to act.
    var isBeforeDesk: Bool {
        switch self {
        case .inReview, .appealed, .arbitration: true
        case .opened, .awaitingEvidence, .awaitingMerchant, .awaitingConfirmation, .approved, .returning, .inspected,
            .executing, .resolved, .closed, .withdrawn, .rejected:
            false
        }
    }

    /// Whether nothing more will happen to it.
    var isOver: Bool {
        switch self {
        case .closed, .withdrawn: true
        case .opened, .awaitingEvidence, .awaitingMerchant, .inReview, .awaitingConfirmation, .approved, .returning,
            .inspected, .executing, .resolved, .rejected, .appealed, .arbitration:
            false
        }
    }
}

extension AfterSalesCase {
    /// The case after `command`, and what to tell of it.
    ///
    /// Pure: the same case, command and time give the same answer. Each command counts as one change.
    func applying(_ command: CaseCommand, at now: Timestamp) throws(CaseRefusal) -> (AfterSalesCase, CaseChange) {
        guard status.allows(command.name) else { throw CaseRefusal(command: command.name, status: status) }
        var next = self
        next.version += 1
        next.updatedAt = now
        let change: CaseChange
        switch command {
        case .decide(let verdict, let approved, let refunds, let reasons):
            next.verdict = verdict
            switch verdict {
            case .approved, .partlyApproved:
                next.status = refunds ? .executing : .approved
                next.approved = approved
                next.decidedAt = now
            case .rejected:
                next.status = .rejected
                next.approved = .zero
                next.decidedAt = now
            case .inReview:
                next.status = .inReview
            }
            change = .decided(verdict: verdict, reasons: reasons)
        case .attach(let other, let approved, let reasons):
            next.verdict = .approved
            next.status = .executing
            next.approved = approved
            next.attachedTo = other
            next.decidedAt = now
            change = .decided(verdict: .approved, reasons: reasons)
        case .claim(let handler), .transfer(let handler):
            next.handler = handler
            next.claimedAt = now
            change = .reviewStarted
        case .resolve(let coupons):
            next.status = .resolved
            next.resolvedAt = now
            change = .resolved(returnedCoupons: coupons)
        case .reopen(let deadlines):
            // Its place in the queue is that of a case that has waited since it was opened.
            next.status = .inReview
            next.reviewDueAt = deadlines.reviewDueAt
            next.decisionDueAt = deadlines.decisionDueAt
            next.handler = nil
            next.claimedAt = nil
            next.attachedTo = nil
            change = .reviewStarted
        case .close:
            next.status = .closed
            next.closedAt = now
            change = .closed
        case .withdraw:
            next.status = .withdrawn
            next.closedAt = now
            change = .withdrawn
        case .comment:
            change = .commented
        case .urge:
            next.urged += 1
            next.urgedAt = now
            next.priorityAt = priorityAt - AfterSalesCase.urgeHeadStart
            change = .commented
        }
        return (next, change)
    }

    /// How much earlier a case is served for each time its customer urged.
    static let urgeHeadStart = Duration.seconds(5 * 60)
    /// How long a customer waits between urging twice.
    static let urgeInterval = Duration.seconds(5 * 60)
}
