import Logging
import Model
import Postgres
import ServiceLifecycle
import Synchronization

/// Does the tasks of one queue, together with the other workers of it.
///
/// A task is done at least once: what it calls must know a repetition by the task's key. What it changes in the database happens
/// exactly once, in the transaction that settles it.
public final class TaskWorker: Service {
    /// Does a task; runs outside any transaction.
    ///
    /// An error that it throws is a failed attempt; but what says that the database is not there is no attempt at all, and the task is
    /// tried again soon. It stops soon when its task is cancelled.
    public typealias Performer = @Sendable (LeasedTask) async throws -> TaskOutcome

    private let queue: String
    private let name: String
    let store: TaskStore
    let pool: ConnectionPool
    private let wakeup: Wakeup
    let ticker: Ticker?
    let options: TaskWorkerOptions
    let logger: Logger
    let whenDead: @Sendable (borrowing Session, LeasedTask, String) throws -> Void
    private let perform: Performer
    private let hands = Mutex<[Int64: LeasedTask]>([:])
    let isStopping = Atomic(false)

    /// Describes a worker.
    ///
    /// - Parameters:
    ///   - queue: whose tasks it does.
    ///   - owner: the service in whose tables they are.
    ///   - pool: where its transactions run.
    ///   - wakeup: a signal of its own that comes with what enqueues tasks; without it, it polls.
    ///   - ticker: told after each settled task, because effects append events.
    ///   - concurrency: the most tasks in hand at once; at least 1.
    ///   - concurrencyPerDestination: the most of them for one destination, so that one that hangs does not take all;
    ///     nil is a quarter of `concurrency`, at least 1.
    ///   - concurrencyPerCampus: the most of them for one campus, so that one whose destinations all hang does not take all;
    ///     nil is as many as there are.
    ///   - lease: how long a task is left to this worker without renewal; also after it has died.
    ///   - attemptLimit: the longest one attempt may take; it is cancelled then and counts as failed.
    ///   - backoff: how long to wait after a failed attempt.
    ///   - poll: how long to wait for a wakeup before looking for tasks.
    ///   - shutdownLimit: how long tasks in hand may go on after a shutdown began; what is left then is cancelled, and
    ///     given back without counting as an attempt.
    ///   - logger: where it logs.
    ///   - whenDead: changes the database together with a task that dies, whatever it dies of.
    ///   - perform: does a task.
    public init(
        queue: String,
        owner: EventStream,
        pool: ConnectionPool,
        wakeup: Wakeup = Wakeup(),
        ticker: Ticker? = nil,
        concurrency: Int = 16,
        concurrencyPerDestination: Int? = nil,
        concurrencyPerCampus: Int? = nil,
        lease: Duration = .seconds(30),
        attemptLimit: Duration = .seconds(60),
        backoff: Backoff = Backoff(),
        poll: Duration = .milliseconds(250),
        shutdownLimit: Duration = .seconds(5),
        logger: Logger,
        whenDead: @escaping @Sendable (borrowing Session, LeasedTask, String) throws -> Void = { _, _, _ in },
        perform: @escaping Performer
    ) {
        self.queue = queue
        self.name = "\(queue)-\(String(UInt64.random(in: .min ... .max), radix: 16))"
        self.store = TaskStore(owner: owner)
        self.pool = pool
        self.wakeup = wakeup
        self.ticker = ticker
        self.options = TaskWorkerOptions(
            concurrency: max(1, concurrency),
            concurrencyPerDestination: max(1, concurrencyPerDestination ?? concurrency / 4),
            concurrencyPerCampus: concurrencyPerCampus.map { max(1, $0) },
            lease: lease,
            attemptLimit: attemptLimit,
            backoff: backoff,
            poll: poll,
            shutdownLimit: shutdownLimit
        )
        self.whenDead = whenDead
        var logger = logger
        logger[metadataKey: "queue"] = .string(queue)
        self.logger = logger
        self.perform = perform
    }

    /// Says that a task was enqueued and committed, so that it need not wait.
    public func hint() {
        wakeup.raise()
    }

    /// Works until shut down; then lets what is in hand finish, within the limit.
    public func run() async throws {
        await withGracefulShutdownHandler {
            await work()
        } onGracefulShutdown: {
            self.isStopping.store(true, ordering: .relaxed)
            self.wakeup.raise()
        }
    }

    private func work() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.renewLeases() }
            await withDiscardingTaskGroup { tasks in
                await claimUntilStopped(&tasks)
                await waitForHands()
                tasks.cancelAll()
            }
            group.cancelAll()
        }
    }

    // MARK: Claiming

    private func claimUntilStopped(_ tasks: inout DiscardingTaskGroup) async {
        var after = ""
        var failures = 0
        while !isStopping.load(ordering: .relaxed), !Task.isCancelled {
            let inHand = hands.withLock { Array($0.values) }
            let free = options.concurrency - inHand.count
            guard free > 0 else {
                _ = try? await wakeup.wait(atMost: options.poll)
                continue
            }
            do {
                let claimed = try await claim(atMost: free, inHand, after: after)
                failures = 0
                hands.withLock { hands in
                    for task in claimed { hands[task.id] = task }
                }
                for task in claimed { tasks.addTask { await self.handle(task) } }
                after = claimed.last?.destination ?? after
                if claimed.count == free { continue }
                _ = try? await wakeup.wait(atMost: options.poll)
            } catch {
                if Task.isCancelled { return }
                failures += 1
                if failures == 1 {
                    logger.report(.warning, "task.claim_failed", "Cannot claim tasks", error: error)
                }
                try? await Task.sleep(
                    for: Backoff(first: .milliseconds(50), longest: .seconds(1)).delay(after: failures)
                )
            }
        }
    }

    private func claim(atMost limit: Int, _ inHand: [LeasedTask], after: String) async throws -> [LeasedTask] {
        let request = ClaimRequest(
            queue: queue,
            worker: name,
            lease: options.lease,
            limit: limit,
            limitPerDestination: options.concurrencyPerDestination,
            limitPerCampus: options.concurrencyPerCampus,
            inHand: inHand,
            after: after
        )
        return try await pool.autocommit { try self.store.claim(request, in: $0) }
    }

    private func waitForHands() async {
        let deadline = ContinuousClock.now + options.shutdownLimit
        while !Task.isCancelled, ContinuousClock.now < deadline, hands.withLock({ !$0.isEmpty }) {
            _ = try? await wakeup.wait(atMost: ContinuousClock.now.duration(to: deadline))
        }
    }

    private func renewLeases() async {
        while !Task.isCancelled {
            try? await Task.sleep(for: options.lease / 3)
            let tasks = hands.withLock { Array($0.values) }
            if tasks.isEmpty || Task.isCancelled { continue }
            do {
                try await pool.transaction { try self.store.renew(tasks, lease: self.options.lease, in: $0) }
            } catch {
                logger.report(.warning, "task.renewal_failed", "Cannot renew leases", error: error)
            }
        }
    }

    // MARK: Doing

    private func handle(_ task: LeasedTask) async {
        let end = await attempt(task)
        // A task of its own, because this one may be cancelled, which would cancel the transaction that settles.
        await Task { await self.settle(task, end) }.value
        hands.withLock { $0[task.id] = nil }
        wakeup.raise()
    }

    private func attempt(_ task: LeasedTask) async -> AttemptEnd {
        if task.attempt > task.maxAttempts {
            return .outcome(.dead(reason: "the worker was lost during the last attempt"))
        }
        do {
            return try await withThrowingTaskGroup(of: TaskOutcome.self) { group in
                group.addTask { try await self.perform(task) }
                group.addTask {
                    try await Task.sleep(for: self.options.attemptLimit)
                    throw EventLogError.attemptTimedOut
                }
                defer { group.cancelAll() }
                guard let first = try await group.next() else { throw CancellationError() }
                return .outcome(first)
            }
        } catch {
            if Task.isCancelled { return .cutShort }
            if BatchFailure(error) == .passing { return .hindered(error) }
            return .outcome(.retry(after: nil, reason: reason(for: error)))
        }
    }
}
