import Model
import ServiceKit

/// What the lines of an import must look like, and what is said of an import.
enum ImportSchemas {
    /// A past order, as a line tells it.
    static let line = JSONSchema.object(
        name: "PastOrder",
        [
            .required(
                "external_id",
                OrderSchemas.externalID,
                "Your own number of the order; unique in a campus for ever."
            )
        ]
            + OrderSchemas.terms + [
                .optional("totals", totals, "What you think it costs: a line that comes to something else is a fault."),
                .required("status", .enumeration(of: OrderStatus.self), "Where it stands."),
                .required("placed_at", .timestamp),
            ]
            + PastStep.allCases.map { .optional($0.timeName, .timestamp, $0.meaning) } + [
                .optional(
                    "rider",
                    .object([.required("id", .actorID), .optional("name", OrderSchemas.name)]),
                    "Who had it last; with `picked_up` and later."
                ),
                .optional("handover", OrderSchemas.handover, "With `delivered` and `completed`."),
                .optional(
                    "cancellation",
                    .object([.required("by", .actor), .required("reason", OrderSchemas.reason)]),
                    "With `cancelled`."
                ),
                .optional("payments", .array(of: payment, count: 0...20), "All that was paid for it."),
                .optional("refunds", .array(of: refund, count: 0...50), "All that was paid back and has arrived."),
            ]
    )

    private static let totals = JSONSchema.object(
        name: "PastTotals",
        ["lines_fen", "fees_fen", "discount_fen", "payable_fen"].map { .optional($0, .fen(0...Int64.max)) }
    )

    private static let payment = JSONSchema.object(
        name: "PastPayment",
        PaymentSchemas.payment + [
            .optional(
                "payment_fen",
                .fen(0...1_000_000_000),
                "The whole payment, when it paid for several orders; `amount_fen` is then what of it was for this one."
            )
        ]
    )

    private static let refund = JSONSchema.object(
        name: "PastRefund",
        [
            .required(
                "out_refund_no",
                .string(length: 1...64, pattern: .visibleASCII),
                "Your number of the refund; unique in a campus for ever."
            ),
            .required("amount_fen", .fen(1...1_000_000_000)),
            .required("succeeded_at", .timestamp, "When it had arrived."),
            .optional(
                "transaction_id",
                PaymentSchemas.transactionID,
                "Which payment it came from; may be left out when there is one."
            ),
            .optional(
                "items",
                .array(
                    of: .object(
                        name: "PastRefundItem",
                        [
                            .optional("line_no", .integer(1...100)),
                            .optional("fee", .enumeration(["delivery", "packaging"])),
                            .required("amount_fen", .fen(1...1_000_000_000)),
                        ]
                    ),
                    count: 1...102
                ),
                "What it was for: a line or a fee each. Without, it spreads over what is left of all, in proportion."
            ),
        ]
    )

    // MARK: Answers

    static let name = JSONSchema.string(length: 1...64, pattern: .ascii("A-Za-z0-9._-"))

    static let fault = JSONSchema.object(
        name: "ImportFault",
        [
            .required("line", .integer(1...Int64.max), "The number of the line, from 1."),
            .required("pointer", .string(length: 0...2_000), "A JSON pointer (RFC 6901) into the line."),
            .required("detail", .string(length: 1...500)),
        ]
    )

    static let faults = JSONSchema.page(name: "ImportFaultPage", of: fault)

    static let state = JSONSchema.object(
        name: "OrderImport",
        [
            .required("id", name),
            .required("next_line", .integer(1...Int64.max), "Every line before it was judged: go on here."),
            .required("imported", .integer(0...Int64.max), "How many orders it brought."),
            .required(
                "skipped",
                .integer(0...Int64.max),
                "How many lines told of an order that was imported before just so; a line sent again counts again."
            ),
            .required("faulty", .integer(0...Int64.max), "How many lines were not taken, as they were sent last."),
            .required(
                "faults",
                .array(of: fault, count: 0...OrderImport.shownFaults),
                "The first of what is wrong with those lines; the list of faults has all."
            ),
            .required("created_by", .actor),
            .required("created_at", .timestamp),
            .required("updated_at", .timestamp),
        ]
    )
}
