import Model
import ServiceKit

extension OrderDeadlines {
    /// The deadlines that would begin now.
    ///
    /// The merchant's runs only while the campus is open; the customer's and the last one run always.
    init(campus: Campus, now: Timestamp, beginsAcceptance: Bool) {
        let settings = campus.settings
        self.init(
            payment: now + settings.paymentDeadline,
            acceptance: beginsAcceptance ? campus.deadline(after: settings.acceptanceDeadline, from: now) : now,
            completion: now + settings.autoComplete
        )
    }
}

extension OrderContext {
    /// Who asks and when, for a call.
    ///
    /// - Parameters:
    ///   - call: what was asked.
    ///   - reportedAt: when it happened, if the caller says.
    ///   - beginsAcceptance: whether the order may begin to wait for its merchant.
    init(_ call: Call, reportedAt: Timestamp?, beginsAcceptance: Bool = false) {
        self.init(
            actor: call.principal.actor,
            now: call.now,
            reportedAt: reportedAt,
            mayReportLate: call.principal.key != nil,
            deadlines: OrderDeadlines(campus: call.campus, now: call.now, beginsAcceptance: beginsAcceptance),
            isTest: call.campus.isTest
        )
    }
}

extension OrderScope {
    /// The orders that the caller sees.
    init(_ principal: Principal) {
        switch principal.actor.role {
        case .customer: self = .customer(principal.actor.id)
        // A merchant's user without a shop sees no order: no shop has an empty id.
        case .merchant: self = .merchant(principal.merchantID ?? "")
        case .rider: self = .rider(principal.actor.id)
        case .agent, .supervisor, .admin, .platform, .system: self = .campus
        }
    }
}

extension OrderKey {
    /// The order that the path names.
    init(_ call: Call) throws(Problem) {
        self.init(campus: call.campus.id, id: try call.id())
    }
}
