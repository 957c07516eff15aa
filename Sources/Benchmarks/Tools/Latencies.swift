import Synchronization

/// Collects when things began and ended, from any task.
final class Latencies<Key: Hashable & Sendable>: Sendable {
    private struct State {
        var begun: [Key: ContinuousClock.Instant] = [:]
        var samples: [Duration] = []
    }

    private let state = Mutex(State())

    /// Marks the beginning.
    func begin(_ key: Key) {
        let now = ContinuousClock.now
        state.withLock { $0.begun[key] = now }
    }

    /// Marks the end; one whose beginning is not marked yet counts as immediate.
    func end(_ key: Key) {
        let now = ContinuousClock.now
        state.withLock { state in
            state.samples.append(state.begun.removeValue(forKey: key).map { now - $0 } ?? .zero)
        }
    }

    /// How many have ended.
    var count: Int { state.withLock { $0.samples.count } }

    /// What was collected.
    var percentiles: Percentiles { Percentiles(state.withLock { $0.samples }) }
}

/// Runs `body` at a steady rate for so long, each start on its own tick whatever the last one took.
func steadily(
    perSecond rate: Int,
    seconds: Int,
    _ body: @escaping @Sendable (Int) async throws -> Void
) async throws {
    let start = ContinuousClock.now
    try await withThrowingDiscardingTaskGroup { group in
        for index in 0..<rate * seconds {
            try await Task.sleep(until: start + .nanoseconds(1_000_000_000 / rate * index), clock: .continuous)
            group.addTask { try await body(index) }
        }
    }
}
