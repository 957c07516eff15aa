import Model

/// The words of an inbox line, in every language.
struct NoticeText: Hashable, Sendable {
    /// A few words, for a list or a banner.
    let title: LocalizedText
    /// A sentence or two.
    let body: LocalizedText

    /// These words.
    init(_ title: LocalizedText, _ body: LocalizedText) {
        self.title = title
        self.body = body
    }

    /// The words for an event of `type`, as `kind` of recipient reads them, made of the facts in `data`.
    ///
    /// A line written by a newer service may have a type that is not known here: it says that there is something to see.
    init(type: String, for kind: RecipientKind, data: JSON) {
        let facts = NoticeFacts(data: data, reader: kind)
        let words: NoticeText? =
            switch EventType(rawValue: type) {
            case .some(let type):
                .order(type, for: kind, facts) ?? .afterSales(type, for: kind, facts) ?? .refund(type, for: kind, facts)
            case .none: nil
            }
        self =
            words
            ?? NoticeText(
                LocalizedText(zhCN: "新通知", en: "New notice"),
                LocalizedText(zhCN: "\(facts.order.zhCN)有新的进展。", en: "There is news about \(facts.order.en).")
            )
    }
}

/// The facts of an inbox line, as words that sentences are made of.
struct NoticeFacts {
    let data: JSON
    let reader: RecipientKind

    /// The order, by the number people call it by.
    var order: LocalizedText {
        if let number = data["short_no"]?.string {
            return LocalizedText(zhCN: "订单 #\(number) ", en: "order #\(number)")
        }
        if let number = data["external_id"]?.string {
            return LocalizedText(zhCN: "订单 \(number) ", en: "order \(number)")
        }
        return reader == .customer
            ? LocalizedText(zhCN: "您的订单", en: "your order") : LocalizedText(zhCN: "该订单", en: "the order")
    }

    /// The amount of that name in yuan, for example `¥12.50`.
    func amount(_ name: String) -> String {
        let fen = data[name]?.integer ?? 0
        let cents = fen.magnitude % 100
        return (fen < 0 ? "-¥" : "¥") + "\(fen.magnitude / 100)." + (cents < 10 ? "0\(cents)" : "\(cents)")
    }

    /// Why a case was opened.
    var caseReason: LocalizedText {
        data["reason"]?.string.flatMap(CaseReason.init(rawValue:))?.words ?? CaseReason.other.words
    }

    /// What a rider, a merchant or the services found to be wrong.
    var exception: LocalizedText {
        let kind = data["kind"]?.string ?? ""
        return OrderExceptionKind(rawValue: kind)?.words ?? LocalizedText(zhCN: kind, en: kind)
    }

    /// How the order was handed over.
    var handover: LocalizedText {
        data["handover"]?.string.flatMap(HandoverKind.init(rawValue:))?.words ?? HandoverKind.door.words
    }

    /// What was decided.
    var verdict: Verdict? {
        data["verdict"]?.string.flatMap(Verdict.init(rawValue:))
    }

    /// The reasons of a decision, one after the other.
    var reasons: LocalizedText {
        let reasons = (data["reasons"]?.array ?? []).compactMap { try? LocalizedText(json: $0) }
        return LocalizedText(
            zhCN: reasons.map(\.zhCN).joined(),
            en: reasons.map(\.en).joined(separator: " ")
        )
    }

    /// In which capacity somebody acted.
    var role: Role? {
        data["by"]?.string.flatMap(Role.init(rawValue:))
    }
}

extension CaseReason {
    /// The reason as people say it.
    var words: LocalizedText {
        switch self {
        case .late: LocalizedText(zhCN: "送达超时", en: "late delivery")
        case .notDelivered: LocalizedText(zhCN: "未收到餐品", en: "not delivered")
        case .takenByOther: LocalizedText(zhCN: "餐品被他人取走", en: "taken by somebody else")
        case .missingItem: LocalizedText(zhCN: "少送餐品", en: "missing item")
        case .wrongItem: LocalizedText(zhCN: "送错餐品", en: "wrong item")
        case .damaged: LocalizedText(zhCN: "餐品破损", en: "damaged")
        case .spilled: LocalizedText(zhCN: "餐品洒漏", en: "spilled")
        case .quality: LocalizedText(zhCN: "餐品质量问题", en: "poor quality")
        case .foreignObject: LocalizedText(zhCN: "餐品有异物", en: "foreign object")
        case .illness: LocalizedText(zhCN: "食用后不适", en: "illness after eating")
        case .notAsDescribed: LocalizedText(zhCN: "与描述不符", en: "not as described")
        case .duplicateCharge: LocalizedText(zhCN: "重复扣款", en: "charged twice")
        case .changedMind: LocalizedText(zhCN: "不想要了", en: "changed mind")
        case .other: LocalizedText(zhCN: "其他原因", en: "another reason")
        }
    }
}

extension OrderExceptionKind {
    /// The exception as people say it.
    var words: LocalizedText {
        switch self {
        case .outOfStock: LocalizedText(zhCN: "餐品售罄", en: "something is out of stock")
        case .shopClosed: LocalizedText(zhCN: "商家已打烊", en: "the shop is closed")
        case .gateClosed: LocalizedText(zhCN: "校门已关闭", en: "the gate is closed")
        case .unreachable: LocalizedText(zhCN: "联系不上收餐人", en: "the customer cannot be reached")
        case .accident: LocalizedText(zhCN: "骑手途中发生意外", en: "the rider had an accident")
        case .spilled: LocalizedText(zhCN: "餐品洒漏", en: "the food was spilled")
        }
    }
}

extension HandoverKind {
    /// Where the order is now, as people say it.
    var words: LocalizedText {
        switch self {
        case .door: LocalizedText(zhCN: "已送到门口", en: "at your door")
        case .gate: LocalizedText(zhCN: "已放在校门取餐点", en: "at the gate")
        case .locker: LocalizedText(zhCN: "已放入取餐柜", en: "in the locker")
        case .counter: LocalizedText(zhCN: "已在柜台取走", en: "handed over at the counter")
        }
    }
}
