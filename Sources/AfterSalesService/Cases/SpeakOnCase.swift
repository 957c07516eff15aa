import Model
import Postgres
import ServiceKit

/// Adds words to a case: a comment of anybody concerned, or the customer's urging.
struct SpeakOnCase: Sendable {
    private let cases = CaseStore()
    private let refundables = RefundableStore()
    private let trail = Trail()

    /// Adds a comment.
    ///
    /// - Throws: ``AfterSalesRefusal`` or ``CaseRefusal``; nothing is written then.
    func comment(
        _ id: CaseID,
        _ text: String,
        by principal: Principal,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> AfterSalesCase {
        let subject = try cases.lockForOwner(id, principal, refundables, in: session)
        return try speak(subject, .comment, detail: [:], words: CaseWords(.comment, text), cause, in: session)
    }

    /// Moves a case forward in the desk's queue, once in a while.
    func urge(
        _ id: CaseID,
        by principal: Principal,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> AfterSalesCase {
        let subject = try cases.lockForOwner(id, principal, refundables, in: session)
        if let urgedAt = subject.urgedAt, subject.status.allows(.urge) {
            let wait = AfterSalesCase.urgeInterval - cause.at.duration(since: urgedAt)
            guard wait <= .zero else { throw AfterSalesRefusal.urgedTooSoon(retryAfter: wait) }
        }
        return try speak(subject, .urge, detail: ["urged": true], cause, in: session)
    }

    private func speak(
        _ subject: AfterSalesCase,
        _ command: CaseCommand,
        detail: JSON,
        words: CaseWords? = nil,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> AfterSalesCase {
        let (changed, change) = try subject.applying(command, at: cause.at)
        try session.execute(cases.update(to: changed))
        try trail.record([.changed(changed, change, detail: detail, words: words, cause)], in: session)
        return changed
    }
}
