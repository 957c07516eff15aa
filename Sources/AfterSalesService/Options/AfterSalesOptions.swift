import Model
import ServiceKit

/// What can be asked for about an order now, and what would come of it.
///
/// Whether rules would answer is found by trying them, so that what is promised here is what a case would get, the
/// brake aside.
struct AfterSalesOptions: Sendable {
    /// The order.
    let order: OrderRecord
    /// What is left of it.
    let book: RefundableBook
    /// What cases speak for.
    let claims: ItemClaims
    /// The cases there are.
    let cases: [AfterSalesCase]
    /// Its campus.
    let campus: Campus
    /// The channels that refunds can travel through.
    let channels: RefundChannels
    /// When it is asked.
    let now: Timestamp

    private var asking: Asking { Asking(order: order, book: book, claims: claims) }

    /// Why nothing can be asked for, given what would come of each reason; nil when something can.
    private func obstacle(_ reasons: [ReasonOption]) -> LocalizedText? {
        if order.source != .own {
            return LocalizedText(zhCN: "请在下单的平台申请退款。", en: "Ask for the refund on the platform where you ordered.")
        }
        if order.status == .placed || order.payments.isEmpty {
            return LocalizedText(zhCN: "订单尚未支付，可以直接取消。", en: "The order is not paid; you can simply cancel it.")
        }
        if !reasons.contains(where: { $0.isAvailable }) {
            return LocalizedText(zhCN: "款项已全部退回或正在退款。", en: "Everything is back or on its way.")
        }
        return nil
    }

    /// As it is sent.
    var json: JSON {
        let reasons = reasons
        let obstacle = obstacle(reasons)
        return [
            "order_id": .string(order.id.description),
            "order_status": .string(order.status.rawValue),
            "paid_fen": .integer(order.paid.fen),
            "refundable_fen": .integer(book.remaining().fen),
            "lines": .array(order.lines.map(line)),
            "fees": [fee(.delivery, order.deliveryPayable), fee(.packaging, order.packagingPayable)],
            "surplus_fen": .integer(book.remaining(.surplus).fen),
            "cases": .array(cases.map(known)),
            "notice": obstacle?.json ?? .null,
            "kinds": obstacle == nil ? [refund(reasons)] : [],
        ]
    }

    private func line(_ line: OrderLine) -> JSON {
        [
            "line_no": .integer(Int64(line.number)),
            "name": .string(line.name),
            "quantity": .integer(Int64(line.quantity)),
            "payable_fen": .integer(line.payable.fen),
            "remaining_quantity": .integer(Int64(asking.unitsLeft(of: line))),
            "refundable_fen": .integer(asking.refundable(line).fen),
        ]
    }

    private func fee(_ item: RefundItem, _ payable: Money) -> JSON {
        [
            "item": .string(item.description),
            "payable_fen": .integer(payable.fen),
            "refundable_fen": .integer(book.remaining(item).fen),
        ]
    }

    private func known(_ subject: AfterSalesCase) -> JSON {
        [
            "id": .string(subject.id.description),
            "kind": .string(subject.kind.rawValue),
            "reason": .string(subject.reason.rawValue),
            "status": .string(subject.status.rawValue),
            "system": .bool(subject.isSystem),
        ]
    }

    private func refund(_ reasons: [ReasonOption]) -> JSON {
        [
            "kind": .string(CaseKind.refund.rawValue),
            "text": LocalizedText(zhCN: "退款", en: "Refund").json,
            "reasons": .array(reasons.map(\.json)),
        ]
    }

    private var reasons: [ReasonOption] {
        let deadlines = CaseDeadlines(campus: campus, from: now)
        return CaseReason.allCases.map { option($0, deadlines) }
    }

    private func option(_ reason: CaseReason, _ deadlines: CaseDeadlines) -> ReasonOption {
        // Asking for the whole order cannot be refused: only lines that do not exist or are used up are.
        let items = (try? asking.items(.wholeOrder, reason: reason)) ?? []
        let amount = Money(fen: items.reduce(0) { $0 + $1.amount.fen })
        let paidInFull = !items.isEmpty && order.payable == .zero
        let isAvailable = amount > .zero || paidInFull || (reason == .duplicateCharge && order.surplus == .zero)
        let cause = Cause(actor: .system("options"), at: now, trace: nil)
        let subject = AfterSalesCase(
            of: order,
            kind: .refund,
            reason: reason,
            requested: amount,
            asksWholeOrder: true,
            description: nil,
            source: "options",
            isSystem: false,
            campus: campus,
            deadlines: deadlines,
            cause
        )
        let inputs = DecisionInputs(
            subject,
            of: order,
            book: book,
            refusedBefore: claims.refused(among: items.map(\.item)),
            channels: channels,
            campus: campus,
            at: now
        )
        return ReasonOption(
            reason: reason,
            isAvailable: isAvailable,
            amount: amount,
            fees: items.map(\.item).filter { $0 == .delivery || $0 == .packaging },
            isDecidedByRules: Judgement.of(inputs).verdict == .approved,
            now: now,
            deadlines: deadlines
        )
    }
}

/// A reason that can be given, with what would come of it.
private struct ReasonOption {
    let reason: CaseReason
    let isAvailable: Bool
    let amount: Money
    let fees: [RefundItem]
    let isDecidedByRules: Bool
    let now: Timestamp
    let deadlines: CaseDeadlines

    var json: JSON {
        [
            "reason": .string(reason.rawValue),
            "text": reason.text.json,
            "available": .bool(isAvailable),
            "whole_order_fen": .integer(amount.fen),
            "fees": .array(fees.map { .string($0.description) }),
            "lines_can_be_chosen": .bool(reason.concernsLines),
            "evidence": reason.evidence?.json ?? .null,
            "evidence_required": false,
            "decided_by": .string(isDecidedByRules ? "rules" : "desk"),
            "first_answer_by": .string((isDecidedByRules ? now : deadlines.reviewDueAt).rfc3339),
            "decision_by": .string((isDecidedByRules ? now : deadlines.decisionDueAt).rfc3339),
            "advice": reason.advice.json,
        ]
    }
}
