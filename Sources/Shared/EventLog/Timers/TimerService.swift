import Logging
import Model
import Postgres
import ServiceLifecycle
import Synchronization

/// Fires the timers of one service when their time has come, together with its other instances.
///
/// Each takes effect once: the handler consumes the timer in the transaction of its effect. A timer whose handler fails is tried
/// again later and keeps no other waiting.
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
    private let isStopping = Atomic(false)

    /// The most timers taken at once.
    private static let batchLimit = 200

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
            await fireUntilStopped()
        } onGracefulShutdown: {
            self.isStopping.store(true, ordering: .relaxed)
            self.wakeup.raise()
        }
    }

    private func fireUntilStopped() async {
        var failures = 0
        while !isStopping.load(ordering: .relaxed), !Task.isCancelled {
            do {
                let due = try await pool.transaction { session in
                    try self.store.claimDue(atMost: Self.batchLimit, for: self.lease, in: session)
                }
                failures = 0
                await handle(due.sorted { $0.dueAt < $1.dueAt })
                if due.count == Self.batchLimit { continue }
                _ = try? await wakeup.wait(atMost: poll)
            } catch {
                if Task.isCancelled { return }
                failures += 1
                if failures == 1 {
                    logger.report(.warning, "timer.claim_failed", "Cannot look for timers", ["error": .failure(error)])
                }
                try? await Task.sleep(
                    for: Backoff(first: .milliseconds(50), longest: .seconds(1)).delay(after: failures)
                )
            }
        }
    }

    /// Runs the handlers, some at once; one that hangs keeps its place only.
    private func handle(_ due: [DueTimer]) async {
        await withTaskGroup(of: Void.self) { group in
            for (index, timer) in due.enumerated() {
                if index >= concurrency { await group.next() }
                group.addTask { await self.handle(timer) }
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
            logger.report(
                .error,
                "timer.failed",
                "A timer's handler failed, it is tried again",
                [
                    "kind": .string(timer.kind),
                    "subject_id": .string(timer.subject.description),
                    "attempt": .number(timer.attempt),
                    "error": .failure(error),
                ]
            )
            let delay = backoff.delay(after: timer.attempt)
            try? await pool.transaction { try self.store.putOff(timer, for: delay, in: $0) }
        }
    }
}
