import Model

/// A request for redress about one order, as it stands after its last change.
struct AfterSalesCase: Hashable, Sendable {
    /// The case.
    let id: CaseID
    /// Its campus.
    let campus: CampusID
    /// The order it is about.
    let orderID: OrderID
    /// The platform's own number of that order.
    let externalID: String?
    /// What is asked for.
    let kind: CaseKind
    /// Why.
    let reason: CaseReason
    /// Who ordered.
    let customerID: String
    /// The shop.
    let merchantID: String
    /// Who carried the order.
    let riderID: String?
    /// Who opened it: the customer, staff on their behalf, or the service itself.
    let openedBy: Actor
    /// Whether the service opened it, because money was due back.
    let isSystem: Bool
    /// Whether its campus is a test campus.
    let isTest: Bool
    /// Where the customer asked: the name of a page or a program, `app` unless told.
    let source: String
    /// Whether it asks for the whole order rather than for some of its lines.
    let asksWholeOrder: Bool
    /// The customer's words.
    let description: String?
    /// What it asks for, in all.
    let requested: Money
    /// The policy that was in force when the order was placed.
    let policyVersion: Int
    /// When it was opened.
    let openedAt: Timestamp

    /// When a person is to have looked at it.
    var reviewDueAt: Timestamp
    /// When it is to be decided.
    var decisionDueAt: Timestamp
    /// Where it stands.
    var status: CaseStatus
    /// Counts its changes, from 1.
    var version: Int64
    /// What was approved, once decided.
    var approved: Money?
    /// What the last decision says.
    var verdict: Verdict?
    /// The staff member who takes care of it.
    var handler: String?
    /// The case whose refunds answer this one too.
    var attachedTo: CaseID?
    /// How often the customer urged.
    var urged = 0
    /// When the customer urged last.
    var urgedAt: Timestamp?
    /// When it last changed.
    var updatedAt: Timestamp
    /// Where it stands in the desk's queue: what it is due at, less what makes it urgent.
    var priorityAt: Timestamp
    /// When a staff member took it on.
    var claimedAt: Timestamp?
    /// When it was last decided.
    var decidedAt: Timestamp?
    /// When all that was approved was done.
    var resolvedAt: Timestamp?
    /// When it was closed.
    var closedAt: Timestamp?

    /// What events say of it.
    var facts: CaseFacts {
        CaseFacts(
            caseID: id,
            orderID: orderID,
            externalID: externalID,
            kind: kind,
            reason: reason,
            status: status,
            version: version,
            customerID: customerID,
            merchantID: merchantID,
            riderID: riderID,
            requested: requested,
            approved: approved,
            isSystem: isSystem,
            isTest: isTest
        )
    }
}

extension CaseReason {
    /// How much earlier than its due time a case of this reason is served: what may hurt somebody goes first.
    var headStart: Duration {
        switch self {
        case .illness, .foreignObject: .seconds(60 * 60)
        case .notDelivered, .takenByOther, .duplicateCharge: .seconds(5 * 60)
        case .late, .missingItem, .wrongItem, .damaged, .spilled, .quality, .notAsDescribed, .changedMind, .other: .zero
        }
    }
}
