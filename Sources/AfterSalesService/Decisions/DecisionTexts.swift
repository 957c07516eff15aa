import Model
import ServiceKit

/// What customers are told of decisions by rule.
extension LocalizedText {
    static let cancelledBeforeAcceptance = LocalizedText(
        zhCN: "商家接单前订单已取消，全额退款。",
        en: "The order was cancelled before the shop accepted it, so all of it goes back to you."
    )

    static func late(by lateness: Duration, delivered: Bool) -> LocalizedText {
        let minutes = lateness.components.seconds / 60
        return delivered
            ? LocalizedText(
                zhCN: "订单比承诺时间晚送达\(minutes)分钟，按您的申请退款。",
                en:
                    "The order arrived \(minutes) minutes after the promised time, so what you asked for goes back to you."
            )
            : LocalizedText(
                zhCN: "订单已超过承诺时间\(minutes)分钟仍未送达，按您的申请退款。",
                en: "The order is \(minutes) minutes past its promised time, so what you asked for goes back to you."
            )
    }

    static func notLateEnough(threshold: Duration) -> LocalizedText {
        let minutes = threshold.components.seconds / 60
        return LocalizedText(
            zhCN: "订单未超过承诺时间\(minutes)分钟，不能自动退款。",
            en: "The order is not \(minutes) minutes past its promised time, so it is not refunded automatically."
        )
    }

    static let notDelivered = LocalizedText(
        zhCN: "订单超时且没有送达记录，按您的申请退款。",
        en: "The order is overdue and nobody recorded handing it over, so what you asked for goes back to you."
    )

    static let markedAsDelivered = LocalizedText(
        zhCN: "订单有送达记录，需要人工核对。",
        en: "The order is recorded as handed over, so a person checks the proof."
    )

    static let stillOnItsWay = LocalizedText(
        zhCN: "订单还在配送中，尚未超时。",
        en: "The order is still on its way and not yet overdue."
    )

    static let paidTwice = LocalizedText(
        zhCN: "该订单重复支付，多付的款项原路退回。",
        en: "The order was paid more than once; what was paid too much goes back to you."
    )

    static let paidForNothing = LocalizedText(
        zhCN: "订单收到一笔多余的款项，原路退回。",
        en: "A payment came in that the order had no use for; it goes back to you."
    )

    static let oneChargeKnown = LocalizedText(
        zhCN: "我们没有查到重复支付，需要人工核对。",
        en: "We see no second payment that is still to be returned, so a person checks."
    )

    static let channelNotAvailable = LocalizedText(
        zhCN: "原支付渠道暂时无法自动退款，需要人工处理。",
        en: "The payment channel cannot be refunded automatically at present, so a person takes care of it."
    )

    static let automaticRefundsPaused = LocalizedText(
        zhCN: "当前自动退款较多，为保障资金安全改为人工审核。",
        en: "Many refunds are going out automatically at the moment; to keep money safe, a person checks this one."
    )

    static let longAfterDelivery = LocalizedText(
        zhCN: "订单送达已久，需要人工审核。",
        en: "The order was delivered long ago, so a person checks the claim."
    )

    static let refusedBefore = LocalizedText(
        zhCN: "客服曾对同样的申请作出处理，需要人工再次核对。",
        en: "A person has decided about the same before, so a person looks at it again."
    )

    static let closerLook = LocalizedText(
        zhCN: "这笔申请需要客服进一步核对。",
        en: "A person takes a closer look at this claim."
    )

    static let answeredByEarlierCase = LocalizedText(
        zhCN: "这笔款项已经在退款途中，无需再次申请。",
        en: "This money is on its way back to you already; nothing more is needed."
    )

    static func moneyDue(_ cause: RefundDueCause) -> LocalizedText {
        switch cause {
        case .cancelled:
            LocalizedText(zhCN: "订单已取消，款项原路退回。", en: "The order was cancelled; your money goes back to you.")
        case .excess:
            LocalizedText(zhCN: "多付的款项原路退回。", en: "You paid too much; the rest goes back to you.")
        case .duplicate: .paidTwice
        case .late:
            LocalizedText(
                zhCN: "付款到账时订单已取消，款项原路退回。",
                en: "The payment arrived after the order was cancelled; it goes back to you."
            )
        }
    }

    /// - `time`: on the campus's clocks.
    static func aPersonLooks(by time: LocalTime) -> LocalizedText {
        LocalizedText(
            zhCN: "客服会在\(time.month)月\(time.dayOfMonth)日\(time.clock)前查看。",
            en: "A person will look at it by \(time.clock) on \(time.dayOfMonth) \(englishMonths[time.month - 1])."
        )
    }

    private static let englishMonths = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
}
