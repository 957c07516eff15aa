import Model
import ServiceKit

extension EventDescription {
    /// What is promised of a type about cases; nil for any other.
    init?(afterSales type: EventType) {
        var members: [JSONSchema.Member] = []
        let (chinese, english): (String, String)
        switch type {
        case .caseOpened: (chinese, english) = ("售后单已创建", "A case was opened")
        case .caseEvidenceRequested: (chinese, english) = Self.notSent("请顾客补充凭证", "The customer is asked for evidence")
        case .caseMerchantAsked: (chinese, english) = Self.notSent("请商家处理", "The merchant is asked")
        case .caseReviewStarted:
            (chinese, english) = (
                "客服接手、转交，或售后单重新打开", "A person took the case up, it was handed over, or it was reopened"
            )
        case .caseDecided:
            (chinese, english) = (
                "售后单已作出决定；`verdict` 为 `in_review` 时仍须人工处理",
                "A case was decided; with the verdict `in_review` a person still has to judge"
            )
            members = [
                .required("verdict", .enumeration(of: Verdict.self), "What was decided."),
                .required("reasons", .array(of: .localizedText, count: 0...100), "Why, in words for the customer."),
            ]
        case .caseOfferMade: (chinese, english) = Self.notSent("向顾客提出方案", "The customer was made an offer")
        case .caseAppealed: (chinese, english) = Self.notSent("顾客提出申诉", "The customer appealed")
        case .caseWithdrawn: (chinese, english) = ("顾客撤回售后单", "The customer took the case back")
        case .caseResolved:
            (chinese, english) = ("售后结果已执行完毕", "What was approved is done")
            members = [
                .required(
                    "returned_coupons",
                    .array(of: .string(length: 1...128), count: 0...100),
                    "Your `coupon_id`s that the customer has back."
                )
            ]
        case .caseClosed: (chinese, english) = ("售后单已关闭", "A case is closed")
        case .caseCommented:
            (chinese, english) = ("售后单有新留言，或顾客催办", "Somebody commented on a case, or its customer urged it")
        default: return nil
        }
        self.init(type.rawValue, chinese, english, Self.caseFacts + members)
    }

    /// What every event about a case says of it, as it stands after the event.
    private static let caseFacts: [JSONSchema.Member] = [
        .required("case_id", .id),
        .required("order_id", .id, "The order it is about."),
        .required("external_id", .nullable(.string(length: 1...64)), "Your own number of the order."),
        .required("kind", .enumeration(of: CaseKind.self), "What is asked for."),
        .required("reason", .enumeration(of: CaseReason.self), "Why."),
        .required("status", .enumeration(of: CaseStatus.self), "Where it stands now."),
        .required("version", .integer(1...Int64.max), "Counts the case's changes: of two events the later has more."),
        .required("customer_id", .actorID),
        .required("merchant_id", .actorID),
        .required("rider_id", .nullable(.actorID), "Who carried the order, as far as known."),
        .required("requested_fen", .fen(0...Int64.max), "What was asked for, in whole fen."),
        .required("approved_fen", .nullable(.fen(0...Int64.max)), "What was approved, once decided."),
        .required("system", .boolean, "Whether the services opened it, because money was due back."),
        .required("test", .boolean, "Whether the campus is a test campus."),
    ]
}
