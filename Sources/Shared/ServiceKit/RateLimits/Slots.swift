import Model
import Synchronization

/// Counts what this process has in hand that takes long, and for whom, so that nobody takes the room of others.
public final class Slots: Sendable {
    /// There is no room for one more.
    public enum Refusal: Error, Hashable {
        /// The owner has as many as it may have.
        case tooManyOfOwner(limit: Int)
        /// The owner's campus has as many as it may have, whoever in it has them.
        case tooManyInCampus(limit: Int)
        /// The process has as many as it can have.
        case full
    }

    /// Somebody of a campus: the same name in another campus is somebody else.
    private struct Owner: Hashable {
        let campus: CampusID
        let name: String
    }

    private struct State {
        var owners: [Owner: Int] = [:]
        var campuses: [CampusID: Int] = [:]
        var taken = 0
    }

    private let perOwner: Int
    private let perCampus: Int
    private let total: Int
    private let state = Mutex(State())

    /// Room for so many of each owner and of all together; a quarter, and one at least, is left to other campuses than the greediest.
    public init(perOwner: Int, total: Int) {
        self.perOwner = perOwner
        perCampus = max(1, total - max(1, total / 4))
        self.total = total
    }

    /// Takes a slot for somebody of a campus, to be given back once.
    public func take(for owner: String, in campus: CampusID) throws(Refusal) {
        let owner = Owner(campus: campus, name: owner)
        let refusal = state.withLock { state -> Refusal? in
            guard state.owners[owner, default: 0] < perOwner else { return .tooManyOfOwner(limit: perOwner) }
            guard state.taken < total else { return .full }
            guard state.campuses[campus, default: 0] < perCampus else { return .tooManyInCampus(limit: perCampus) }
            state.owners[owner, default: 0] += 1
            state.campuses[campus, default: 0] += 1
            state.taken += 1
            return nil
        }
        if let refusal { throw refusal }
    }

    /// Gives a slot back.
    public func giveBack(of owner: String, in campus: CampusID) {
        state.withLock { state in
            state.taken -= 1
            Self.decrement(&state.owners, Owner(campus: campus, name: owner))
            Self.decrement(&state.campuses, campus)
        }
    }

    private static func decrement<Key>(_ counts: inout [Key: Int], _ key: Key) {
        let left = counts[key, default: 1] - 1
        counts[key] = left > 0 ? left : nil
    }
}
