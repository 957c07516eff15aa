import DequeModule

/// What a pool decides: who gets which connection, when one is opened or closed, who waits and for how long.
///
/// It is pure: it is told what happened and when, and answers with what to do.
struct PoolStateMachine {
    /// What a connection is doing.
    enum Occupation: Equatable {
        /// Being connected. Can become `idle`, `leased` or `closing`, or vanish when connecting fails.
        case opening
        /// Free since then. Can become `leased` or `closing`.
        case idle(since: MonotonicTime)
        /// In somebody's hands. Can become `idle`, `leased` by the next, or `closing`.
        case leased
        /// Being closed. Vanishes.
        case closing
    }

    /// What a caller who asks for a connection gets.
    enum Acquisition: Equatable {
        case lease(Int, idleSince: MonotonicTime)
        case wait(open: [Int])
        case refuse(PoolRefusal)
    }

    /// What becomes of a connection that was opened or given back.
    enum Placement: Equatable {
        case lease(to: UInt64)
        case keep
        case close
    }

    /// What is due at some time.
    struct Due: Equatable {
        var expired: [UInt64] = []
        var refusal = PoolRefusal.closed
        var open: [Int] = []
        var close: [Int] = []
    }

    private struct Slot {
        var occupation: Occupation
        var retireAt = MonotonicTime.distantFuture
    }

    private struct Waiter {
        let number: UInt64
        let deadline: MonotonicTime
    }

    private struct Outage {
        let since: MonotonicTime
        var failures: Int
        var reopenAt: MonotonicTime
    }

    let configuration: PoolConfiguration
    private var slots: [Int: Slot] = [:]
    /// The free connections; the most recently used one last, and taken first, so that the others can age and close.
    private var idle: [Int] = []
    private var waiters: Deque<Waiter> = []
    private var openingCount = 0
    private var leasedCount = 0
    private var nextID = 0
    private var outage: Outage?
    private var isClosed = false

    init(_ configuration: PoolConfiguration) {
        self.configuration = configuration
    }

    var usage: PoolUsage {
        PoolUsage(open: slots.count, inUse: leasedCount, waiting: waiters.count)
    }

    /// Whether a pool that was shut down has nothing left to close.
    var isDrained: Bool { isClosed && slots.isEmpty }

    /// When something is due next, if nothing happens before.
    var nextDeadline: MonotonicTime {
        var next = waiters.first?.deadline ?? .distantFuture
        if let outage, !waiters.isEmpty { next = min(next, outage.reopenAt) }
        for id in idle {
            guard let slot = slots[id], case .idle(let since) = slot.occupation else { continue }
            next = min(next, since + configuration.idleTimeout, slot.retireAt)
        }
        return next
    }

    // MARK: Callers

    /// Gives a caller a connection that lies idle, if there is one.
    mutating func takeIdle() -> (id: Int, since: MonotonicTime)? {
        guard let id = idle.popLast(), let slot = slots[id], case .idle(let since) = slot.occupation else { return nil }
        slots[id]?.occupation = .leased
        leasedCount += 1
        return (id, since)
    }

    /// A caller wants a connection, and waits for one if need be.
    mutating func acquire(_ number: UInt64, now: MonotonicTime) -> Acquisition {
        if isClosed { return .refuse(.closed) }
        if let (id, since) = takeIdle() { return .lease(id, idleSince: since) }
        if waiters.count >= configuration.maximumWaiting { return .refuse(.exhausted(configuration.waitTimeout)) }
        if let outage, leasedCount == 0, now < outage.reopenAt, outage.since + configuration.waitTimeout <= now {
            // It has been down for longer than anybody would wait: waiting helps neither the caller nor the server.
            return .refuse(.unreachable(outage.reopenAt.timeLeft(from: now)))
        }
        waiters.append(Waiter(number: number, deadline: now + configuration.waitTimeout))
        return .wait(open: openings(now))
    }

    /// A waiting caller no longer wants one; false when it has got one, or an error, already.
    mutating func abandon(_ number: UInt64) -> Bool {
        guard let index = waiters.firstIndex(where: { $0.number == number }) else { return false }
        waiters.remove(at: index)
        return true
    }

    // MARK: Connections

    /// A connection was opened; it lives until `retireAt`.
    mutating func opened(_ id: Int, retireAt: MonotonicTime, now: MonotonicTime) -> Placement {
        openingCount -= 1
        outage = nil
        slots[id]?.retireAt = retireAt
        return place(id, now: now)
    }

    /// A connection could not be opened; `jitter` scales the time until the next attempt.
    mutating func failed(_ id: Int, jitter: Double, now: MonotonicTime) {
        openingCount -= 1
        slots[id] = nil
        let failures = (outage?.failures ?? 0) + 1
        let doubled = configuration.backoff * (1 << min(failures - 1, 16))
        let pause = min(doubled, configuration.maximumBackoff) * jitter
        outage = Outage(since: outage?.since ?? now, failures: failures, reopenAt: now + pause)
    }

    /// A connection was given back.
    mutating func released(_ id: Int, isReusable: Bool, now: MonotonicTime) -> Placement {
        leasedCount -= 1
        guard isReusable, let slot = slots[id], now < slot.retireAt else {
            slots[id]?.occupation = .closing
            return .close
        }
        return place(id, now: now)
    }

    /// A connection was closed, which may make room for another.
    ///
    /// - Returns: the connections to open.
    mutating func closed(_ id: Int, now: MonotonicTime) -> [Int] {
        slots[id] = nil
        return isClosed ? [] : openings(now)
    }

    // MARK: Time and end

    /// What is due by now.
    mutating func due(_ now: MonotonicTime) -> Due {
        var due = Due()
        due.refusal =
            outage.map { .unreachable($0.reopenAt.timeLeft(from: now)) } ?? .exhausted(configuration.waitTimeout)
        while let first = waiters.first, first.deadline <= now {
            waiters.removeFirst()
            due.expired.append(first.number)
        }
        if !isClosed { due.open = openings(now) }
        for id in idle {
            guard let slot = slots[id], case .idle(let since) = slot.occupation else { continue }
            if since + configuration.idleTimeout <= now || slot.retireAt <= now { due.close.append(id) }
        }
        for id in due.close { slots[id]?.occupation = .closing }
        idle.removeAll { due.close.contains($0) }
        return due
    }

    /// Nobody gets a connection any more.
    ///
    /// - Returns: who waits in vain, and which connections to close now; the others follow when they are given back.
    mutating func shutDown() -> (waiters: [UInt64], close: [Int]) {
        isClosed = true
        defer {
            waiters = []
            idle = []
        }
        for id in idle { slots[id]?.occupation = .closing }
        return (waiters.map(\.number), idle)
    }

    private mutating func place(_ id: Int, now: MonotonicTime) -> Placement {
        if isClosed {
            slots[id]?.occupation = .closing
            return .close
        }
        if let waiter = waiters.popFirst() {
            slots[id]?.occupation = .leased
            leasedCount += 1
            return .lease(to: waiter.number)
        }
        slots[id]?.occupation = .idle(since: now)
        idle.append(id)
        return .keep
    }

    /// The connections to open for those who wait: one for each, as far as there is room; one by one while it fails.
    private mutating func openings(_ now: MonotonicTime) -> [Int] {
        var limit = waiters.count
        if let outage { limit = now < outage.reopenAt ? 0 : min(limit, 1) }
        var ids: [Int] = []
        while openingCount < limit, slots.count < configuration.size {
            slots[nextID] = Slot(occupation: .opening)
            ids.append(nextID)
            nextID += 1
            openingCount += 1
        }
        return ids
    }
}

/// Why a caller gets no connection.
enum PoolRefusal: Equatable {
    case closed
    case exhausted(Duration)
    case unreachable(Duration)
}
