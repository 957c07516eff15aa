import Model

extension CaseReason {
    /// What customers read where they choose a reason.
    var text: LocalizedText {
        switch self {
        case .late: LocalizedText(zhCN: "送达超时", en: "It is late")
        case .notDelivered: LocalizedText(zhCN: "没有收到", en: "It did not arrive")
        case .takenByOther: LocalizedText(zhCN: "被他人拿走", en: "Somebody else took it")
        case .missingItem: LocalizedText(zhCN: "少送商品", en: "Something is missing")
        case .wrongItem: LocalizedText(zhCN: "送错商品", en: "It is the wrong item")
        case .damaged: LocalizedText(zhCN: "包装破损", en: "It is damaged")
        case .spilled: LocalizedText(zhCN: "餐品洒漏", en: "It was spilled")
        case .quality: LocalizedText(zhCN: "质量问题", en: "The quality is poor")
        case .foreignObject: LocalizedText(zhCN: "有异物", en: "There is something in it")
        case .illness: LocalizedText(zhCN: "食用后不适", en: "It made me ill")
        case .notAsDescribed: LocalizedText(zhCN: "与描述不符", en: "It is not as described")
        case .duplicateCharge: LocalizedText(zhCN: "重复扣款", en: "I was charged twice")
        case .changedMind: LocalizedText(zhCN: "不想要了", en: "I changed my mind")
        case .other: LocalizedText(zhCN: "其他原因", en: "Something else")
        }
    }

    /// What would prove it; nil where the services know enough themselves.
    var evidence: LocalizedText? {
        switch self {
        case .late, .notDelivered, .duplicateCharge, .changedMind: nil
        case .takenByOther:
            LocalizedText(zhCN: "取餐点照片（可选）", en: "A photo of the pick-up place, if you have one")
        case .missingItem, .wrongItem:
            LocalizedText(zhCN: "收到的全部商品和小票照片", en: "A photo of all that came, with the receipt")
        case .damaged, .spilled:
            LocalizedText(zhCN: "包装和洒漏处照片", en: "A photo of the packaging and the damage")
        case .quality, .foreignObject, .notAsDescribed:
            LocalizedText(zhCN: "问题商品的清晰照片", en: "A clear photo of what is wrong")
        case .illness:
            LocalizedText(zhCN: "就诊记录或餐品照片；请先就医", en: "A doctor's note or a photo of the food; see a doctor first")
        case .other: LocalizedText(zhCN: "能说明情况的照片（可选）", en: "Photos that help, if you have any")
        }
    }

    /// How to keep it from happening, or from getting worse.
    var advice: LocalizedText {
        switch self {
        case .late:
            LocalizedText(
                zhCN: "用餐高峰请提前下单，可在订单页查看骑手位置。",
                en: "Order a little earlier at rush hour; the order page shows the rider."
            )
        case .notDelivered:
            LocalizedText(
                zhCN: "请先查看送达照片和取餐柜，并保持电话畅通。",
                en: "Look at the delivery photo and the locker first, and stay reachable."
            )
        case .takenByOther:
            LocalizedText(zhCN: "送达后请尽快取餐，优先选择取餐柜。", en: "Fetch it soon after delivery, and prefer a locker.")
        case .missingItem, .wrongItem:
            LocalizedText(zhCN: "请在取餐时当面核对小票。", en: "Check the receipt when you take it.")
        case .damaged, .spilled:
            LocalizedText(
                zhCN: "打开前先拍照，汤类可选择加固包装。",
                en: "Take a photo before you open it; choose sturdy packaging for soups."
            )
        case .quality, .notAsDescribed:
            LocalizedText(zhCN: "请保留餐品和小票，直到处理完成。", en: "Keep the food and the receipt until the case is settled.")
        case .foreignObject, .illness:
            LocalizedText(
                zhCN: "请停止食用并保留餐品；身体不适请立即就医。",
                en: "Stop eating, keep the food, and see a doctor at once if you feel ill."
            )
        case .duplicateCharge:
            LocalizedText(
                zhCN: "支付页面卡住时请先刷新订单，不要重复支付。",
                en: "When the payment page hangs, refresh the order before paying again."
            )
        case .changedMind:
            LocalizedText(
                zhCN: "商家接单前可以直接取消订单，全额退款。",
                en: "Until the shop accepts, you can cancel the order and get everything back."
            )
        case .other:
            LocalizedText(zhCN: "描述越具体，处理越快。", en: "The more precisely you describe it, the faster it is settled.")
        }
    }

    /// Whether it can be said of single lines.
    var concernsLines: Bool {
        switch self {
        case .duplicateCharge: false
        case .late, .notDelivered, .takenByOther, .missingItem, .wrongItem, .damaged, .spilled, .quality,
            .foreignObject,
            .illness, .notAsDescribed, .changedMind, .other:
            true
        }
    }
}
