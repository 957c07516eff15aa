import Synchronization

/// Values that cost a look-up, kept for a short while and bounded in number; what was looked up in vain is kept as well.
///
/// Concurrent callers for one key share one look-up. A failed look-up is not kept: its error goes to those who waited for it.
final class ExpiringCache<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    typealias Load = @Sendable (Key) async throws -> Value

    private struct Entry {
        let value: Value
        let loadedAt: ContinuousClock.Instant
    }

    private struct State {
        var entries: LeastRecentlyUsed<Key, Entry>
        var loading: [Key: Task<Value, any Error>] = [:]
    }

    private let state: Mutex<State>
    private let lifetime: Duration
    private let load: Load

    init(lifetime: Duration, capacity: Int, load: @escaping Load) {
        self.state = Mutex(State(entries: LeastRecentlyUsed(capacity: capacity)))
        self.lifetime = lifetime
        self.load = load
    }

    /// The value, at most `lifetime` old.
    func value(for key: Key) async throws -> Value {
        // The age counts from before the look-up: what changed since then may not be in it.
        let now = ContinuousClock.now
        if let last = last(for: key, at: now), last.isFresh { return last.value }
        return try await lookUp(key, at: now).value
    }

    /// What was found the last time, and whether it is fresh enough to be given out; nil when that is forgotten.
    func last(for key: Key, at now: ContinuousClock.Instant = .now) -> (value: Value, isFresh: Bool)? {
        guard let entry = state.withLock({ $0.entries[key] }) else { return nil }
        return (entry.value, entry.loadedAt.advanced(by: lifetime) > now)
    }

    /// Forgets everything, so that the next caller looks it up anew.
    func removeAll() {
        state.withLock { $0.entries.removeAll() }
    }

    /// How many values are kept.
    var count: Int { state.withLock { $0.entries.count } }

    private func lookUp(_ key: Key, at now: ContinuousClock.Instant) -> Task<Value, any Error> {
        state.withLock { state in
            if let task = state.loading[key] { return task }
            // Not a child of the caller: whoever else waits for it must get it when this caller is cancelled.
            let task = Task {
                do {
                    let value = try await self.load(key)
                    self.finish(key, value, loadedAt: now)
                    return value
                } catch {
                    self.state.withLock { $0.loading[key] = nil }
                    throw error
                }
            }
            state.loading[key] = task
            return task
        }
    }

    private func finish(_ key: Key, _ value: Value, loadedAt: ContinuousClock.Instant) {
        state.withLock { state in
            state.loading[key] = nil
            state.entries[key] = Entry(value: value, loadedAt: loadedAt)
        }
    }
}
