import Model
import Postgres
import ServiceKit

/// Gives a case before the desk to a staff member: themselves, or another.
struct AssignCase: Sendable {
    private let cases = CaseStore()
    private let refundables = RefundableStore()
    private let trail = Trail()

    /// Takes a case on.
    ///
    /// - Throws: ``AfterSalesRefusal`` or ``CaseRefusal``; nothing is written then.
    func claim(
        _ id: CaseID,
        by principal: Principal,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> AfterSalesCase {
        let subject = try cases.lockForStaff(id, principal, refundables, in: session)
        guard subject.handler == nil || subject.handler == principal.actor.id else {
            throw AfterSalesRefusal.claimedByAnother
        }
        return try assign(subject, .claim(handler: principal.actor.id), note: nil, cause, in: session)
    }

    /// Hands a case to another staff member; an agent only one of their own.
    func transfer(
        _ id: CaseID,
        to handler: String,
        note: String?,
        by principal: Principal,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> AfterSalesCase {
        let subject = try cases.lockForStaff(id, principal, refundables, in: session)
        guard principal.actor.role != .agent || subject.handler == nil || subject.handler == principal.actor.id else {
            throw AfterSalesRefusal.claimedByAnother
        }
        guard handler != subject.customerID else { throw AfterSalesRefusal.ownCase }
        return try assign(subject, .transfer(handler: handler), note: note, cause, in: session)
    }

    private func assign(
        _ subject: AfterSalesCase,
        _ command: CaseCommand,
        note: String?,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> AfterSalesCase {
        let (assigned, change) = try subject.applying(command, at: cause.at)
        try session.execute(cases.update(to: assigned))
        let detail: JSON = ["handler": .optional(assigned.handler)]
        let words = note.map { CaseWords(.note, $0) }
        try trail.record([.changed(assigned, change, detail: detail, words: words, cause)], in: session)
        return assigned
    }
}
