/// A dictionary that holds a bounded number of entries and drops those used longest ago.
struct LeastRecentlyUsed<Key: Hashable, Value> {
    private struct Entry {
        var value: Value
        var usedAt: UInt64
    }

    private var entries: [Key: Entry] = [:]
    private var uses: UInt64 = 0
    private let capacity: Int

    /// An empty one.
    ///
    /// - Parameter capacity: the most entries, at least 4.
    init(capacity: Int) {
        self.capacity = max(4, capacity)
    }

    var count: Int { entries.count }

    /// Looking at an entry counts as using it; setting nil drops it.
    subscript(key: Key) -> Value? {
        mutating get {
            guard let index = entries.index(forKey: key) else { return nil }
            uses += 1
            entries.values[index].usedAt = uses
            return entries.values[index].value
        }
        set {
            guard let newValue else {
                entries[key] = nil
                return
            }
            uses += 1
            entries[key] = Entry(value: newValue, usedAt: uses)
            if entries.count > capacity { evict() }
        }
    }

    mutating func removeAll() {
        entries.removeAll()
    }

    /// Drops a quarter at once, so that the sorting is paid for seldom.
    private mutating func evict() {
        let kept = capacity - capacity / 4
        let cut = entries.values.map(\.usedAt).sorted()[entries.count - kept]
        entries = entries.filter { $0.value.usedAt >= cut }
    }
}
