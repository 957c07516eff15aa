import Model

extension NoticeText {
    /// The words for an event about a case; nil when that recipient is not told of such events.
    static func afterSales(_ type: EventType, for kind: RecipientKind, _ facts: NoticeFacts) -> NoticeText? {
        let order = facts.order
        let reason = facts.caseReason
        return switch (type, kind) {
        case (.caseOpened, .customer):
            NoticeText(
                LocalizedText(zhCN: "售后申请已提交", en: "Request received"),
                LocalizedText(
                    zhCN: "我们已收到您的申请（\(reason.zhCN)），处理进度可随时查看。",
                    en: "We have your request (\(reason.en)). You can follow every step."
                )
            )
        case (.caseOpened, .merchant):
            NoticeText(
                LocalizedText(zhCN: "顾客发起售后", en: "After-sales request"),
                LocalizedText(
                    zhCN: "顾客对\(order.zhCN)发起售后：\(reason.zhCN)。",
                    en: "The customer raised a request about \(order.en): \(reason.en)."
                )
            )
        case (.caseEvidenceRequested, .customer):
            NoticeText(
                LocalizedText(zhCN: "请补充凭证", en: "Evidence needed"),
                LocalizedText(
                    zhCN: "为尽快处理您的申请（\(reason.zhCN)），请补充照片或说明。",
                    en: "To settle your request (\(reason.en)), please add a photo or a description."
                )
            )
        case (.caseMerchantAsked, .merchant):
            NoticeText(
                LocalizedText(zhCN: "请处理售后申请", en: "Your answer is needed"),
                LocalizedText(
                    zhCN: "\(order.zhCN)的售后申请（\(reason.zhCN)，\(facts.amount("requested_fen"))）等待您处理，逾期将自动退款。",
                    en:
                        "A request about \(order.en) (\(reason.en), \(facts.amount("requested_fen"))) waits for your answer."
                        + " Without one in time it is granted."
                )
            )
        case (.caseReviewStarted, .customer):
            NoticeText(
                LocalizedText(zhCN: "客服正在处理", en: "Under review"),
                LocalizedText(
                    zhCN: "您的申请（\(reason.zhCN)）已转交人工客服处理。",
                    en: "A person is looking at your request (\(reason.en))."
                )
            )
        case (.caseReviewStarted, .desk):
            NoticeText(
                LocalizedText(zhCN: "新的待审申请", en: "Case to review"),
                LocalizedText(
                    zhCN: "\(order.zhCN)：\(reason.zhCN)，申请 \(facts.amount("requested_fen"))。",
                    en: "\(order.en.capitalizedAtStart): \(reason.en), \(facts.amount("requested_fen")) asked for."
                )
            )
        case (.caseDecided, .customer): decision(facts)
        case (.caseDecided, .merchant):
            NoticeText(
                LocalizedText(zhCN: "售后已处理", en: "Request decided"),
                LocalizedText(
                    zhCN: "\(order.zhCN)的售后申请（\(reason.zhCN)）已处理，退款 \(facts.amount("approved_fen"))。",
                    en:
                        "The request about \(order.en) (\(reason.en)) is decided: \(facts.amount("approved_fen")) is refunded."
                )
            )
        case (.caseOfferMade, .customer):
            NoticeText(
                LocalizedText(zhCN: "请确认处理方案", en: "An offer for you"),
                LocalizedText(
                    zhCN: "针对您的申请（\(reason.zhCN)），我们提出退款 \(facts.amount("approved_fen"))，请确认。",
                    en: "For your request (\(reason.en)) we offer \(facts.amount("approved_fen")). Please confirm."
                )
            )
        case (.caseAppealed, .merchant), (.caseAppealed, .desk):
            NoticeText(
                LocalizedText(zhCN: "顾客提出申诉", en: "Decision appealed"),
                LocalizedText(
                    zhCN: "顾客对\(order.zhCN)的处理结果提出申诉。",
                    en: "The customer appealed the decision about \(order.en)."
                )
            )
        case (.caseWithdrawn, .merchant):
            NoticeText(
                LocalizedText(zhCN: "售后已撤回", en: "Request withdrawn"),
                LocalizedText(
                    zhCN: "顾客撤回了\(order.zhCN)的售后申请。",
                    en: "The customer withdrew the request about \(order.en)."
                )
            )
        case (.caseResolved, .customer):
            NoticeText(
                LocalizedText(zhCN: "售后已完成", en: "Request settled"),
                LocalizedText(
                    zhCN: "您的申请（\(reason.zhCN)）已处理完成。",
                    en: "Your request (\(reason.en)) is settled."
                )
            )
        case (.caseCommented, .customer), (.caseCommented, .merchant), (.caseCommented, .desk):
            NoticeText(
                LocalizedText(zhCN: "售后有新留言", en: "New comment"),
                LocalizedText(
                    zhCN: "\(order.zhCN)的售后申请有新的留言。",
                    en: "There is a new comment on the request about \(order.en)."
                )
            )
        default: nil
        }
    }

    private static func decision(_ facts: NoticeFacts) -> NoticeText {
        let reasons = facts.reasons
        let because = LocalizedText(zhCN: reasons.zhCN, en: reasons.en.isEmpty ? "" : " " + reasons.en)
        switch facts.verdict {
        case .approved, .partlyApproved:
            let title =
                facts.verdict == .approved
                ? LocalizedText(zhCN: "申请已通过", en: "Request approved")
                : LocalizedText(zhCN: "申请已部分通过", en: "Request partly approved")
            return NoticeText(
                title,
                LocalizedText(
                    zhCN: "退款 \(facts.amount("approved_fen"))。\(because.zhCN)",
                    en: "You get \(facts.amount("approved_fen")) back.\(because.en)"
                )
            )
        case .rejected:
            return NoticeText(
                LocalizedText(zhCN: "申请未通过", en: "Request not approved"),
                LocalizedText(
                    zhCN: "很抱歉，您的申请未能通过。\(because.zhCN)如有异议，可以再次提交申请，由人工重新处理。",
                    en:
                        "We are sorry: your request was not approved.\(because.en)"
                        + " You can ask again; a person then looks at it once more."
                )
            )
        case .inReview, .none:
            return NoticeText(
                LocalizedText(zhCN: "客服正在处理", en: "Under review"),
                LocalizedText(zhCN: "您的申请已转交人工客服处理。", en: "A person is looking at your request.")
            )
        }
    }
}
