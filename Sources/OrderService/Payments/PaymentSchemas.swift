import Model
import ServiceKit

/// What reports of payments must look like, and what answers do.
enum PaymentSchemas {
    static let pay = JSONSchema.object(
        name: "PayOrder",
        payment
    )

    static let report = JSONSchema.object(
        name: "ReportPayment",
        payment + [
            .required(
                "orders",
                .array(
                    of: .object(
                        name: "PaymentAllocation",
                        [.required("order_id", .id), .required("amount_fen", .fen(0...1_000_000_000))]
                    ),
                    count: 1...50
                ),
                "What of it is for which order; sums to `amount_fen`."
            )
        ]
    )

    static let reported = JSONSchema.object(
        name: "Payment",
        [
            .required("id", .id),
            .required("channel", .enumeration(of: PaymentChannel.self)),
            .required("transaction_id", transactionID),
            .required("amount_fen", .fen(0...1_000_000_000)),
            .required("orders", .array(of: OrderSchemas.order, count: 1...50)),
        ]
    )

    /// What is said of every payment.
    static let payment: [JSONSchema.Member] = [
        .required(
            "channel",
            .enumeration(of: PaymentChannel.self),
            """
            `delegated`: you pay its refunds yourself. `sandbox`: play money, on test campuses only. `wechat`, `alipay` and `balance` are \
            recorded, but this version cannot refund through them.
            """
        ),
        .required("transaction_id", transactionID, "The channel's number: the same number is the same payment."),
        .required(
            "amount_fen",
            .fen(0...1_000_000_000),
            "0 only for an order whose discounts cover all of it."
        ),
        .required("paid_at", .timestamp, "May lie in the past, at most 60 s ahead."),
        .optional("out_trade_no", reference, "Your number of the payment."),
        .optional("mchid", reference, "The merchant account that was paid."),
        .optional("sub_mchid", reference, "The account under it."),
        .optional("payer_fen", .fen(0...1_000_000_000), "What the payer paid, where vouchers covered a part."),
        .optional("payer_openid", .string(length: 1...128, pattern: .visibleASCII), "Who paid, by the channel's id."),
    ]

    static let transactionID = JSONSchema.string(length: 1...128, pattern: .visibleASCII)
    private static let reference = JSONSchema.string(length: 1...64, pattern: .visibleASCII)
}
