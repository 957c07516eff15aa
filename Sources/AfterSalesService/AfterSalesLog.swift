import Logging
import Model
import ServiceKit

// What this service logs beside what the edge and the event log do; `docs/logs.md` lists each.
extension LoggedEvent {
    static let caseOpened = LoggedEvent("case.opened", .info, "Case opened")
    static let caseDecided = LoggedEvent("case.decided", .info, "Case decided")
    static let caseAttached = LoggedEvent("case.attached", .info, "Case is answered by another case's refunds")
    static let caseClaimed = LoggedEvent("case.claimed", .info, "Staff member took a case on")
    static let caseWithdrawn = LoggedEvent("case.withdrawn", .info, "Case withdrawn")
    static let caseCommented = LoggedEvent("case.commented", .info, "Comment added to a case")
    static let caseUrged = LoggedEvent("case.urged", .info, "Customer urged a case")
    static let caseClosed = LoggedEvent("case.closed", .info, "Case closed after its follow-up time")
    static let caseReviewMissed = LoggedEvent("case.sla_missed", .warning, "Case was not looked at or decided in time")
    static let caseDueSoon = LoggedEvent(
        "case.sla_due_soon",
        .warning,
        "Cases will not be looked at or decided in time unless somebody does so now"
    )
    static let moneyBrake = LoggedEvent("money.brake", .error, "Automatic refunds reached a cap; a person decides")
    static let systemCaseOpened = LoggedEvent("case.opened_by_system", .info, "Case opened for money that is due back")
    static let moneyDueAlreadyPromised = LoggedEvent(
        "case.due_already_promised",
        .info,
        "Money that is due back is promised by another case already"
    )
    static let refundMissing = LoggedEvent(
        "refund.missing",
        .error,
        "Channel does not know a refund that it took on"
    )
    static let refundUnsettled = LoggedEvent(
        "refund.unsettled",
        .error,
        "Refunds are not through a day after they were decided"
    )
    static let refundStaysUnknown = LoggedEvent(
        "refund.stays_unknown",
        .error,
        "A channel's answer has been lost for a quarter of an hour"
    )
    static let refundUnanswered = LoggedEvent(
        "refund.unanswered",
        .error,
        "Platform was asked for a refund and does not say what came of it"
    )
    static let refundContradicted = LoggedEvent(
        "refund.contradicted",
        .error,
        "Platform reports of a refund what cannot be true beside what stands; it stands"
    )
    static let refundPaidThoughReleased = LoggedEvent(
        "refund.paid_though_released",
        .error,
        "Platform paid a refund whose money had been released; it may be paid twice"
    )
    static let refundPartlyPaid = LoggedEvent(
        "refund.partly_paid",
        .error,
        "Platform reports another amount than the refund's as paid, which was refused"
    )
    static let refundReportIgnored = LoggedEvent(
        "refund.report_ignored",
        .info,
        "Platform's report says nothing new; what stands stands"
    )
    static let ledgerNonzero = LoggedEvent(
        "ledger.nonzero",
        .error,
        "The ledger and the refunds differ"
    )
    static let reconciliationClosed = LoggedEvent("reconciliation.closed", .info, "Books of a campus day closed")
    static let reconciliationFailed = LoggedEvent(
        "reconciliation.failed",
        .error,
        "Books of a campus day could not be closed; tried again"
    )
    static let reconciliationDiffers = LoggedEvent(
        "reconcile.difference",
        .error,
        "The platform's books of a day differ from ours"
    )
    static let refundVoidRefused = LoggedEvent(
        "refund.void_refused",
        .notice,
        "Refund is not given up: its channel knows it"
    )
    static let refundRetried = LoggedEvent("refund.retried", .notice, "Staff member asked for a failed refund again")
    static let refundCreated = LoggedEvent("refund.created", .info, "Refund decided and its money reserved")
    static let refundSubmitting = LoggedEvent("refund.submitting", .info, "Refund is handed to its channel")
    static let refundProcessing = LoggedEvent("refund.processing", .info, "Channel took the refund on")
    static let refundSucceeded = LoggedEvent("refund.succeeded", .info, "Money is back with the customer")
    static let refundFailed = LoggedEvent(
        "refund.failed",
        .warning,
        "Channel refused the refund; the money stays reserved"
    )
    static let refundAbnormal = LoggedEvent(
        "refund.abnormal",
        .warning,
        "Channel cannot pay the refund out; the money stays reserved"
    )
    static let refundUnknown = LoggedEvent(
        "refund.unknown",
        .warning,
        "Channel's answer was lost; it is asked until it is known"
    )
    static let refundClosed = LoggedEvent("refund.closed", .notice, "Refund ended unpaid; the money is released")

    static let partyStored = LoggedEvent("party.stored", .info, "Facts about parties stored")
    static let erasureRequested = LoggedEvent(
        "erasure.requested",
        .notice,
        "What is known of a person is to be erased"
    )

    /// The line for a refund that has come to stand there.
    static func refund(_ status: RefundStatus) -> LoggedEvent {
        switch status {
        case .created: .refundCreated
        case .submitting: .refundSubmitting
        case .processing: .refundProcessing
        case .succeeded: .refundSucceeded
        case .failed: .refundFailed
        case .abnormal: .refundAbnormal
        case .unknown: .refundUnknown
        case .closed: .refundClosed
        }
    }

    /// Every event of this service, for the documentation.
    static let afterSales: [LoggedEvent] =
        [
            .caseOpened, .caseDecided, .caseAttached, .caseClaimed, .caseWithdrawn, .caseCommented, .caseUrged,
            .caseClosed,
            .caseReviewMissed, .caseDueSoon, .moneyBrake, .systemCaseOpened, .moneyDueAlreadyPromised, .ledgerNonzero,
            .refundMissing,
            .refundUnsettled, .refundStaysUnknown, .refundUnanswered, .refundContradicted, .refundPaidThoughReleased,
            .refundPartlyPaid, .refundReportIgnored, .refundVoidRefused, .refundRetried, .reconciliationClosed,
            .reconciliationFailed, .reconciliationDiffers,
            .partyStored, .erasureRequested,
        ] + RefundStatus.allCases.map(LoggedEvent.refund)
}

extension Refund {
    /// What a line about it says.
    var logValues: [LogKey: LogValue] {
        var values: [LogKey: LogValue] = [
            .refundID: .id(id), .caseID: .id(caseID), .orderID: .id(orderID), .paymentID: .id(payment.id),
            .channel: .string(payment.channel.rawValue), .amountFen: .fen(amount), .version: .integer(version),
        ]
        if let code { values[.code] = .string(code) }
        return values
    }
}

extension AfterSalesCase {
    /// What a line about it says.
    var logValues: [LogKey: LogValue] {
        [
            .caseID: .id(id), .orderID: .id(orderID), .kind: .string(kind.rawValue), .reason: .string(reason.rawValue),
            .status: .string(status.rawValue), .version: .integer(version), .merchantID: .string(merchantID),
        ]
    }
}

extension Logger {
    /// One line for a decision, one for each refund it made, and one when the brake turned it over to a person.
    func recordDecision(_ file: CaseFile) {
        var values = file.subject.logValues
        values[.verdict] = file.decision.map { .string($0.verdict.rawValue) }
        values[.policyVersion] = .integer(file.subject.policyVersion)
        values[.amountFen] = file.subject.approved.map { .fen($0) }
        values[.actor] = file.decision.map { .string($0.decidedBy.description) }
        record(.caseDecided, values)
        for refund in file.refunds { record(.refundCreated, refund.logValues) }
        if file.wasBraked { record(.moneyBrake, file.subject.logValues) }
    }
}
