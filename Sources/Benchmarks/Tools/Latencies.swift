import Synchronization

/// Collects when things began and ended, from any task.
final class Latencies<Key: Hashable & Sendable>: Sendable {
    private struct State {
        var begun: [Key: ContinuousClock.Instant] = [:]
        var samples: [Duration] = []
        var unmatched = 0
    }

    private let state = Mutex(State())

    /// Marks the beginning: now, or when it was due, so that what it waited for before it could begin counts too.
    func begin(_ key: Key, at instant: ContinuousClock.Instant = .now) {
        state.withLock { $0.begun[key] = instant }
    }

    /// Marks the end; one that never began, or has ended before, is no sample but a fault.
    func end(_ key: Key) {
        let now = ContinuousClock.now
        state.withLock { state in
            if let begun = state.begun.removeValue(forKey: key) {
                state.samples.append(now - begun)
            } else {
                state.unmatched += 1
            }
        }
    }

    /// How many have ended.
    var count: Int { state.withLock { $0.samples.count } }

    /// How many ends had no beginning.
    var unmatched: Int { state.withLock { $0.unmatched } }

    /// What was collected.
    var percentiles: Percentiles { Percentiles(state.withLock { $0.samples }) }
}
