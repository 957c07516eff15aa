import Model

/// One stage of a case as its customer sees it: what, where it stands, who has it, since when, until when.
struct ProgressStage: Hashable, Sendable {
    /// Which stage.
    let stage: Stage
    /// Where it stands.
    let status: Status
    /// Who has it.
    let handler: Handler
    /// When it was reached or done.
    let at: Timestamp?
    /// When it is expected to be done, where it is not.
    let eta: Timestamp?

    /// The stages of a case.
    enum Stage: String, CaseIterable, Hashable, Sendable {
        case submitted
        case review
        case decision
        case refund
        case followUp = "follow_up"
        case withdrawn
    }

    /// Where a stage stands.
    enum Status: String, CaseIterable, Hashable, Sendable {
        /// Behind us.
        case done
        /// Under way.
        case current
        /// Ahead.
        case pending
        /// Stuck; a person looks after it.
        case attention
    }

    /// Who has it.
    enum Handler: String, CaseIterable, Hashable, Sendable {
        case customer
        case rules
        case desk
        case channel
        case system
    }
}

extension CaseFile {
    /// The stages of this case, those behind it first.
    var progress: [ProgressStage] {
        let opener: ProgressStage.Handler = subject.isSystem ? .system : .customer
        let submitted = ProgressStage(stage: .submitted, status: .done, handler: opener, at: subject.openedAt, eta: nil)
        if subject.status == .withdrawn {
            let end = ProgressStage(
                stage: .withdrawn,
                status: .done,
                handler: .customer,
                at: subject.closedAt,
                eta: nil
            )
            return [submitted, end]
        }
        var stages = [submitted]
        if needsPerson { stages.append(review) }
        stages.append(decided)
        if subject.status != .rejected, !isApprovedForNothing { stages.append(refund) }
        if subject.status != .rejected { stages.append(followUp) }
        return stages
    }

    private var needsPerson: Bool {
        subject.status.isBeforeDesk || subject.claimedAt != nil
    }

    private var isApprovedForNothing: Bool {
        subject.approved == .zero
    }

    private var review: ProgressStage {
        let isOpen = subject.status.isBeforeDesk
        let isWaiting = isOpen && subject.claimedAt == nil
        return ProgressStage(
            stage: .review,
            status: isOpen ? .current : .done,
            handler: .desk,
            at: subject.claimedAt,
            eta: isWaiting ? subject.reviewDueAt : nil
        )
    }

    private var decided: ProgressStage {
        let isOpen = subject.status.isUndecided
        return ProgressStage(
            stage: .decision,
            status: isOpen ? (needsPerson ? .pending : .current) : .done,
            handler: needsPerson ? .desk : .rules,
            at: isOpen ? nil : subject.decidedAt,
            eta: isOpen ? subject.decisionDueAt : nil
        )
    }

    private var refund: ProgressStage {
        let isStuck = refunds.contains { $0.status.needsPerson || $0.status == .unknown }
        let status: ProgressStage.Status =
            if subject.resolvedAt != nil { .done } else if subject.status != .executing { .pending } else if isStuck {
                .attention
            } else { .current }
        let start = subject.decidedAt ?? subject.decisionDueAt
        return ProgressStage(
            stage: .refund,
            status: status,
            handler: isStuck ? .desk : .channel,
            at: subject.resolvedAt,
            eta: subject.resolvedAt == nil ? start + Refund.expectedWithin : nil
        )
    }

    private var followUp: ProgressStage {
        let status: ProgressStage.Status =
            switch subject.status {
            case .closed: .done
            case .resolved: .current
            case .opened, .awaitingEvidence, .awaitingMerchant, .inReview, .awaitingConfirmation, .approved, .returning,
                .inspected, .executing, .withdrawn, .rejected, .appealed, .arbitration:
                .pending
            }
        return ProgressStage(
            stage: .followUp,
            status: status,
            handler: .system,
            at: subject.closedAt,
            eta: subject.closedAt == nil ? subject.resolvedAt.map { $0 + CaseTimer.followUpDelay } : nil
        )
    }
}

extension Refund {
    /// Within what time after its decision money is expected to be back.
    static let expectedWithin = Duration.seconds(24 * 3_600)
}

extension ProgressStage {
    /// What the customer reads of it.
    var text: LocalizedText {
        switch stage {
        case .submitted: LocalizedText(zhCN: "已提交申请", en: "Submitted")
        case .review: LocalizedText(zhCN: "客服审核", en: "Reviewed by a person")
        case .decision: LocalizedText(zhCN: "处理结果", en: "Decision")
        case .refund: LocalizedText(zhCN: "退款到账", en: "Money back")
        case .followUp: LocalizedText(zhCN: "回访结案", en: "Follow-up")
        case .withdrawn: LocalizedText(zhCN: "已撤回申请", en: "Withdrawn")
        }
    }

    /// As it is sent.
    var json: JSON {
        [
            "stage": .string(stage.rawValue),
            "status": .string(status.rawValue),
            "handler": .string(handler.rawValue),
            "text": text.json,
            "at": .optional(at?.rfc3339),
            "eta": .optional(eta?.rfc3339),
        ]
    }
}
