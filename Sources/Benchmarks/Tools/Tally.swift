import Synchronization

/// Counts from any task.
final class Tally: Sendable {
    private let counted = Mutex(0)

    /// Counts so many more.
    func add(_ more: Int = 1) { counted.withLock { $0 += more } }

    /// What was counted.
    var count: Int { counted.withLock(\.self) }
}
