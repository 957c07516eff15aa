import Model

/// What speaks against deciding a case by rule: points that add up.
struct Risk: Hashable, Sendable {
    /// What adds to it, with its points.
    let contributions: [Contribution]

    /// Something that adds to the risk.
    struct Contribution: Hashable, Sendable {
        /// What it is; never reused for anything else.
        let name: String
        /// How much it adds.
        let points: Int64
    }

    /// From how many points on a person decides.
    static let limit: Int64 = 100

    /// All points.
    var score: Int64 { contributions.reduce(0) { $0 + $1.points } }

    /// The risk of a case.
    ///
    /// A new account alone is anybody's first week, and a large claim alone anybody's dinner for four: neither keeps rules from
    /// deciding. Money that the service found to be due by itself is no risk, and what is not known adds nothing.
    init(_ inputs: DecisionInputs) {
        guard inputs.due == nil else {
            contributions = []
            return
        }
        let isNew = inputs.accountAgeDays.map { .days($0) < inputs.newAccount } ?? false
        let isLarge = inputs.requested >= inputs.largeClaim
        contributions = [
            isNew ? Contribution(name: "new_account", points: 60) : nil,
            isLarge ? Contribution(name: "large_claim", points: 40) : nil,
        ].compactMap(\.self)
    }

    /// As decisions store it.
    var json: JSON {
        [
            "score": .integer(score), "limit": .integer(Self.limit),
            "contributions": .array(
                contributions.map { ["name": .string($0.name), "points": .integer($0.points)] }
            ),
        ]
    }
}
