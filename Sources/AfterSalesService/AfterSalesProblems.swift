import HTTPTypes
import Model
import ServiceKit

extension ProblemKind {
    /// Cases of this kind are not taken yet.
    static let kindNotOffered = ProblemKind(
        "kind-not-offered",
        status: 422,
        title: "This kind of case is not offered yet",
        meaning: "`GET /v1/after-sales-options` lists the kinds that can be opened for an order. Nothing was done.",
        chinese: ProblemWords(
            "暂不受理此类售后",
            "`GET /v1/after-sales-options` 列出该订单可申请的类型。未执行任何操作。"
        )
    )
    /// There is nothing to give back.
    static let nothingRefundable = ProblemKind(
        "nothing-refundable",
        status: 409,
        title: "There is nothing to refund",
        meaning: """
            The order was not paid, was paid on another platform, or everything that was paid is back or on its way already. \
            `GET /v1/after-sales-options` says what is left, and lists the cases there are.
            """,
        chinese: ProblemWords(
            "没有可退的金额",
            "订单未付款、在其他平台付款，或已付金额都已退回或正在退回。`GET /v1/after-sales-options` 写明剩余金额并列出已有的售后单。"
        )
    )
    /// An open case asks for the same.
    static let caseAlreadyOpen = ProblemKind(
        "case-already-open",
        status: 409,
        title: "An open case asks for the same",
        meaning: "Only one open case may ask for an item. `case_id` names it: comment on it, urge it or withdraw it.",
        chinese: ProblemWords(
            "已有处理中的售后单申请同样内容",
            "同一项目只能有一个处理中的售后单。`case_id` 指出是哪一个：可以留言、催办或撤回。"
        )
    )
    /// Staff act on their own order.
    static let ownCase = ProblemKind(
        "own-case",
        status: 403,
        title: "Staff may not act on their own orders",
        meaning: "The order belongs to the staff member who asks. Another staff member has to take the case.",
        chinese: ProblemWords(
            "客服人员不能处理自己的订单",
            "该订单属于提出请求的客服人员本人，须由他人处理。"
        )
    )
    /// Somebody else has the case.
    static let claimedByAnother = ProblemKind(
        "claimed-by-another",
        status: 409,
        title: "Another staff member takes care of this case",
        meaning: "Read the queue again; a supervisor or the staff member who has the case can transfer it.",
        chinese: ProblemWords(
            "该售后单由另一位客服人员处理",
            "请重新读取队列；主管或当前处理人可以转交。"
        )
    )
    /// The channel is not there.
    static let channelUnavailable = ProblemKind(
        "channel-unavailable",
        status: 409,
        title: "The payment cannot be refunded through its channel here",
        meaning: """
            The order was paid through a channel that this service cannot speak to; `channels` names it. The case stays open, \
            and nothing was promised. Refund it at the channel by hand, then reject or withdraw the case with that reason.
            """,
        chinese: ProblemWords(
            "此处无法通过原支付渠道退款",
            "该订单的支付渠道本服务无法对接，`channels` 写明是哪个。售后单仍在处理中，没有作出任何承诺。请在渠道手工退款，再以该理由驳回或撤回售后单。"
        )
    )
    /// The channel does not answer.
    static let channelSilent = ProblemKind(
        "channel-silent",
        status: 503,
        title: "The payment channel does not answer",
        meaning:
            "The channel has to be asked first and cannot be at the moment. Nothing was done; repeat after `Retry-After`.",
        chinese: ProblemWords(
            "支付渠道无响应",
            "须先向支付渠道查询，而此刻查询不到。未执行任何操作；请在 `Retry-After` 之后重试。"
        )
    )
    /// The channel has the refund.
    static let refundNotVoidable = ProblemKind(
        "refund-not-voidable",
        status: 409,
        title: "The refund cannot be given up",
        meaning: """
            A refund is given up only when its channel, asked at that moment, does not know it or has closed it, and no request \
            can still be on its way. `channel_status` says what the channel answered. Read the refund again; with `Retry-After`, \
            ask again then. One that the platform pays itself (`delegated`) is given up before the platform was asked for it, or after \
            it reported `failed`: get its report first.
            """,
        chinese: ProblemWords(
            "该退款不能作废",
            """
            只有当场向渠道查询、渠道没有该退款或已关闭它，且没有仍在途中的请求时，退款才能作废。`channel_status` 是渠道的答复。请重新读取退款；\
            若有 `Retry-After`，届时再请求。由平台自行支付的退款（`delegated`）只有在尚未请平台支付，或平台已回报 `failed` 之后才能作废：请先取得平台的回报。
            """
        )
    )

    /// Every kind that this service adds to those of the edge.
    static let afterSales: [ProblemKind] = [
        .kindNotOffered, .nothingRefundable, .caseAlreadyOpen, .ownCase, .claimedByAnother, .channelUnavailable,
        .channelSilent, .refundNotVoidable, .notPaidByPlatform, .dayNotClosed,
    ]
}

extension AfterSalesRefusal {
    /// What the client is told.
    var problem: Problem {
        switch self {
        case .notFound: .notFound
        case .kindNotOffered(let kind):
            Problem(.kindNotOffered, "Cases of the kind \(kind.rawValue) are not offered yet; refund is.")
        case .orderNotPaid(let status):
            Problem(.nothingRefundable, "The order is \(status.rawValue) and was not paid.")
        case .paidElsewhere(let source):
            Problem(.nothingRefundable, "The order was paid on \(source.rawValue), which alone can refund it.")
        case .nothingLeft:
            Problem(.nothingRefundable, "Everything that was paid for this is back or on its way.")
        case .alreadyOpen(let id):
            Problem(
                .caseAlreadyOpen,
                "An open case asks for the same already.",
                members: ["case_id": .string(id.description)]
            )
        case .badAsk(let refusals): .validation(refusals.map(\.fault))
        case .caseState(let refusal):
            .illegalTransition(state: refusal.status.rawValue, allowed: refusal.allowed.map(\.rawValue))
        case .refundState(let refusal):
            .illegalTransition(state: refusal.status.rawValue, allowed: refusal.allowedToPeople)
        case .ownCase: Problem(.ownCase, "This order is the caller's own.")
        case .claimedByAnother: Problem(.claimedByAnother, "Another staff member takes care of this case.")
        case .amountsTooLarge(let amounts): .validation(amounts.map(\.fault))
        case .grantsNothing: .validation("/amounts", "grant nothing; reject the case instead")
        case .channelUnavailable(let channels):
            Problem(
                .channelUnavailable,
                "This service cannot refund through \(channels.map(\.rawValue).joined(separator: ", ")).",
                members: ["channels": .array(channels.map { .string($0.rawValue) })]
            )
        case .urgedTooSoon(let wait):
            Problem(.rateLimited, "The case was urged a moment ago.", headers: [.retryAfter: wait.retryAfter])
        case .channelSilent: Problem(.channelSilent, "The channel did not answer.", headers: [.retryAfter: "5"])
        case .channelKnowsRefund(let report):
            Problem(
                .refundNotVoidable,
                "The channel knows this refund.",
                members: ["channel_status": .string(report.status.rawValue)]
            )
        case .tooEarlyToVoid(let wait):
            Problem(
                .refundNotVoidable,
                "The last request to the channel may still be on its way.",
                members: ["channel_status": "not_found"],
                headers: [.retryAfter: wait.retryAfter]
            )
        case .platformSilent:
            Problem(
                .refundNotVoidable,
                "The platform was asked for this refund and has not reported that it failed.",
                members: ["channel_status": "unknown"]
            )
        case .notPaidByPlatform(let channel):
            Problem(.notPaidByPlatform, "It goes through \(channel.rawValue), which is asked directly.")
        case .notRequestedYet:
            Problem.illegalTransition(state: RefundStatus.created.rawValue, allowed: []).notBefore(.seconds(1))
        case .refundMoved:
            Problem(
                .refundNotVoidable,
                "The refund moved while the channel was asked.",
                members: ["channel_status": "not_found"]
            )
        }
    }
}

extension AskRefusal {
    fileprivate var fault: Fault {
        switch self {
        case .unknownLine(let index): Fault("/lines/\(index)/line_no", "is no line of this order")
        case .repeatedLine(let index): Fault("/lines/\(index)/line_no", "names a line for the second time")
        case .tooMany(let index, let left):
            Fault("/lines/\(index)/quantity", "is more than the \(left) units that can still be asked for")
        }
    }
}

extension AfterSalesRefusal.TooLarge {
    fileprivate var fault: Fault {
        Fault("/amounts/\(index)/amount_fen", "is more than the \(left.fen) fen that are left of this item")
    }
}

extension RefundRefusal {
    /// What a person could do with the refund: what its channel does is nobody's choice.
    fileprivate var allowedToPeople: [String] {
        (status.isFinal || step == .submit ? [] : ["retry"]) + (status.allows(.void) ? ["void"] : [])
    }
}

extension Problem {
    /// The same problem, with when to ask again.
    fileprivate func notBefore(_ wait: Duration) -> Problem {
        var copy = self
        copy.headers[.retryAfter] = wait.retryAfter
        return copy
    }
}

extension Duration {
    /// Whole seconds, rounded up, at least 1.
    var retryAfter: String {
        String(max(1, components.seconds + (components.attoseconds > 0 ? 1 : 0)))
    }
}

/// Runs `body` and turns what it refuses into problems.
func refusalsAsProblems<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
        return try await body()
    } catch let refusal as AfterSalesRefusal {
        throw refusal.problem
    } catch let refusal as CaseRefusal {
        throw AfterSalesRefusal.caseState(refusal).problem
    } catch let refusal as RefundRefusal {
        throw AfterSalesRefusal.refundState(refusal).problem
    }
}
