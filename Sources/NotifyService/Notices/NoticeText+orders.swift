import Model

extension NoticeText {
    /// The words for an event about an order; nil when that recipient is not told of such events.
    static func order(_ type: EventType, for kind: RecipientKind, _ facts: NoticeFacts) -> NoticeText? {
        let order = facts.order
        let orderInEnglish = order.en.capitalizedAtStart
        return switch (type, kind) {
        case (.orderPlaced, .customer):
            NoticeText(
                LocalizedText(zhCN: "订单已提交", en: "Order placed"),
                LocalizedText(
                    zhCN: "\(order.zhCN)已提交，请尽快支付 \(facts.amount("amount_fen"))。",
                    en: "\(orderInEnglish) is placed. Please pay \(facts.amount("amount_fen")) soon."
                )
            )
        case (.orderPaid, .customer):
            NoticeText(
                LocalizedText(zhCN: "支付成功", en: "Payment received"),
                LocalizedText(
                    zhCN: "\(order.zhCN)已支付，等待商家接单。",
                    en: "\(orderInEnglish) is paid and waits for the shop to accept it."
                )
            )
        case (.orderPaid, .merchant):
            NoticeText(
                LocalizedText(zhCN: "您有新订单", en: "New order"),
                LocalizedText(
                    zhCN: "\(order.zhCN)已支付 \(facts.amount("amount_fen"))，请及时接单。",
                    en: "\(orderInEnglish) over \(facts.amount("amount_fen")) is paid. Please accept it in time."
                )
            )
        case (.orderAccepted, .customer):
            NoticeText(
                LocalizedText(zhCN: "商家已接单", en: "Order accepted"),
                LocalizedText(zhCN: "商家正在准备\(order.zhCN)。", en: "The shop is preparing \(order.en).")
            )
        case (.orderRejected, .customer):
            NoticeText(
                LocalizedText(zhCN: "商家未接单", en: "Order not accepted"),
                LocalizedText(
                    zhCN: "商家无法接受\(order.zhCN)：\(facts.data["reason"]?.string ?? "")。已付款项将原路退回。",
                    en:
                        "The shop cannot take \(order.en): \(facts.data["reason"]?.string ?? ""). What you paid goes back to you."
                )
            )
        case (.orderReady, .customer):
            NoticeText(
                LocalizedText(zhCN: "餐品已备好", en: "Food is ready"),
                LocalizedText(zhCN: "\(order.zhCN)已出餐。", en: "\(orderInEnglish) is ready.")
            )
        case (.orderReady, .rider):
            NoticeText(
                LocalizedText(zhCN: "可以取餐", en: "Ready for pick-up"),
                LocalizedText(zhCN: "\(order.zhCN)已出餐，请前往取餐。", en: "\(orderInEnglish) is ready to be picked up.")
            )
        case (.orderPickedUp, .customer):
            NoticeText(
                LocalizedText(zhCN: "骑手已取餐", en: "On its way"),
                LocalizedText(zhCN: "\(order.zhCN)正在配送途中。", en: "\(orderInEnglish) is on its way to you.")
            )
        case (.orderDelivered, .customer):
            NoticeText(
                LocalizedText(zhCN: "餐品已送达", en: "Delivered"),
                LocalizedText(
                    zhCN: "\(order.zhCN)\(facts.handover.zhCN)。",
                    en: "\(orderInEnglish) was delivered: \(facts.handover.en)."
                )
            )
        case (.orderCompleted, .merchant):
            NoticeText(
                LocalizedText(zhCN: "订单已完成", en: "Order completed"),
                LocalizedText(zhCN: "\(order.zhCN)已完成。", en: "\(orderInEnglish) is completed.")
            )
        case (.orderCancelled, .customer), (.orderCancelled, .merchant), (.orderCancelled, .rider):
            cancellation(for: kind, facts)
        case (.orderExceptionReported, .customer):
            NoticeText(
                LocalizedText(zhCN: "订单出现异常", en: "Something came up"),
                LocalizedText(
                    zhCN: "\(order.zhCN)：\(facts.exception.zhCN)。我们正在处理。",
                    en: "\(orderInEnglish): \(facts.exception.en). We are on it."
                )
            )
        case (.orderExceptionReported, .merchant), (.orderExceptionReported, .desk):
            NoticeText(
                LocalizedText(zhCN: "订单异常上报", en: "Exception reported"),
                LocalizedText(
                    zhCN: "\(order.zhCN)：\(facts.exception.zhCN)。",
                    en: "\(orderInEnglish): \(facts.exception.en)."
                )
            )
        case (.orderAnomalyDetected, .desk):
            NoticeText(
                LocalizedText(zhCN: "发现订单异常", en: "Anomaly detected"),
                LocalizedText(
                    zhCN: "\(order.zhCN)需要关注：\(facts.exception.zhCN)。",
                    en: "\(orderInEnglish) needs attention: \(facts.exception.en)."
                )
            )
        default: nil
        }
    }

    private static func cancellation(for kind: RecipientKind, _ facts: NoticeFacts) -> NoticeText {
        let who =
            switch facts.role {
            case .customer:
                kind == .customer ? LocalizedText(zhCN: "您", en: "you") : LocalizedText(zhCN: "顾客", en: "the customer")
            case .merchant:
                kind == .merchant ? LocalizedText(zhCN: "您", en: "you") : LocalizedText(zhCN: "商家", en: "the shop")
            case .rider: LocalizedText(zhCN: "骑手", en: "the rider")
            case .agent, .supervisor, .admin: LocalizedText(zhCN: "客服", en: "the service desk")
            case .platform: LocalizedText(zhCN: "平台", en: "the platform")
            case .system, .none: LocalizedText(zhCN: "系统（超时）", en: "a deadline that passed")
            }
        let refund =
            kind == .customer && facts.data["paid"]?.bool == true
            ? LocalizedText(zhCN: "已付款项将原路退回。", en: " What you paid goes back to you.")
            : LocalizedText(zhCN: "", en: "")
        return NoticeText(
            LocalizedText(zhCN: "订单已取消", en: "Order cancelled"),
            LocalizedText(
                zhCN: "\(facts.order.zhCN)已由\(who.zhCN)取消。\(refund.zhCN)",
                en: "\(facts.order.en.capitalizedAtStart) was cancelled by \(who.en).\(refund.en)"
            )
        )
    }
}

extension String {
    /// The same words as the start of a sentence.
    var capitalizedAtStart: String {
        prefix(1).uppercased() + dropFirst()
    }
}
