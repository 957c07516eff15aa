import Testing

@testable import Postgres

@Suite("The pool's decisions")
struct PoolStateMachineTests {
    private let limits = PoolConfiguration(
        size: 2,
        waitTimeout: .seconds(1),
        maximumWaiting: 3,
        idleTimeout: .seconds(60),
        backoff: .milliseconds(100),
        maximumBackoff: .milliseconds(400)
    )
    private let start = MonotonicTime(nanoseconds: 1_000_000_000_000)

    private func machine(open count: Int) -> Decisions {
        let machine = Decisions(limits)
        for number in 0..<count { _ = machine.acquire(UInt64(number), now: start) }
        for id in 0..<count { _ = machine.opened(id, retireAt: .distantFuture, now: start) }
        for id in 0..<count { _ = machine.released(id, isReusable: true, now: start) }
        return machine
    }

    @Test("A connection is opened only when somebody wants one, and goes to who waits")
    func opensLazily() {
        let machine = Decisions(limits)
        #expect(machine.usage == PoolUsage(open: 0, inUse: 0, waiting: 0))
        #expect(machine.acquire(1, now: start) == .wait(open: [0]))
        #expect(machine.usage == PoolUsage(open: 1, inUse: 0, waiting: 1))
        #expect(machine.opened(0, retireAt: .distantFuture, now: start) == .lease(to: 1))
        #expect(machine.usage == PoolUsage(open: 1, inUse: 1, waiting: 0))
        #expect(machine.released(0, isReusable: true, now: start) == .keep)
        #expect(machine.acquire(2, now: start) == .lease(0, idleSince: start))
    }

    @Test("No more than `size` connections are opened, and those who wait are served in turn")
    func servesInTurn() {
        let machine = Decisions(limits)
        #expect(machine.acquire(1, now: start) == .wait(open: [0]))
        #expect(machine.acquire(2, now: start) == .wait(open: [1]))
        #expect(machine.acquire(3, now: start) == .wait(open: []))
        #expect(machine.opened(1, retireAt: .distantFuture, now: start) == .lease(to: 1))
        #expect(machine.opened(0, retireAt: .distantFuture, now: start) == .lease(to: 2))
        #expect(machine.released(0, isReusable: true, now: start) == .lease(to: 3))
    }

    @Test("The most recently used connection is lent first, so that the others can age")
    func lendsTheWarmest() {
        let machine = machine(open: 2)
        #expect(machine.takeIdle()?.id == 1)
        #expect(machine.takeIdle()?.id == 0)
        #expect(machine.takeIdle() == nil)
    }

    @Test("Who waits too long is refused, once, and not before")
    func expiresWaiters() {
        let machine = machine(open: 2)
        _ = machine.takeIdle()
        _ = machine.takeIdle()
        #expect(machine.acquire(7, now: start) == .wait(open: []))
        #expect(machine.nextDeadline == start + .seconds(1))
        #expect(machine.due(start + .milliseconds(999)).expired.isEmpty)
        let due = machine.due(start + .seconds(1))
        #expect(due.expired == [7])
        #expect(due.refusal == .exhausted(.seconds(1)))
        #expect(!machine.abandon(7))
        #expect(machine.released(0, isReusable: true, now: start) == .keep)
    }

    @Test("Only so many may wait")
    func boundsWaiters() {
        let machine = Decisions(limits)
        for number in 1...3 { _ = machine.acquire(UInt64(number), now: start) }
        #expect(machine.acquire(4, now: start) == .refuse(.exhausted(.seconds(1))))
        #expect(machine.abandon(2))
        #expect(machine.acquire(5, now: start) == .wait(open: []))
    }

    @Test("Failing to connect is tried again one by one, later and later, and forgotten at the first success")
    func backsOff() {
        let machine = Decisions(limits)
        #expect(machine.acquire(1, now: start) == .wait(open: [0]))
        #expect(machine.acquire(2, now: start) == .wait(open: [1]))
        machine.failed(0, jitter: 1, now: start)
        machine.failed(1, jitter: 1, now: start)
        #expect(machine.nextDeadline == start + .milliseconds(200))
        #expect(machine.due(start + .milliseconds(199)).open.isEmpty)
        #expect(machine.due(start + .milliseconds(200)).open == [2])
        machine.failed(2, jitter: 1, now: start + .milliseconds(200))
        #expect(machine.due(start + .milliseconds(599)).open.isEmpty)
        #expect(machine.due(start + .milliseconds(600)).open == [3])
        // The longest pause is reached: it no longer doubles.
        machine.failed(3, jitter: 1, now: start + .milliseconds(600))
        #expect(machine.due(start + .milliseconds(999)).open.isEmpty)
        #expect(machine.nextDeadline == start + .milliseconds(1000))
        let due = machine.due(start + .milliseconds(1000))
        #expect(due.expired == [1, 2])
        #expect(machine.acquire(3, now: start + .milliseconds(1000)) == .wait(open: [4]))
        #expect(machine.opened(4, retireAt: .distantFuture, now: start) == .lease(to: 3))
        // From now on there is no outage: two who want a connection get two.
        #expect(machine.acquire(8, now: start) == .wait(open: [5]))
    }

    @Test("In an outage longer than anybody waits, callers are refused at once, and one of them tries again")
    func refusesWhileUnreachable() {
        let machine = Decisions(limits)
        _ = machine.acquire(1, now: start)
        machine.failed(0, jitter: 1, now: start)
        #expect(machine.acquire(2, now: start + .milliseconds(50)) == .wait(open: []))
        let later = start + .seconds(1)
        #expect(machine.due(later).refusal == .unreachable(.zero))
        machine.failed(1, jitter: 1, now: later)
        #expect(machine.acquire(3, now: later + .milliseconds(50)) == .refuse(.unreachable(.milliseconds(150))))
        #expect(machine.acquire(4, now: later + .milliseconds(200)) == .wait(open: [2]))
    }

    @Test("What lies idle too long is closed, and so is what has lived long enough")
    func retires() {
        let machine = machine(open: 2)
        #expect(machine.nextDeadline == start + .seconds(60))
        let due = machine.due(start + .seconds(60))
        #expect(due.close == [0, 1])
        #expect(machine.takeIdle() == nil)
        #expect(machine.closed(0, now: start) == [])

        let other = Decisions(limits)
        _ = other.acquire(1, now: start)
        _ = other.opened(0, retireAt: start + .seconds(5), now: start)
        #expect(other.released(0, isReusable: true, now: start + .seconds(5)) == .close)
    }

    @Test("A connection that cannot be used again is closed, and another is opened in its place once it is gone")
    func replaces() {
        let machine = machine(open: 2)
        _ = machine.takeIdle()
        _ = machine.takeIdle()
        _ = machine.acquire(9, now: start)
        #expect(machine.released(0, isReusable: false, now: start) == .close)
        #expect(machine.usage == PoolUsage(open: 2, inUse: 1, waiting: 1))
        #expect(machine.closed(0, now: start) == [2])
    }

    @Test("After shutting down nobody gets a connection, and the pool is drained when the last is closed")
    func shutsDown() {
        let machine = machine(open: 2)
        _ = machine.takeIdle()
        let (waiters, close) = machine.shutDown()
        #expect(waiters.isEmpty)
        #expect(close == [0])
        #expect(machine.acquire(5, now: start) == .refuse(.closed))
        #expect(machine.closed(0, now: start) == [])
        #expect(!machine.isDrained)
        #expect(machine.released(1, isReusable: true, now: start) == .close)
        _ = machine.closed(1, now: start)
        #expect(machine.isDrained)
    }

    @Test("A connection that opens after the pool was shut down is closed")
    func closesLateComers() {
        let machine = Decisions(limits)
        _ = machine.acquire(1, now: start)
        #expect(machine.shutDown().waiters == [1])
        #expect(machine.opened(0, retireAt: .distantFuture, now: start) == .close)
    }
}

/// A state machine behind a reference, so that expectations may call what changes it.
private final class Decisions {
    private var machine: PoolStateMachine

    init(_ configuration: PoolConfiguration) {
        machine = PoolStateMachine(configuration)
    }

    var usage: PoolUsage { machine.usage }
    var nextDeadline: MonotonicTime { machine.nextDeadline }
    var isDrained: Bool { machine.isDrained }

    func takeIdle() -> (id: Int, since: MonotonicTime)? { machine.takeIdle() }

    func acquire(_ number: UInt64, now: MonotonicTime) -> PoolStateMachine.Acquisition {
        machine.acquire(number, now: now)
    }

    func abandon(_ number: UInt64) -> Bool { machine.abandon(number) }

    func opened(_ id: Int, retireAt: MonotonicTime, now: MonotonicTime) -> PoolStateMachine.Placement {
        machine.opened(id, retireAt: retireAt, now: now)
    }

    func failed(_ id: Int, jitter: Double, now: MonotonicTime) { machine.failed(id, jitter: jitter, now: now) }

    func released(_ id: Int, isReusable: Bool, now: MonotonicTime) -> PoolStateMachine.Placement {
        machine.released(id, isReusable: isReusable, now: now)
    }

    func closed(_ id: Int, now: MonotonicTime) -> [Int] { machine.closed(id, now: now) }

    func due(_ now: MonotonicTime) -> PoolStateMachine.Due { machine.due(now) }

    func shutDown() -> (waiters: [UInt64], close: [Int]) { machine.shutDown() }
}
