import Model
import ServiceKit

/// The shapes of cases in requests and answers.
enum CaseSchemas {
    /// A request to open a case.
    static let opening = JSONSchema.object(
        name: "CaseOpening",
        [
            .required("order_id", .id),
            .required("kind", .enumeration(of: CaseKind.self), "What is asked for; `refund` is offered."),
            .required("reason", .enumeration(of: CaseReason.self)),
            .optional(
                "lines",
                .array(of: line, count: 1...200),
                "Some units of some lines; without it, all that is left of the order."
            ),
            .optional("description", .string(length: 1...2_000), "The customer's words."),
            .optional(
                "source",
                .string(length: 1...32, pattern: .identifier),
                "Where the customer asked; `app` if not told."
            ),
        ]
    )

    private static let line = JSONSchema.object(
        name: "CaseOpeningLine",
        [.required("line_no", .integer(1...1_000)), .required("quantity", .integer(1...10_000))]
    )

    /// The members that lists show.
    private static let members: [JSONSchema.Member] = [
        .required("id", .id),
        .required("order_id", .id),
        .required("external_id", .nullable(.string(length: 1...128)), "The platform's own number of the order."),
        .required("kind", .enumeration(of: CaseKind.self)),
        .required("reason", .enumeration(of: CaseReason.self)),
        .required("status", .enumeration(of: CaseStatus.self)),
        .required("version", .integer(1...Int64.max)),
        .required("customer_id", .actorID),
        .required("merchant_id", .actorID),
        .required("opened_by", .string(length: 1...80), "Who opened it; of staff, others see the role only."),
        .required("system", .boolean, "Whether the service opened it for money that is due back."),
        .required("source", .string(length: 1...32)),
        .required("whole_order", .boolean),
        .required("description", .nullable(.string(length: 0...2_000))),
        .required("requested_fen", .fen(0...Int64.max)),
        .required("approved_fen", .nullable(.fen(0...Int64.max))),
        .required("verdict", .nullable(.enumeration(of: Verdict.self))),
        .required("handler", .nullable(.string(length: 1...64)), "Who takes care of it; `desk` unless staff ask."),
        .required("attached_to", .nullable(.id), "The case whose refunds answer this one."),
        .required("policy_version", .integer(0...Int64(Int32.max))),
        .required("urged", .integer(0...Int64(Int32.max)), "How often the customer urged."),
        .required("opened_at", .timestamp),
        .required("updated_at", .timestamp),
        .required("review_due_at", .timestamp, "When a person is to have looked at it."),
        .required("decision_due_at", .timestamp),
        .required("priority_at", .timestamp, "What orders the desk's queue."),
        .required("claimed_at", .nullable(.timestamp)),
        .required("decided_at", .nullable(.timestamp)),
        .required("resolved_at", .nullable(.timestamp), "When all that was approved was back."),
        .required("closed_at", .nullable(.timestamp)),
    ]

    /// A case in a list.
    static let summary = JSONSchema.object(name: "CaseSummary", members)

    /// A case.
    static let full = JSONSchema.object(
        name: "Case",
        members + [
            .required("items", .array(of: item, count: 0...1_000)),
            .required("decision", .nullable(decision)),
            .required("refund", .nullable(refund), "The latest of `refunds`."),
            .required(
                "refunds",
                .array(of: refund, count: 0...1_000),
                "One for each payment that gives something back."
            ),
            .required("progress", .array(of: stage, count: 1...6)),
        ]
    )

    private static let item = JSONSchema.object(
        name: "CaseItem",
        [
            .required("item", itemName),
            .required("quantity", .integer(0...10_000), "How many units of a line."),
            .required("asked_fen", .fen(0...Int64.max)),
            .required("granted_fen", .nullable(.fen(0...Int64.max))),
        ]
    )

    /// An item of an order that money can go back for.
    static let itemName = JSONSchema.string(
        length: 6...12,
        pattern: StringPattern(
            expression: "^(line:[1-9][0-9]{0,5}|delivery|packaging|surplus)$",
            meaning: "be line:N, delivery, packaging or surplus",
            matches: { RefundItem($0) != nil }
        )
    ).described("`line:N`, `delivery`, `packaging`, or `surplus` for what was paid too much.")

    private static let decision = JSONSchema.object(
        name: "Decision",
        [
            .required("verdict", .enumeration(of: Verdict.self)),
            .required("reasons", .array(of: .localizedText, count: 1...20)),
            .required("policy_version", .integer(0...Int64(Int32.max))),
            .required("decided_by", .string(length: 1...80)),
            .required("decided_at", .timestamp),
        ]
    )

    private static let refund = JSONSchema.object(
        name: "CaseRefund",
        [
            .required("id", .id),
            .required("status", .enumeration(of: RefundStatus.self)),
            .required("amount_fen", .fen(1...Int64.max)),
        ]
    )

    private static let stage = JSONSchema.object(
        name: "ProgressStage",
        [
            .required("stage", .enumeration(of: ProgressStage.Stage.self)),
            .required("status", .enumeration(of: ProgressStage.Status.self)),
            .required("handler", .enumeration(of: ProgressStage.Handler.self)),
            .required("text", .localizedText),
            .required("at", .nullable(.timestamp)),
            .required("eta", .nullable(.timestamp)),
        ]
    )

    /// A case's timeline.
    static let timeline = JSONSchema.object(
        name: "CaseTimeline",
        [
            .required(
                "entries",
                .array(
                    of: .object(
                        name: "CaseTimelineEntry",
                        [
                            .required("type", .string(length: 1...64), "As events name it."),
                            .required("status", .string(length: 1...32)),
                            .required("refund_id", .nullable(.id)),
                            .required("actor", .string(length: 1...80)),
                            .required("at", .timestamp),
                            .required("detail", .map(of: .any)),
                        ]
                    ),
                    count: 0...100_000
                )
            )
        ]
    )

    /// How a case was decided.
    static let explanation = JSONSchema.object(
        name: "CaseExplanation",
        [
            .required("case_id", .id),
            .required(
                "decisions",
                .array(
                    of: .object(
                        name: "ExplainedDecision",
                        [
                            .required("number", .integer(1...Int64(Int32.max))),
                            .required("verdict", .enumeration(of: Verdict.self)),
                            .required("reasons", .array(of: .localizedText, count: 1...20)),
                            .required("decided_by", .string(length: 1...80)),
                            .required("decided_at", .timestamp),
                            .required("policy_version", .integer(0...Int64(Int32.max))),
                            .required("inputs", .map(of: .any), "What rules could know."),
                            .required("rules", .array(of: rule, count: 0...100), "Every rule tried, in order."),
                            .required("amounts", .array(of: amount, count: 0...1_000), "What was granted."),
                        ]
                    ),
                    count: 1...1_000
                )
            ),
        ]
    )

    private static let rule = JSONSchema.object(
        name: "TriedRule",
        [
            .required("rule", .string(length: 1...64)),
            .required("stage", .enumeration(of: Rule.Stage.self)),
            .required("outcome", .enumeration(["passes", "silent", "approves", "refers"])),
            .required("inputs", .map(of: .any)),
            .required("reason", .nullable(.localizedText)),
        ]
    )

    /// An amount for an item.
    static let amount = JSONSchema.object(
        name: "ItemAmount",
        [.required("item", itemName), .required("amount_fen", .fen(0...100_000_000))]
    )
}
