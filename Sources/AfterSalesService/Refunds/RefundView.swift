import Model
import ServiceKit

extension Refund {
    /// As it is sent.
    var json: JSON {
        [
            "id": .string(id.description),
            "case_id": .string(caseID.description),
            "order_id": .string(orderID.description),
            "external_id": .optional(externalID),
            "payment_id": .string(payment.id.description),
            "channel": .string(payment.channel.rawValue),
            "transaction_id": .string(payment.transactionID),
            "out_refund_no": .string(outRefundNumber),
            "channel_refund_id": .optional(channelRefundID),
            "amount_fen": .integer(amount.fen),
            "automatic": .bool(automatic),
            "status": .string(status.rawValue),
            "version": .integer(version),
            "code": .optional(code),
            "created_at": .string(createdAt.rfc3339),
            "updated_at": .string(updatedAt.rfc3339),
            "submitted_at": .optional(submittedAt?.rfc3339),
            "settled_at": .optional(settledAt?.rfc3339),
            "eta": .optional(status.isFinal ? nil : (createdAt + Refund.expectedWithin).rfc3339),
        ]
    }

    /// As the platform's own key reads it: with what it needs to pay it itself.
    func json(paidBy payer: String?) -> JSON {
        guard var object = json.object else { return json }
        object["payment"] = [
            "amount_fen": .integer(payment.amount.fen),
            "payer_fen": payment.payerAmount.map { .integer($0.fen) } ?? .null,
            "out_trade_no": .optional(payment.outTradeNumber),
            "mchid": .optional(payment.merchantAccount),
            "sub_mchid": .optional(payment.subMerchantAccount),
            "payer_openid": .optional(payer),
        ]
        return .object(object)
    }

    /// What it looks like.
    static let schema = JSONSchema.object(
        name: "Refund",
        [
            .required("id", .id),
            .required("case_id", .id),
            .required("order_id", .id),
            .required("external_id", .nullable(.string(length: 1...128))),
            .required("payment_id", .id),
            .required("channel", .enumeration(of: PaymentChannel.self)),
            .required("transaction_id", .string(length: 1...128), "The channel's number of the payment."),
            .required("out_refund_no", .string(length: 1...64), "The one number of this refund at the channel."),
            .required("channel_refund_id", .nullable(.string(length: 1...128)), "The channel's own number of it."),
            .required("amount_fen", .fen(1...Int64.max)),
            .required("automatic", .boolean, "Whether rules alone decided it."),
            .required("status", .enumeration(of: RefundStatus.self)),
            .required("version", .integer(1...Int64.max)),
            .required("code", .nullable(.string(length: 0...128)), "The channel's word for why it is not paid."),
            .required("created_at", .timestamp),
            .required("updated_at", .timestamp),
            .required("submitted_at", .nullable(.timestamp)),
            .required("settled_at", .nullable(.timestamp)),
            .required("eta", .nullable(.timestamp), "When the money is expected to be back."),
            .optional("payment", payment, "The payment as its channel knows it; for the platform's own key alone."),
        ]
    )
    private static let payment = JSONSchema.object(
        name: "RefundedPayment",
        [
            .required("amount_fen", .fen(0...Int64.max), "The whole payment."),
            .required("payer_fen", .nullable(.fen(0...Int64.max)), "What of it the payer paid, less vouchers."),
            .required("out_trade_no", .nullable(.string(length: 1...64)), "The platform's number of it."),
            .required("mchid", .nullable(.string(length: 1...64)), "The merchant account that was paid."),
            .required("sub_mchid", .nullable(.string(length: 1...64)), "The account under it."),
            .required("payer_openid", .nullable(.string(length: 1...128)), "Who paid, until that is erased."),
        ]
    )
}
