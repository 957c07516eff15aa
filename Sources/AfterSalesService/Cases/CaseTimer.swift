import EventLog
import Model

/// What a case's timers are for.
enum CaseTimer: String, CaseIterable, Hashable, Sendable {
    /// A person should have looked at the case by now.
    case reviewDue = "case.review_due"
    /// The case should have been decided by now.
    case decisionDue = "case.decision_due"
    /// The case was followed up long enough and is closed.
    case followUp = "case.follow_up"

    /// How long after its money is back a case stays open to complaints.
    static let followUpDelay = Duration.seconds(24 * 3_600)

    /// The timers of a case that waits for a person: it is due twice.
    static func due(for waiting: AfterSalesCase) -> [NewTimer] {
        [
            reviewDue.armed(for: waiting, at: waiting.reviewDueAt),
            decisionDue.armed(for: waiting, at: waiting.decisionDueAt),
        ]
    }

    /// The timer for that case.
    func armed(for timed: AfterSalesCase, at dueAt: Timestamp) -> NewTimer {
        NewTimer(
            kind: rawValue,
            subject: timed.id.retyped(),
            campus: timed.campus,
            dueAt: dueAt,
            payload: ["order_id": .string(timed.orderID.description)]
        )
    }
}
