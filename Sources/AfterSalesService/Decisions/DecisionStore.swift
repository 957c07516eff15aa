import Model
import Postgres

/// A decision on record.
struct DecisionRecord: Hashable, Sendable {
    /// Counts the decisions of a case, from 1.
    let number: Int
    /// What was decided.
    let verdict: Verdict
    /// By whom.
    let decidedBy: Actor
    /// When.
    let decidedAt: Timestamp
    /// The policy it was decided by.
    let policyVersion: Int
    /// What rules could know.
    let inputs: JSON
    /// Every rule tried.
    let rules: JSON
    /// Why, for the customer.
    let reasons: JSON
    /// What was granted, item by item.
    let amounts: JSON
}

/// The only writer and reader of decisions; they are never changed.
struct DecisionStore: Sendable {
    /// The decisions of a case, the first one first.
    func decisions(of id: CaseID, campus: CampusID, in session: borrowing Session) throws -> [DecisionRecord] {
        try session.query(
            """
            select number, verdict, decided_by, decided_at, policy_version, inputs, rules, reasons, amounts
            from campus.decision where campus_id = \(campus) and case_id = \(id) order by number
            """
        ) { row in
            DecisionRecord(
                number: try row["number"],
                verdict: try row["verdict"],
                decidedBy: try Actor(stored: row["decided_by"]),
                decidedAt: try row["decided_at"],
                policyVersion: try row["policy_version"],
                inputs: try row["inputs"],
                rules: try row["rules"],
                reasons: try row["reasons"],
                amounts: try row["amounts"]
            )
        }
    }

    /// The statement that stores one more decision of a case whose row is locked.
    func insertion(
        of judgement: Judgement,
        for decided: AfterSalesCase,
        by actor: Actor,
        granted: [RefundItem: Money]
    ) -> SQL {
        let amounts = granted.keys.sorted().map { item -> JSON in
            ["item": .string(item.description), "amount_fen": .integer(granted[item]?.fen ?? 0)]
        }
        return """
            insert into campus.decision (
                campus_id, case_id, number, verdict, decided_by, decided_at, policy_version, inputs, rules, reasons, amounts
            )
            select \(decided.campus), \(decided.id), coalesce(max(number), 0) + 1, \(judgement.verdict),
                \(actor.description), \(judgement.inputs.now), \(judgement.inputs.policyVersion), \(judgement.inputs.json),
                \(JSON.array(judgement.rules.map(\.json))), \(JSON.array(judgement.reasons.map(\.json))),
                \(JSON.array(amounts))
            from campus.decision where campus_id = \(decided.campus) and case_id = \(decided.id)
            """
    }
}
