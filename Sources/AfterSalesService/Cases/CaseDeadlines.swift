import Model
import ServiceKit

/// When our own clocks want a case to be looked at and decided; they stand still while the campus is closed.
struct CaseDeadlines: Hashable, Sendable {
    /// When a person is to have looked at it.
    let reviewDueAt: Timestamp
    /// When it is to be decided.
    let decisionDueAt: Timestamp
}

extension CaseDeadlines {
    /// The deadlines of a case that comes before the desk at that time.
    init(campus: Campus, from start: Timestamp) {
        self.init(
            reviewDueAt: campus.deadline(after: campus.settings.firstReview, from: start),
            decisionDueAt: campus.deadline(after: campus.settings.decision, from: start)
        )
    }
}
