import Model

extension NoticeText {
    /// The words for an event about a refund; nil when that recipient is not told of such events.
    static func refund(_ type: EventType, for kind: RecipientKind, _ facts: NoticeFacts) -> NoticeText? {
        let amount = facts.amount("amount_fen")
        let order = facts.order
        return switch (type, kind) {
        case (.refundCreated, .customer):
            NoticeText(
                LocalizedText(zhCN: "退款处理中", en: "Refund on its way"),
                LocalizedText(zhCN: "退款 \(amount) 正在原路退回。", en: "\(amount) is on its way back to you.")
            )
        case (.refundSucceeded, .customer):
            NoticeText(
                LocalizedText(zhCN: "退款已到账", en: "Refund arrived"),
                LocalizedText(zhCN: "退款 \(amount) 已原路退回。", en: "\(amount) was paid back to you.")
            )
        case (.refundSucceeded, .merchant):
            NoticeText(
                LocalizedText(zhCN: "退款已完成", en: "Refund paid"),
                LocalizedText(zhCN: "\(order.zhCN)已退款 \(amount)。", en: "\(amount) was refunded for \(order.en).")
            )
        case (.refundFailed, .customer), (.refundAbnormal, .customer):
            NoticeText(
                LocalizedText(zhCN: "退款遇到问题", en: "Refund delayed"),
                LocalizedText(
                    zhCN: "退款 \(amount) 暂未成功，我们正在跟进，款项不会丢失。",
                    en: "\(amount) could not be paid back yet. We are on it; the money is safe."
                )
            )
        case (.refundFailed, .desk), (.refundAbnormal, .desk):
            NoticeText(
                LocalizedText(zhCN: "退款失败待处理", en: "Refund needs a person"),
                LocalizedText(
                    zhCN: "\(order.zhCN)的退款 \(amount) 未成功，请处理。",
                    en: "The refund of \(amount) for \(order.en) did not succeed."
                )
            )
        case (.refundUnknown, .desk):
            NoticeText(
                LocalizedText(zhCN: "退款结果未知", en: "Refund outcome unknown"),
                LocalizedText(
                    zhCN: "\(order.zhCN)的退款 \(amount) 结果未知，正在向渠道查询。",
                    en: "The outcome of the refund of \(amount) for \(order.en) is unknown; the channel is being asked."
                )
            )
        case (.refundClosed, .customer):
            NoticeText(
                LocalizedText(zhCN: "退款已关闭", en: "Refund closed"),
                LocalizedText(
                    zhCN: "退款 \(amount) 未能完成并已关闭，客服会与您联系。",
                    en: "The refund of \(amount) was closed without payment. The service desk will contact you."
                )
            )
        case (.refundClosed, .desk):
            NoticeText(
                LocalizedText(zhCN: "退款已关闭", en: "Refund closed"),
                LocalizedText(
                    zhCN: "\(order.zhCN)的退款 \(amount) 已关闭，款项已解除占用。",
                    en: "The refund of \(amount) for \(order.en) was closed; its money is released."
                )
            )
        default: nil
        }
    }
}
