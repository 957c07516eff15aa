import Model
import ServiceKit

extension AfterSalesOptions {
    /// What options look like.
    static let schema = JSONSchema.object(
        name: "AfterSalesOptions",
        [
            .required("order_id", .id),
            .required("order_status", .enumeration(of: OrderStatus.self)),
            .required("paid_fen", .fen(0...Int64.max), "All that was paid, surplus included."),
            .required("refundable_fen", .fen(0...Int64.max), "What no decision has promised yet."),
            .required("lines", .array(of: line, count: 0...1_000)),
            .required("fees", .array(of: fee, count: 2...2)),
            .required("surplus_fen", .fen(0...Int64.max), "What was paid too much and is not promised yet."),
            .required("cases", .array(of: known, count: 0...10_000), "The cases there are, the oldest first."),
            .required("notice", .nullable(.localizedText), "Why nothing can be asked for."),
            .required("kinds", .array(of: kind, count: 0...4), "Empty when nothing can be asked for."),
        ]
    )

    private static let line = JSONSchema.object(
        name: "RefundableLine",
        [
            .required("line_no", .integer(1...1_000_000)),
            .required("name", .string(length: 0...1_000)),
            .required("quantity", .integer(1...1_000_000)),
            .required("payable_fen", .fen(0...Int64.max)),
            .required("remaining_quantity", .integer(0...1_000_000), "Units that no case speaks for."),
            .required("refundable_fen", .fen(0...Int64.max), "What those units come to."),
        ]
    )

    private static let fee = JSONSchema.object(
        name: "RefundableFee",
        [
            .required("item", .enumeration(["delivery", "packaging"])),
            .required("payable_fen", .fen(0...Int64.max)),
            .required("refundable_fen", .fen(0...Int64.max)),
        ]
    )

    private static let known = JSONSchema.object(
        name: "KnownCase",
        [
            .required("id", .id),
            .required("kind", .enumeration(of: CaseKind.self)),
            .required("reason", .enumeration(of: CaseReason.self)),
            .required("status", .enumeration(of: CaseStatus.self)),
            .required("system", .boolean),
        ]
    )

    private static let kind = JSONSchema.object(
        name: "KindOption",
        [
            .required("kind", .enumeration(of: CaseKind.self)),
            .required("text", .localizedText),
            .required("reasons", .array(of: reason, count: 1...50)),
        ]
    )

    private static let reason = JSONSchema.object(
        name: "ReasonOption",
        [
            .required("reason", .enumeration(of: CaseReason.self)),
            .required("text", .localizedText),
            .required("available", .boolean),
            .required("whole_order_fen", .fen(0...Int64.max), "What a case for the whole order would ask for."),
            .required(
                "fees",
                .array(of: .enumeration(["delivery", "packaging"]), count: 0...2),
                "The fees that go back with the whole order."
            ),
            .required("lines_can_be_chosen", .boolean),
            .required("evidence", .nullable(.localizedText), "What would prove it; null where nothing is needed."),
            .required("evidence_required", .boolean),
            .required("decided_by", .enumeration(["rules", "desk"]), "Who would decide, asked now."),
            .required("first_answer_by", .timestamp),
            .required("decision_by", .timestamp),
            .required("advice", .localizedText, "How to keep it from happening."),
        ]
    )
}
