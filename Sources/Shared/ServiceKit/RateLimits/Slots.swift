import Synchronization

/// Counts what this process has in hand that takes long, and for whom, so that nobody takes the room of others.
public final class Slots: Sendable {
    /// There is no room for one more.
    public enum Refusal: Error, Hashable {
        /// The owner has as many as it may have.
        case tooManyOfOwner(limit: Int)
        /// The process has as many as it can have.
        case full
    }

    private struct State {
        var owners: [String: Int] = [:]
        var taken = 0
    }

    private let perOwner: Int
    private let total: Int
    private let state = Mutex(State())

    /// Room for so many of each owner, and of all together.
    public init(perOwner: Int, total: Int) {
        self.perOwner = perOwner
        self.total = total
    }

    /// Takes a slot, to be given back once.
    public func take(for owner: String) throws(Refusal) {
        let refusal = state.withLock { state -> Refusal? in
            guard state.owners[owner, default: 0] < perOwner else { return .tooManyOfOwner(limit: perOwner) }
            guard state.taken < total else { return .full }
            state.owners[owner, default: 0] += 1
            state.taken += 1
            return nil
        }
        if let refusal { throw refusal }
    }

    /// Gives a slot back.
    public func giveBack(of owner: String) {
        state.withLock { state in
            state.taken -= 1
            let left = state.owners[owner, default: 1] - 1
            state.owners[owner] = left > 0 ? left : nil
        }
    }
}
