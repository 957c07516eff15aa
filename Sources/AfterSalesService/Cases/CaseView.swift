import Model
import ServiceKit

/// How cases look in answers, to whom: customers and merchants see that staff acted, not which of them.
struct CaseView: Sendable {
    /// Who looks.
    let viewer: Principal

    /// A case with all that is shown of it.
    func full(_ file: CaseFile) -> JSON {
        var object = summaryObject(file.subject)
        object["items"] = .array(file.items.map(item))
        object["decision"] = file.decision.map(decision) ?? .null
        object["refund"] = file.refunds.last.map(refund) ?? .null
        object["refunds"] = .array(file.refunds.map(refund))
        object["progress"] = .array(file.progress.map(\.json))
        return .object(object)
    }

    /// A case in a list.
    func summary(_ subject: AfterSalesCase) -> JSON {
        .object(summaryObject(subject))
    }

    private func summaryObject(_ subject: AfterSalesCase) -> JSONObject {
        [
            "id": .string(subject.id.description),
            "order_id": .string(subject.orderID.description),
            "external_id": .optional(subject.externalID),
            "kind": .string(subject.kind.rawValue),
            "reason": .string(subject.reason.rawValue),
            "status": .string(subject.status.rawValue),
            "version": .integer(subject.version),
            "customer_id": .string(subject.customerID),
            "merchant_id": .string(subject.merchantID),
            "opened_by": .string(name(subject.openedBy)),
            "system": .bool(subject.isSystem),
            "source": .string(subject.source),
            "whole_order": .bool(subject.asksWholeOrder),
            "description": .optional(subject.description),
            "requested_fen": .integer(subject.requested.fen),
            "approved_fen": .optional(subject.approved?.fen),
            "verdict": .optional(subject.verdict?.rawValue),
            "handler": .optional(viewer.isStaff ? subject.handler : subject.handler.map { _ in "desk" }),
            "attached_to": .optional(subject.attachedTo?.description),
            "policy_version": .integer(Int64(subject.policyVersion)),
            "urged": .integer(Int64(subject.urged)),
            "opened_at": .string(subject.openedAt.rfc3339),
            "updated_at": .string(subject.updatedAt.rfc3339),
            "review_due_at": .string(subject.reviewDueAt.rfc3339),
            "decision_due_at": .string(subject.decisionDueAt.rfc3339),
            "priority_at": .string(subject.priorityAt.rfc3339),
            "claimed_at": .optional(subject.claimedAt?.rfc3339),
            "decided_at": .optional(subject.decidedAt?.rfc3339),
            "resolved_at": .optional(subject.resolvedAt?.rfc3339),
            "closed_at": .optional(subject.closedAt?.rfc3339),
        ]
    }

    private func item(_ item: CaseItem) -> JSON {
        [
            "item": .string(item.item.description),
            "quantity": .integer(Int64(item.units.count)),
            "asked_fen": .integer(item.asked.fen),
            "granted_fen": .optional(item.granted?.fen),
        ]
    }

    private func decision(_ decision: DecisionSummary) -> JSON {
        [
            "verdict": .string(decision.verdict.rawValue),
            "reasons": decision.reasons,
            "policy_version": .integer(Int64(decision.policyVersion)),
            "decided_by": .string(name(decision.decidedBy)),
            "decided_at": .string(decision.decidedAt.rfc3339),
        ]
    }

    private func refund(_ refund: Refund) -> JSON {
        [
            "id": .string(refund.id.description),
            "status": .string(refund.status.rawValue),
            "amount_fen": .integer(refund.amount.fen),
        ]
    }

    /// A decision with every rule that was tried, as a customer may demand it (and the law has it).
    ///
    /// How much rules may pay out before the brake grips, since when they count, and what speaks against deciding by rule, is the
    /// staff's to know.
    func explanation(_ record: DecisionRecord) -> JSON {
        [
            "number": .integer(Int64(record.number)),
            "verdict": .string(record.verdict.rawValue),
            "reasons": record.reasons,
            "decided_by": .string(name(record.decidedBy)),
            "decided_at": .string(record.decidedAt.rfc3339),
            "policy_version": .integer(Int64(record.policyVersion)),
            "inputs": DecisionInputs.shown(record.inputs, to: viewer),
            "rules": .array((record.rules.array ?? []).map(rule)),
            "amounts": record.amounts,
        ]
    }

    private func rule(_ tried: JSON) -> JSON {
        guard !viewer.isStaff, var object = tried.object, let name = object["rule"]?.string,
            name == BrakeCharge.ruleName || name == Rule.lowRisk.name
        else { return tried }
        object["inputs"] = [:]
        return .object(object)
    }

    /// A line of a timeline.
    ///
    /// Staff's notes to each other stay among staff. Where words were erased, their digest alone says that there were some.
    func timeline(_ entry: TimelineEntry) -> JSON {
        var detail = entry.detail.object ?? [:]
        if !viewer.isStaff {
            detail["handler"] = nil
            detail[CaseWords.Field.note.rawValue] = nil
            detail[CaseWords.digestMember] = nil
        }
        return [
            "type": .string(entry.type),
            "status": .string(entry.status),
            "refund_id": .optional(entry.refund?.description),
            "actor": .string(name(entry.actor)),
            "at": .string(entry.at.rfc3339),
            "detail": .object(detail),
        ]
    }

    private func name(_ actor: Actor) -> String {
        guard !viewer.isStaff else { return actor.description }
        return switch actor.role {
        case .agent, .supervisor, .admin, .platform: actor.role.rawValue
        case .customer: viewer.actor == actor ? actor.description : actor.role.rawValue
        case .merchant, .rider, .system: actor.description
        }
    }
}
