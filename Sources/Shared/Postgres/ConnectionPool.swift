import Logging
import ServiceLifecycle
import Synchronization

/// Connections to one database, opened as they are needed and lent for one transaction at a time.
///
/// It works from the moment it is made; ``run()`` lets a service group close it, after those who use it.
public final class ConnectionPool: Sendable, Service {
    private typealias Waiter = UnsafeContinuation<Lease, any Error>

    private struct State {
        var machine: PoolStateMachine
        var connections: [Int: Connection] = [:]
        var waiters: [UInt64: Waiter] = [:]
        var lastWaiter: UInt64 = 0
        var lastLease: UInt64 = 0
        var lastFailure = ConnectionFailure(reason: "not connected yet")
        var drained: [UnsafeContinuation<Void, Never>] = []
    }

    /// How connections are made.
    public let configuration: ConnectionConfiguration
    private let limits: PoolConfiguration
    private let logger: Logger
    private let state: Mutex<State>
    private let alarm = Alarm()

    /// Makes a pool; nothing is connected before somebody asks for a connection.
    public init(_ configuration: ConnectionConfiguration, pool: PoolConfiguration = .init(), logger: Logger) {
        self.configuration = configuration
        self.limits = pool
        self.logger = logger
        state = Mutex(State(machine: PoolStateMachine(pool)))
        let isStarted = alarm.start { [weak self] in self?.ring() }
        if !isStarted {
            logger.critical("No thread for the pool's clock", metadata: ["event": "postgres.pool_without_clock"])
        }
    }

    deinit {
        alarm.stop()
        for connection in state.withLock({ $0.connections.values.map(\.self) }) { connection.close {} }
    }

    /// Runs `body` in a transaction: committed when it returns, rolled back when it throws.
    ///
    /// The body is synchronous, so that nothing can wait inside a transaction for anything but the database. It may run
    /// more than once: after a serialization failure or a deadlock the whole of it is run again.
    ///
    /// - Returns: what `body` returned in the run that was committed.
    /// - Throws: what `body` threw; `PostgresError.commitOutcomeUnknown` when the commit may or may not have happened;
    ///   `CancellationError` when the task was cancelled before the commit.
    @discardableResult
    public func transaction<Value: Sendable>(
        _ options: TransactionOptions = .init(),
        _ body: @Sendable (borrowing Session) throws -> Value
    ) async throws -> Value {
        var attempt = 0
        while true {
            do {
                return try await perform { try $0.transaction(options, body) }
            } catch let failure as RetryableFailure {
                guard attempt < options.retries else { throw failure.underlying }
                attempt += 1
                try await Task.sleep(for: Self.pause(before: attempt))
            }
        }
    }

    /// Runs `body` with each of its statements a transaction of its own: for single reads, and for calls that must not be
    /// in a transaction.
    ///
    /// - Throws: as ``transaction(_:_:)``, but nothing is run again.
    @discardableResult
    public func autocommit<Value: Sendable>(
        _ body: @Sendable (borrowing Session) throws -> Value
    ) async throws -> Value {
        try await perform { try $0.autocommit(body) }
    }

    /// What the connections are doing.
    public var usage: PoolUsage {
        state.withLock { $0.machine.usage }
    }

    /// Waits for the service group's shutdown, then closes all connections.
    public func run() async throws {
        try? await gracefulShutdown()
        await shutdown()
    }

    /// Refuses new work, lets what is in hand finish, and closes all connections.
    public func shutdown() async {
        let (waiting, connections) = state.withLock { state in
            let (numbers, ids) = state.machine.shutDown()
            return (
                numbers.compactMap { state.waiters.removeValue(forKey: $0) }, ids.compactMap { state.connections[$0] }
            )
        }
        for waiter in waiting { waiter.resume(throwing: PostgresError.poolClosed) }
        for connection in connections { close(connection) }
        await withUnsafeContinuation { continuation in
            let isDrained = state.withLock { state in
                if !state.machine.isDrained { state.drained.append(continuation) }
                return state.machine.isDrained
            }
            if isDrained { continuation.resume() }
        }
        alarm.stop()
    }

    // MARK: Lending

    private func perform<Value: Sendable>(_ body: @Sendable (Conversation) throws -> Value) async throws -> Value {
        while true {
            let lease = try await acquire()
            do {
                return try await withTaskCancellationHandler {
                    try await lease.connection.run(lease, body)
                } onCancel: {
                    lease.connection.gate.cancel(lease.number)
                }
            } catch is StaleConnection {
                continue
            }
        }
    }

    private func acquire() async throws -> Lease {
        // Callers that need not wait are spared the continuation.
        let (idle, number) = state.withLock { state -> (Lease?, UInt64) in
            let taken = state.machine.takeIdle()
            let idle = taken.flatMap { lease($0.id, idleSince: $0.since, &state) }
            state.lastWaiter += 1
            return (idle, state.lastWaiter)
        }
        if let idle { return idle }
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { wait(number, $0) }
        } onCancel: {
            abandon(number)
        }
    }

    private func wait(_ number: UInt64, _ continuation: Waiter) {
        let now = MonotonicTime.now
        let (result, opening) = state.withLock { state -> (Result<Lease, any Error>?, [Connection]) in
            // Looked at under the lock that `abandon` takes: a cancellation is seen here, or finds the waiter there.
            if Task.isCancelled { return (.failure(CancellationError()), []) }
            switch state.machine.acquire(number, now: now) {
            case .lease(let id, let since):
                return (lease(id, idleSince: since, &state).map { .success($0) }, [])
            case .refuse(let refusal):
                return (.failure(error(for: refusal, state)), [])
            case .wait(let ids):
                state.waiters[number] = continuation
                return (nil, connections(ids, &state))
            }
        }
        open(opening)
        alarm.ring(by: now + limits.waitTimeout)
        if let result { continuation.resume(with: result) }
    }

    private func abandon(_ number: UInt64) {
        let waiter = state.withLock { state in
            state.machine.abandon(number) ? state.waiters.removeValue(forKey: number) : nil
        }
        waiter?.resume(throwing: CancellationError())
    }

    private func lease(_ id: Int, idleSince: MonotonicTime, _ state: inout State) -> Lease? {
        guard let connection = state.connections[id] else { return nil }
        state.lastLease += 1
        let idleTime = MonotonicTime.now.timeLeft(from: idleSince)
        return Lease(connection: connection, number: state.lastLease, idleTime: idleTime, pool: self)
    }

    private func error(for refusal: PoolRefusal, _ state: State) -> PostgresError {
        switch refusal {
        case .closed: .poolClosed
        case .exhausted(let retryAfter): .poolExhausted(retryAfter: retryAfter)
        case .unreachable(let retryAfter):
            .connectionFailed(
                ConnectionFailure(
                    sqlState: state.lastFailure.sqlState,
                    reason: state.lastFailure.reason,
                    retryAfter: max(retryAfter, .seconds(1))
                )
            )
        }
    }

    // MARK: Connections

    /// Takes a connection back; called on its thread, so that the next caller does not wait for the last one's.
    func release(_ id: Int, isReusable: Bool) {
        let now = MonotonicTime.now
        place(id, now) { $0.released(id, isReusable: isReusable, now: now) }
    }

    private func place(
        _ id: Int,
        _ now: MonotonicTime,
        _ decide: (inout PoolStateMachine) -> PoolStateMachine.Placement
    ) {
        let (placement, connection, waiter, next) = state.withLock { state in
            let placement = decide(&state.machine)
            guard case .lease(let number) = placement else {
                return (placement, state.connections[id], Waiter?.none, Lease?.none)
            }
            let waiter = state.waiters.removeValue(forKey: number)
            return (placement, state.connections[id], waiter, lease(id, idleSince: now, &state))
        }
        switch placement {
        case .lease:
            if let next { waiter?.resume(returning: next) }
        case .keep:
            alarm.ring(by: now + limits.idleTimeout)
        case .close:
            if let connection { close(connection) }
        }
    }

    /// Makes the connections that the state machine asked for, without opening them yet.
    private func connections(_ ids: [Int], _ state: inout State) -> [Connection] {
        ids.map { id in
            let connection = Connection(id: id)
            state.connections[id] = connection
            return connection
        }
    }

    private func open(_ connections: [Connection]) {
        for connection in connections {
            connection.open(configuration) { [self] result in
                let now = MonotonicTime.now
                switch result {
                case .success:
                    var generator = SystemRandomNumberGenerator()
                    let retireAt = now + limits.maximumLifetime.jittered(by: 0.1, using: &generator)
                    place(connection.id, now) { $0.opened(connection.id, retireAt: retireAt, now: now) }
                case .failure(let error):
                    connection.close {}
                    failed(connection.id, error, now)
                }
            }
        }
    }

    private func failed(_ id: Int, _ error: any Error, _ now: MonotonicTime) {
        let failure = (error as? PostgresError)?.failure ?? ConnectionFailure(reason: "\(error)")
        let (next, drained) = state.withLock { state in
            state.connections[id] = nil
            state.lastFailure = failure
            state.machine.failed(id, jitter: .random(in: 0.5...1.5), now: now)
            return (state.machine.nextDeadline, takeDrained(&state))
        }
        logger.warning(
            "Cannot connect to the database",
            metadata: ["event": "postgres.connect_failed", "reason": "\(failure)"]
        )
        alarm.ring(by: next)
        for continuation in drained { continuation.resume() }
    }

    private func close(_ connection: Connection) {
        connection.close { [self] in
            let (opening, drained) = state.withLock { state in
                state.connections[connection.id] = nil
                let ids = state.machine.closed(connection.id, now: .now)
                return (connections(ids, &state), takeDrained(&state))
            }
            open(opening)
            for continuation in drained { continuation.resume() }
        }
    }

    private func takeDrained(_ state: inout State) -> [UnsafeContinuation<Void, Never>] {
        guard state.machine.isDrained else { return [] }
        defer { state.drained = [] }
        return state.drained
    }

    // MARK: Time

    private func ring() {
        let now = MonotonicTime.now
        let (expired, refusal, opening, closing, next) = state.withLock { state in
            let due = state.machine.due(now)
            return (
                due.expired.compactMap { state.waiters.removeValue(forKey: $0) },
                error(for: due.refusal, state),
                connections(due.open, &state),
                due.close.compactMap { state.connections[$0] },
                state.machine.nextDeadline
            )
        }
        for waiter in expired { waiter.resume(throwing: refusal) }
        open(opening)
        for connection in closing { close(connection) }
        alarm.ring(by: next)
    }

    /// How long to wait before a transaction is run again: 5 ms, doubled each time up to 160 ms, give or take a half.
    private static func pause(before attempt: Int) -> Duration {
        var generator = SystemRandomNumberGenerator()
        return (.milliseconds(5) * (1 << min(attempt - 1, 5))).jittered(by: 0.5, using: &generator)
    }
}
