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
            .caseReviewMissed, .moneyBrake, .systemCaseOpened, .moneyDueAlreadyPromised, .refundMissing,
            .refundUnsettled, .refundStaysUnknown, .refundVoidRefused, .refundRetried,
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
