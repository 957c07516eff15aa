import Model

/// A case with all that is shown of it.
struct CaseFile: Hashable, Sendable {
    /// The case.
    var subject: AfterSalesCase
    /// What it asks for.
    var items: [CaseItem]
    /// Its last decision.
    var decision: DecisionSummary?
    /// The refunds that answer it.
    var refunds: [Refund]
    /// Whether rules approved it and the brake turned it over to a person.
    var wasBraked = false
}

/// What a customer is told of a decision.
struct DecisionSummary: Hashable, Sendable {
    /// What was decided.
    let verdict: Verdict
    /// Why.
    let reasons: JSON
    /// By which policy.
    let policyVersion: Int
    /// By whom.
    let decidedBy: Actor
    /// When.
    let decidedAt: Timestamp
}

extension DecisionSummary {
    /// The summary of a stored decision.
    init(_ record: DecisionRecord) {
        self.init(
            verdict: record.verdict,
            reasons: record.reasons,
            policyVersion: record.policyVersion,
            decidedBy: record.decidedBy,
            decidedAt: record.decidedAt
        )
    }

    /// The summary of a decision just made.
    init(_ judgement: Judgement, by actor: Actor) {
        self.init(
            verdict: judgement.verdict,
            reasons: .array(judgement.reasons.map(\.json)),
            policyVersion: judgement.inputs.policyVersion,
            decidedBy: actor,
            decidedAt: judgement.inputs.now
        )
    }
}
