import Model

/// What came out of trying the rules: the record of a decision, whoever made it.
struct Judgement: Hashable, Sendable {
    /// What is decided.
    var verdict: Verdict
    /// Why, for the customer; never empty.
    var reasons: [LocalizedText]
    /// Every rule that was tried.
    var rules: [TriedRule]
    /// What the rules could know.
    var inputs: DecisionInputs

    /// Tries every rule, in the order of stages.
    ///
    /// One that refers to a person outweighs all that approve.
    static func of(_ inputs: DecisionInputs, by rules: [Rule] = Rule.refund) -> Judgement {
        let tried = rules.map { TriedRule(name: $0.name, stage: $0.stage, finding: $0.find(inputs)) }
        let referring = tried.filter { $0.finding.outcome == .refers }
        let approving = tried.filter { $0.finding.outcome == .approves }
        if referring.isEmpty, let first = approving.first, let reason = first.finding.reason {
            return Judgement(verdict: .approved, reasons: [reason], rules: tried, inputs: inputs)
        }
        let explained = (referring.isEmpty ? tried : referring).compactMap(\.finding.reason)
        return Judgement(
            verdict: .inReview,
            reasons: explained + [.aPersonLooks(by: inputs.reviewDue)],
            rules: tried,
            inputs: inputs
        )
    }
}
