/// How the sandbox channel is told to misbehave: by a word anywhere in the `transaction_id` of the payment it refunds.
enum SandboxMarker: String, CaseIterable, Hashable, Sendable {
    /// Refuses the first time and takes the retry on.
    case failOnce = "SANDBOX-FAIL-ONCE"
    /// Refuses every time.
    case fail = "SANDBOX-FAIL"
    /// Takes the refund on, and loses its answer to the first request: the money moves.
    case loseAnswer = "SANDBOX-LOSE-ANSWER"
    /// Never sees the first request: the money does not move.
    case loseRequest = "SANDBOX-LOSE-REQUEST"
    /// Answers late.
    case slow = "SANDBOX-SLOW"
    /// Takes the refund on and cannot pay it out.
    case abnormal = "SANDBOX-ABNORMAL"
    /// Takes the refund on and closes it without paying.
    case closed = "SANDBOX-CLOSED"

    /// The marker in that text; nil when there is none.
    init?(in transactionID: String) {
        guard let marker = Self.allCases.first(where: { transactionID.contains($0.rawValue) }) else { return nil }
        self = marker
    }

    /// What the first request comes to.
    var firstOutcome: SandboxOutcome {
        switch self {
        case .fail, .failOnce: .failed
        case .loseRequest: .lost
        case .loseAnswer, .slow: .succeeded
        case .abnormal: .abnormal
        case .closed: .closed
        }
    }

    /// What a later request comes to, when an earlier one came to nothing.
    var laterOutcome: SandboxOutcome {
        switch self {
        case .fail: .failed
        case .failOnce, .loseAnswer, .loseRequest, .slow: .succeeded
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
