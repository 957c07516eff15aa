import Model

/// One rule of judgement: pure, named for ever, and recorded with what it looked at.
struct Rule: Sendable {
    /// Its name in decisions; never reused for another rule.
    let name: String
    /// When it is tried.
    let stage: Stage
    /// What it finds.
    let find: @Sendable (DecisionInputs) -> Finding

    /// The stages of judgement, in their order.
    enum Stage: String, CaseIterable, Hashable, Sendable {
        /// Whether rules may decide at all.
        case eligibility
        /// Whether the circumstances let rules decide.
        case risk
        /// What is owed.
        case strategy
    }
}

/// What a rule found.
struct Finding: Hashable, Sendable {
    /// What it says.
    let outcome: Outcome
    /// What it looked at.
    let inputs: JSON
    /// What the customer is told when this rule settles the matter.
    let reason: LocalizedText?

    /// What a rule can say.
    enum Outcome: String, Hashable, Sendable {
        /// It has nothing against a decision by rule.
        case passes
        /// It does not speak to this case.
        case silent
        /// What was asked for is owed.
        case approves
        /// A person has to decide.
        case refers
    }

    /// Nothing against it.
    static func passes(_ inputs: JSON) -> Finding {
        Finding(outcome: .passes, inputs: inputs, reason: nil)
    }

    /// Does not speak to it; `reason` says why not, to a customer who gave the reason this rule is for.
    static func silent(_ inputs: JSON, _ reason: LocalizedText? = nil) -> Finding {
        Finding(outcome: .silent, inputs: inputs, reason: reason)
    }

    /// Owed.
    static func approves(_ inputs: JSON, _ reason: LocalizedText) -> Finding {
        Finding(outcome: .approves, inputs: inputs, reason: reason)
    }

    /// For a person.
    static func refers(_ inputs: JSON, _ reason: LocalizedText) -> Finding {
        Finding(outcome: .refers, inputs: inputs, reason: reason)
    }
}

/// A rule that was tried, as decisions store it.
struct TriedRule: Hashable, Sendable {
    /// The rule.
    let name: String
    /// Its stage.
    let stage: Rule.Stage
    /// What it found.
    let finding: Finding

    /// As it is stored.
    var json: JSON {
        [
            "rule": .string(name),
            "stage": .string(stage.rawValue),
            "outcome": .string(finding.outcome.rawValue),
            "inputs": finding.inputs,
            "reason": finding.reason?.json ?? .null,
        ]
    }
}
