/// What happens to one order at lunch.
enum Story: String, CaseIterable, Sendable {
    /// Placed, paid, cooked, brought, eaten.
    case fine
    /// Brought long after it was promised; the student asks for the money back, and a rule says yes.
    case late
    /// Picked up and never brought; the student asks for the money back, and a rule says yes.
    case notDelivered
    /// Paid, and the merchant never answers: the acceptance deadline cancels it.
    case neverAccepted
    /// Paid, and the student thinks better of it before the merchant accepts.
    case cancelled
    /// Paid, and the merchant says no.
    case rejected
    /// Paid twice by a double tap; the second payment goes back.
    case paidTwice
    /// Paid more than was owed; the excess goes back.
    case overpaid
    /// Cancelled before the payment was reported; all of it goes back.
    case paidLate
    /// Put in the basket and forgotten: the payment deadline cancels it.
    case neverPaid
    /// Spilled on the way; an agent returns all of it.
    case spilled
    /// Something is missing; an agent returns part of it.
    case missingItem
    /// "I changed my mind", said after eating; an agent says no.
    case changedMind

    /// How many in a hundred orders go this way.
    var share: Int {
        switch self {
        case .fine: 64
        case .late: 8
        case .notDelivered: 2
        case .neverAccepted: 4
        case .cancelled: 4
        case .rejected: 2
        case .paidTwice: 3
        case .overpaid: 1
        case .paidLate: 2
        case .neverPaid: 3
        case .spilled: 3
        case .missingItem: 2
        case .changedMind: 2
        }
    }

    /// The reason a student gives when asking for money back; nil when nobody asks.
    var reason: String? {
        switch self {
        case .late: "late"
        case .notDelivered: "not_delivered"
        case .spilled: "spilled"
        case .missingItem: "missing_item"
        case .changedMind: "changed_mind"
        case .fine, .neverAccepted, .cancelled, .rejected, .paidTwice, .overpaid, .paidLate, .neverPaid: nil
        }
    }

    /// What an agent answers when the question comes to the desk.
    ///
    /// Questions that rules answer come there too when automatic refunds are paused.
    var agentAnswer: AgentAnswer {
        switch self {
        case .missingItem: .part
        case .changedMind: .reject
        case .fine, .late, .notDelivered, .neverAccepted, .cancelled, .rejected, .paidTwice, .overpaid, .paidLate,
            .neverPaid, .spilled:
            .full
        }
    }

    /// The state the order must be in when lunch is over.
    var orderEnding: String {
        switch self {
        case .fine, .paidTwice, .overpaid: "completed"
        case .late, .spilled, .missingItem, .changedMind: "delivered"
        case .notDelivered: "picked_up"
        case .neverAccepted, .cancelled, .rejected, .paidLate, .neverPaid: "cancelled"
        }
    }

    /// Whether only the passing of a deadline ends it.
    var waitsForDeadline: Bool {
        switch self {
        case .neverAccepted, .neverPaid: true
        case .fine, .late, .notDelivered, .cancelled, .rejected, .paidTwice, .overpaid, .paidLate, .spilled,
            .missingItem, .changedMind:
            false
        }
    }

    /// Whether the payment is reported while the order waits for it.
    var isPaidInTime: Bool {
        switch self {
        case .neverPaid, .paidLate: false
        case .fine, .late, .notDelivered, .neverAccepted, .cancelled, .rejected, .paidTwice, .overpaid, .spilled,
            .missingItem, .changedMind:
            true
        }
    }

    /// What becomes of the money that was paid.
    var money: MoneyEnding {
        switch self {
        case .fine, .neverPaid: .kept
        case .neverAccepted, .cancelled, .rejected, .paidLate: .returned
        case .paidTwice, .overpaid: .excessReturned
        case .late, .notDelivered: .granted(.everything)
        case .spilled: .granted(.goods)
        case .missingItem: .granted(.part)
        case .changedMind: .granted(.nothing)
        }
    }

    /// The words for it in the table.
    var words: String {
        switch self {
        case .fine: "顺利 fine"
        case .late: "迟到 late"
        case .notDelivered: "未送达 not delivered"
        case .neverAccepted: "商家未接单 never accepted"
        case .cancelled: "学生取消 cancelled"
        case .rejected: "商家拒单 rejected"
        case .paidTwice: "重复支付 paid twice"
        case .overpaid: "多付 overpaid"
        case .paidLate: "取消后到账 paid late"
        case .neverPaid: "未支付 never paid"
        case .spilled: "洒餐 spilled"
        case .missingItem: "漏送 missing item"
        case .changedMind: "不想要了 changed mind"
        }
    }
}

/// What becomes of the money paid for one order.
enum MoneyEnding: Sendable {
    /// The merchant keeps all of it.
    case kept
    /// All of it goes back.
    case returned
    /// What was owed is kept, the rest goes back.
    case excessReturned
    /// The student asks, and what the answer grants goes back.
    case granted(Grant)
}

/// What a student who asks for a whole order is granted in the end.
enum Grant: Sendable {
    /// What the order cost: it came late or not at all.
    case everything
    /// What the order cost without its delivery, which took place.
    case goods
    /// What an agent rules.
    case part
    case nothing

    /// The verdict that says so.
    var verdict: String {
        switch self {
        case .everything, .goods: "approved"
        case .part: "partly_approved"
        case .nothing: "rejected"
        }
    }
}

/// How an agent answers a question that rules did not.
enum AgentAnswer: Sendable {
    case full
    case part
    case reject
}
