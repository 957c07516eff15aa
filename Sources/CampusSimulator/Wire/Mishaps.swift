import Synchronization

/// What went wrong on the wire, for the reckoning at the end.
final class Mishaps: Sendable {
    private struct State {
        var unexpected: [String] = []
        var repeats = 0
    }

    private let state = Mutex(State())

    /// Answers that no story calls for; any of them spoils the reckoning.
    var unexpected: [String] { state.withLock(\.unexpected) }
    /// How often a request had to be sent again because a service was away.
    var repeats: Int { state.withLock(\.repeats) }

    /// Notes an answer that no story calls for.
    func note(_ answer: UnexpectedAnswer) {
        state.withLock { $0.unexpected.append(answer.description) }
    }

    /// Notes anything else that should not be.
    func note(_ description: String) {
        state.withLock { $0.unexpected.append(description) }
    }

    /// Notes one more attempt at a request.
    func noteRepeat() {
        state.withLock { $0.repeats += 1 }
    }
}
