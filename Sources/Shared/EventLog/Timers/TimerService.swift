import Logging
import Model
import Postgres
import ServiceLifecycle
import Synchronization

/// Fires the timers of one service when their time has come, together with its other instances.
///
/// Each takes effect once: the handler consumes the timer in the transaction of its effect. A timer whose handler fails is tried
/// again later and keeps no other waiting; one whose handler hangs keeps its own place only.
public final class TimerService: Service {
    /// Fires a timer in a transaction of its own: locks what the timer is about, consumes the timer, and does nothing more when that
    /// finds it moot.
    public typealias Handler = @Sendable (DueTimer) async throws -> Void

    private let store: TimerStore
    private let pool: ConnectionPool
    private let ticker: Ticker?
    private let concurrency: Int
    private let lease: Duration
    private let backoff: Backoff
    private let poll: Duration
    private let logger: Logger
    private let fire: Handler
    private let wakeup = Wakeup()
    private let inHand = Mutex<Set<TimerKey>>([])
    private let isStopping = Atomic(false)

    /// Describes a service of timers.
    ///
    /// - Parameters:
    ///   - owner: the service in whose tables the timers are.
    ///   - pool: where they are looked for.
    ///   - ticker: told after each timer, because handlers append events.
    ///   - concurrency: the most handlers running at once; at least 1.
    ///   - lease: how long a timer is left to this instance; also after it has died.
    ///   - backoff: how long to wait after a handler failed.
    ///   - poll: how often to look.
    ///   - logger: where it logs.
    ///   - fire: handles a timer.
    public init(
        owner: EventStream,
        pool: ConnectionPool,
        ticker: Ticker? = nil,
        concurrency: Int = 8,
        lease: Duration = .seconds(10),
        backoff: Backoff = Backoff(first: .seconds(1), longest: .seconds(300)),
        poll: Duration = .milliseconds(250),
        logger: Logger,
        fire: @escaping Handler
    ) {
        self.store = TimerStore(owner: owner)
        self.pool = pool
        self.ticker = ticker
        self.concurrency = max(1, concurrency)
        self.lease = lease
        self.backoff = backoff
        self.poll = poll
        self.logger = logger
        self.fire = fire
    }

    /// Looks at once, for example because a test campus's clock was advanced.
    public func hint() {
        wakeup.raise()
    }

    /// Fires timers until shut down; then finishes those in hand.
    public func run() async throws {
        await withGracefulShutdownHandler {
            await withDiscardingTaskGroup { await fireUntilStopped(&$0) }
        } onGracefulShutdown: {
            self.isStopping.store(true, ordering: .relaxed)
            self.wakeup.raise()
        }
    }

    /// Takes as many as there are places, and more whenever one becomes free.
    private func fireUntilStopped(_ handlers: inout DiscardingTaskGroup) async {
        var failures = 0
        while !isStopping.load(ordering: .relaxed), !Task.isCancelled {
            let free = concurrency - inHand.withLock { $0.count }
            guard free > 0 else {
                _ = try? await wakeup.wait(atMost: poll)
                continue
            }
            do {
                let due = try await pool.autocommit { try self.store.claimDue(atMost: free, for: self.lease, in: $0) }
                failures = 0
                for timer in due.sorted(by: { $0.dueAt < $1.dueAt }) {
                    // One that hangs past its lease comes again, and is not to take a second place.
                    let isNew = inHand.withLock { $0.insert(TimerKey(timer)).inserted }
                    if isNew { handlers.addTask { await self.handle(timer) } }
                }
                if due.count == free { continue }
                _ = try? await wakeup.wait(atMost: poll)
            } catch {
                if Task.isCancelled { return }
                failures += 1
                if failures == 1 {
                    logger.report(.warning, "timer.claim_failed", "Cannot look for timers", error: error)
                }
                try? await Task.sleep(
                    for: Backoff(first: .milliseconds(50), longest: .seconds(1)).delay(after: failures)
                )
            }
        }
    }

    private func handle(_ timer: DueTimer) async {
        do {
            try await fire(timer)
            ticker?.hint()
        } catch is CancellationError {
            // Another instance takes it when the lease runs out.
        } catch {
            await putOff(timer, after: error)
        }
        _ = inHand.withLock { $0.remove(TimerKey(timer)) }
        wakeup.raise()
    }

    private func putOff(_ timer: DueTimer, after error: any Error) async {
        // That the database was not there says nothing about the timer, whose waits are not to grow by it.
        let isCounted = BatchFailure(error) != .passing
        logger.report(
            isCounted ? .error : .warning,
            "timer.failed",
            "A timer's handler failed, it is tried again",
            [
                "kind": .string(timer.kind),
                "subject_id": .string(timer.subject.description),
                "attempt": .number(timer.attempt),
            ],
            error: error
        )
        let delay = backoff.delay(after: isCounted ? timer.attempt : 1)
        try? await pool.transaction { try self.store.putOff(timer, for: delay, isCounted: isCounted, in: $0) }
    }
}

/// What tells timers apart; one that was armed anew for another time is another.
private struct TimerKey: Hashable {
    let kind: String
    let subject: AnyID
    let dueAt: Timestamp

    init(_ timer: DueTimer) {
        kind = timer.kind
        subject = timer.subject
        dueAt = timer.dueAt
    }
}
