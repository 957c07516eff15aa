import Synchronization

/// Counts how often something ran, on whatever thread.
final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    /// How often so far.
    var count: Int { value.load(ordering: .sequentiallyConsistent) }

    /// Counts one more, and says how many that makes.
    @discardableResult
    func increment() -> Int {
        value.add(1, ordering: .sequentiallyConsistent).newValue
    }
}
