import Model

/// How the sandbox channel is told to misbehave: by a word anywhere in the `transaction_id` of the payment it refunds, or, where there is
/// none, by the amount of the refund.
enum SandboxMarker: String, CaseIterable, Hashable, Sendable {
    /// Refuses the first time and takes the retry on.
    case failOnce = "SANDBOX-FAIL-ONCE"
    /// Refuses every time, with the code that follows, if one does.
    case fail = "SANDBOX-FAIL"
    /// Takes the refund on, and loses its answer to the first request: the money moves.
    case loseAnswer = "SANDBOX-LOSE-ANSWER"
    /// Never sees the first request: the money does not move.
    case loseRequest = "SANDBOX-LOSE-REQUEST"
    /// Answers late.
    case slow = "SANDBOX-SLOW"
    /// Answers at once and pays later than others.
    case late = "SANDBOX-LATE"
    /// Takes the refund on and cannot pay it out.
    case abnormal = "SANDBOX-ABNORMAL"
    /// Takes the refund on and closes it without paying.
    case closed = "SANDBOX-CLOSED"

    /// What a refund's payment or amount asks for; nil when the refund is to go well.
    init?(for instruction: RefundInstruction) {
        if let named = SandboxMarker(in: instruction.payment.transactionID) {
            self = named
        } else if let priced = Self.allCases.first(where: { $0.amount == instruction.amount }) {
            self = priced
        } else {
            return nil
        }
    }

    /// The marker in that text; nil when there is none.
    init?(in transactionID: String) {
        guard let marker = Self.allCases.first(where: { transactionID.contains($0.rawValue) }) else { return nil }
        self = marker
    }

    /// The refund that asks for it without a word: an amount no canteen asks for, under the cap that a new campus has for a customer's day.
    var amount: Money {
        switch self {
        case .fail: Money(fen: 19_901)
        case .failOnce: Money(fen: 19_902)
        case .loseAnswer: Money(fen: 19_903)
        case .loseRequest: Money(fen: 19_904)
        case .slow: Money(fen: 19_905)
        case .late: Money(fen: 19_906)
        case .abnormal: Money(fen: 19_907)
        case .closed: Money(fen: 19_908)
        }
    }

    /// The code that a refusal has when the transaction does not name one.
    static let refusalCode = "SANDBOX_REFUSED"

    /// The code that the transaction asks a refusal to have: what follows `SANDBOX-FAIL=`, capital letters, digits and underscores.
    static func code(in transactionID: String) -> String {
        guard let place = transactionID.firstRange(of: "\(fail.rawValue)=") else { return refusalCode }
        let code = transactionID[place.upperBound...].prefix { character in
            character.isASCII && (character.isUppercase || character.isNumber || character == "_")
        }
        return code.isEmpty ? refusalCode : String(code.prefix(64))
    }

    /// What the first request comes to.
    var firstOutcome: SandboxOutcome {
        switch self {
        case .fail, .failOnce: .failed
        case .loseRequest: .lost
        case .loseAnswer, .slow, .late: .succeeded
        case .abnormal: .abnormal
        case .closed: .closed
        }
    }

    /// What a later request comes to, when an earlier one came to nothing.
    var laterOutcome: SandboxOutcome {
        switch self {
        case .fail: .failed
        case .failOnce, .loseAnswer, .loseRequest, .slow, .late: .succeeded
        case .abnormal: .abnormal
        case .closed: .closed
        }
    }
}

/// What a refund comes to in the sandbox channel's book.
enum SandboxOutcome: String, Hashable, Sendable {
    /// The request never arrived.
    case lost
    /// Refused.
    case failed
    /// Paid.
    case succeeded
    /// Taken on and not payable.
    case abnormal
    /// Taken on and closed.
    case closed
}
