import Model

/// What happens to a refund.
enum RefundStep: Hashable, Sendable {
    /// It is about to be handed to the channel.
    case submit
    /// The channel's answer was lost, or it said no more; whether the money moved is not known.
    case loseAnswer
    /// The channel was asked and says where it stands.
    case report(ChannelReport)
    /// A person gives it up, after the channel said that it knows of none.
    case void

    /// Its name, as refusals give it.
    var name: RefundStepName {
        switch self {
        case .submit: .submit
        case .loseAnswer: .loseAnswer
        case .report: .report
        case .void: .void
        }
    }
}

extension RefundStep {
    /// Whether it may be the refund's last, with which its money moves and its case goes on.
    var mayEnd: Bool {
        switch self {
        case .void, .report(.succeeded), .report(.closed): true
        case .submit, .loseAnswer, .report(.processing), .report(.failed), .report(.abnormal): false
        }
    }
}

/// The name of what happens to a refund.
enum RefundStepName: String, CaseIterable, Hashable, Sendable {
    case submit
    case loseAnswer = "lose_answer"
    case report
    case void
}

/// What a channel says of a refund that it knows.
enum ChannelReport: Hashable, Sendable {
    /// It was taken on and is not yet through.
    case processing(channelRefundID: String?)
    /// The money is back.
    case succeeded(channelRefundID: String?)
    /// It was refused; no money moved.
    case failed(code: String)
    /// It was taken on and cannot be paid out, because the card or account is gone.
    case abnormal(code: String)
    /// It was closed: the number is spent and no money moves under it.
    case closed(code: String)
}

/// A refund is not in a state in which the step means something.
struct RefundRefusal: Error, Hashable {
    /// What was to happen.
    let step: RefundStepName
    /// Where the refund stands.
    let status: RefundStatus

    /// What could happen instead.
    var allowed: [RefundStepName] {
        RefundStepName.allCases.filter { status.allows($0) }
    }
}

extension RefundStatus {
    /// Whether that can happen to a refund that stands here.
    func allows(_ step: RefundStepName) -> Bool {
        switch (step, self) {
        case (.submit, .created), (.submit, .failed), (.submit, .unknown), (.submit, .submitting): true
        case (.submit, .processing), (.submit, .abnormal), (.submit, .succeeded), (.submit, .closed): false
        case (.loseAnswer, .submitting), (.loseAnswer, .processing): true
        case (.loseAnswer, .created), (.loseAnswer, .succeeded), (.loseAnswer, .failed), (.loseAnswer, .abnormal),
            (.loseAnswer, .unknown), (.loseAnswer, .closed):
            false
        case (.report, .submitting), (.report, .processing), (.report, .unknown), (.report, .failed),
            (.report, .abnormal):
            true
        case (.report, .created), (.report, .succeeded), (.report, .closed): false
        case (.void, .created), (.void, .failed), (.void, .unknown): true
        case (.void, .submitting), (.void, .processing), (.void, .abnormal), (.void, .succeeded), (.void, .closed):
            false
        }
    }

    /// Whether nothing more will happen to it.
    var isFinal: Bool {
        switch self {
        case .succeeded, .closed: true
        case .created, .submitting, .processing, .failed, .abnormal, .unknown: false
        }
    }

    /// Whether it was sent, and what became of it is not known.
    var isUncertain: Bool {
        switch self {
        case .submitting, .unknown: true
        case .created, .processing, .succeeded, .failed, .abnormal, .closed: false
        }
    }

    /// Whether a person has to do something about it before it can be paid.
    var needsPerson: Bool {
        switch self {
        case .failed, .abnormal: true
        case .created, .submitting, .processing, .succeeded, .unknown, .closed: false
        }
    }
}

/// What a step means for the money that was reserved; the database moves it with the refund's row.
enum ReservationEffect: Hashable, Sendable {
    /// It stays reserved.
    case keeps
    /// It is back with the customer.
    case settles
    /// It can be promised again.
    case releases
}

extension Refund {
    /// The refund after `step`, and what it means for its reservation.
    ///
    /// A report that says what is known already changes nothing and counts as no change.
    func applying(_ step: RefundStep, at now: Timestamp) throws(RefundRefusal) -> (Refund, ReservationEffect) {
        guard status.allows(step.name) else { throw RefundRefusal(step: step.name, status: status) }
        var next = self
        switch step {
        case .submit:
            next.status = .submitting
            next.submittedAt = now
            next.code = nil
        case .loseAnswer:
            next.status = .unknown
        case .report(.processing(let number)):
            next.status = .processing
            next.channelRefundID = number ?? channelRefundID
        case .report(.succeeded(let number)):
            next.status = .succeeded
            next.channelRefundID = number ?? channelRefundID
            next.settledAt = now
            next.code = nil
        case .report(.failed(let code)):
            next.status = .failed
            next.code = code
        case .report(.abnormal(let code)):
            next.status = .abnormal
            next.code = code
        case .report(.closed(let code)):
            next.status = .closed
            next.code = code
            next.settledAt = now
        case .void:
            next.status = .closed
            next.code = "VOIDED"
            next.settledAt = now
        }
        guard next != self else { return (self, .keeps) }
        next.version += 1
        next.updatedAt = now
        return (next, next.reservationEffect)
    }

    /// What its status means for its reservation; asked right after a change.
    private var reservationEffect: ReservationEffect {
        switch status {
        case .created, .submitting, .processing, .failed, .abnormal, .unknown: .keeps
        case .succeeded: .settles
        case .closed: .releases
        }
    }

    /// Whether it may be handed to its channel without asking first what became of it: nothing moves of it now.
    ///
    /// The platform that says no more of one can only be asked by asking for it again, under its one number.
    var canBeSubmitted: Bool {
        switch status {
        case .created, .failed: true
        case .unknown: isPaidByPlatform
        case .submitting, .processing, .succeeded, .abnormal, .closed: false
        }
    }

    /// What to tell of it now; nil for what concerns nobody outside.
    var change: RefundChange? {
        switch status {
        case .created: .created
        case .submitting: isPaidByPlatform ? .requested(request) : nil
        case .processing: .processing
        case .succeeded: .succeeded
        case .failed: .failed(code: code ?? "")
        case .abnormal: .abnormal(code: code ?? "")
        case .unknown: .unknown
        case .closed: .closed
        }
    }
}
