import DequeModule

/// Members waiting for a batch, and what is being executed: the coalescer's rules, without its waiting and its work.
struct BatchQueue<Member: Sendable>: Sendable {
    /// A member with the number that its caller knows it by.
    struct Entry: Sendable {
        let number: UInt64
        let member: Member
        let subject: BatchSubject?
    }

    private let limit: Int
    private let batchesAtOnce: Int
    private let waitingLimit: Int
    private var waiting = Deque<Entry>()
    private var running = 0
    private var subjectsRunning: Set<BatchSubject> = []

    init(limit: Int, batchesAtOnce: Int, waitingLimit: Int) {
        self.limit = max(1, limit)
        self.batchesAtOnce = max(1, batchesAtOnce)
        self.waitingLimit = max(1, waitingLimit)
    }

    /// How many members wait.
    var waitingCount: Int { waiting.count }

    /// Lets a member wait; false when there are too many.
    mutating func append(_ entry: Entry) -> Bool {
        guard waiting.count < waitingLimit else { return false }
        waiting.append(entry)
        return true
    }

    /// Forgets a member that has not begun.
    mutating func withdraw(_ number: UInt64) {
        waiting.removeAll { $0.number == number }
    }

    /// The next batch to execute: in order of arrival, one member for each subject; nil when none can begin.
    mutating func begin() -> [Entry]? {
        guard running < batchesAtOnce, !waiting.isEmpty else { return nil }
        var batch: [Entry] = []
        var later = Deque<Entry>()
        while batch.count < limit, let entry = waiting.popFirst() {
            if let subject = entry.subject, !subjectsRunning.insert(subject).inserted {
                later.append(entry)
            } else {
                batch.append(entry)
            }
        }
        later.append(contentsOf: waiting)
        waiting = later
        guard !batch.isEmpty else { return nil }
        running += 1
        return batch
    }

    /// Ends a batch, whatever became of it.
    mutating func end(_ batch: [Entry]) {
        running -= 1
        for entry in batch {
            if let subject = entry.subject { subjectsRunning.remove(subject) }
        }
    }
}

/// What a member is about, whatever type it has.
///
/// `@unchecked Sendable`: `AnyHashable` is not, for it may hold anything; here it is made of a sendable value only and never changed.
struct BatchSubject: Hashable, @unchecked Sendable {
    private let value: AnyHashable

    init(_ value: any Hashable & Sendable) {
        self.value = AnyHashable(value)
    }
}
