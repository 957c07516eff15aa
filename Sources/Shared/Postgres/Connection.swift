/// One connection on a thread of its own, on which libpq may block.
///
/// Each call is one hop to the thread and one back, however many statements it runs.
actor Connection {
    /// What tells connections of a pool apart.
    nonisolated let id: Int
    /// Lets a task's cancellation through to the statement that runs for it.
    nonisolated let gate = CancellationGate()
    private nonisolated let executor: ThreadExecutor
    private var conversation: Conversation?

    nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    /// Makes a connection that is not connected yet.
    init(id: Int) {
        self.id = id
        executor = ThreadExecutor()
    }

    deinit {
        executor.stop()
    }

    /// Starts the connection's thread, connects on it, then calls `completion` there; here, when no thread can be started.
    nonisolated func open(
        _ configuration: ConnectionConfiguration,
        _ completion: @escaping @Sendable (Result<Void, any Error>) -> Void
    ) {
        guard executor.start() else {
            let failure = ConnectionFailure(reason: "no thread could be started")
            return completion(.failure(PostgresError.connectionFailed(failure)))
        }
        executor.enqueue { [self] in
            completion(Result { try assumeIsolated { try $0.connect(configuration) } })
        }
    }

    /// Closes on the connection's thread, then calls `completion` once that thread is gone.
    ///
    /// At its end a thread runs OpenSSL's clean-up, which crashes when the process is at its own end already: whoever
    /// shuts down waits for it.
    nonisolated func close(_ completion: @escaping @Sendable () -> Void) {
        executor.enqueue { [self] in assumeIsolated { $0.disconnect() } }
        executor.stop()
        executor.whenEnded(completion)
    }

    /// Runs `body` for `lease`, which is given back before this returns.
    ///
    /// - Throws: what `body` throws; `StaleConnection` when the server had ended the session before anything was sent.
    func run<Value: Sendable>(
        _ lease: Lease,
        _ body: @Sendable (Conversation) throws -> Value
    ) throws -> Value {
        guard let conversation else {
            lease.end(isReusable: false)
            throw StaleConnection()
        }
        // Asking the socket costs a system call; a connection that was busy a moment ago need not be asked.
        if lease.idleTime > .milliseconds(10), conversation.hasEnded() {
            lease.end(isReusable: false)
            throw StaleConnection()
        }
        gate.open(for: lease.number)
        defer { lease.end(isReusable: conversation.isReusable) }
        return try body(conversation)
    }

    private func connect(_ configuration: ConnectionConfiguration) throws {
        let handle = try ConnectionHandle.connect(configuration.parameters)
        let key = CancelKey(of: handle)
        conversation = try Conversation(
            Link(handle),
            gate: gate,
            statementCacheSize: configuration.statementCacheSize,
            answerDeadline: configuration.answerDeadline
        )
        gate.use(key)
    }

    private func disconnect() {
        gate.use(nil)
        conversation = nil
    }
}

/// The server ended the session while it lay idle; another connection will do.
struct StaleConnection: Error {}

/// The right to use a connection once.
struct Lease: Sendable {
    let connection: Connection
    /// Unique in the pool, and rising.
    let number: UInt64
    /// How long the connection has lain idle.
    let idleTime: Duration
    /// The pool to which it goes back.
    let pool: ConnectionPool

    func end(isReusable: Bool) {
        pool.release(connection.id, isReusable: isReusable)
    }
}
