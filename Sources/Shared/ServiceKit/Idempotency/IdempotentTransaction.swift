import Logging
import Model
import Postgres
import ServiceLifecycle

extension ConnectionPool {
    /// Does the work of a request once, however often the request is repeated.
    ///
    /// In one transaction: the key is locked without waiting; a stored answer is replayed; otherwise `body` works and its answer is stored
    /// with the effect. What `body` throws rolls everything back, and the key stays new.
    ///
    /// - `key`: ``Call/idempotency`` of an operation that declares itself idempotent.
    /// - `store`: the store of the service.
    /// - `body`: the work. Takes its own locks after this one.
    /// - Returns: the answer, the same bytes each time; replayed ones say so in `Idempotent-Replayed`.
    /// - Throws: ``Problem`` `idempotency-mismatch` or `idempotency-in-flight`; what `body` throws.
    public func idempotent(
        _ key: IdempotencyKey,
        _ store: IdempotencyStore,
        options: TransactionOptions = TransactionOptions(),
        _ body: @escaping @Sendable (borrowing Session) throws -> Reply
    ) async throws -> Reply {
        try await idempotent(key, store, options: options, body, reply: { $0 }).reply
    }

    /// Does the work of a request once, as ``idempotent(_:_:options:_:)``, and hands out what it came to.
    ///
    /// - `reply`: the answer to what the work came to.
    /// - Returns: the answer, and what the work came to; nil when the answer is a replayed one.
    public func idempotent<Value: Sendable>(
        _ key: IdempotencyKey,
        _ store: IdempotencyStore,
        options: TransactionOptions = TransactionOptions(),
        _ body: @Sendable (borrowing Session) throws -> Value,
        reply: @Sendable (Value) -> Reply
    ) async throws -> (reply: Reply, value: Value?) {
        try await transaction(options) { session -> (reply: Reply, value: Value?) in
            let claim = try store.claim([key], in: session)[0]
            if let replayed = try claim.settled() { return (replayed, nil) }
            let value = try body(session)
            let stored = try StoredReply(reply(value))
            try session.enqueue([store.insertSQL([(key, stored)])])
            return (stored.reply, value)
        }
    }
}

/// Removes idempotency keys a day after they were used.
public final class IdempotencyPurge: Service {
    private static let batch = 5_000

    private let store: IdempotencyStore
    private let pool: ConnectionPool
    private let logger: Logger

    /// Purges one service's keys.
    public init(store: IdempotencyStore, pool: ConnectionPool, logger: Logger) {
        self.store = store
        self.pool = pool
        self.logger = logger
    }

    /// Purges at intervals until shut down.
    public func run() async throws {
        await Rounds { await self.purge() }.run()
    }

    /// Removes what is due, in batches, so that no transaction is long.
    func purge() async {
        do {
            var total = 0
            var removed = 0
            repeat {
                removed = try await pool.autocommit { [store] in try store.purge(limit: Self.batch, in: $0) }
                total += removed
            } while removed == Self.batch && !Task.isCancelled
            if total > 0 { logger.record(.idempotencyPurged, [.count: .integer(total)]) }
        } catch is CancellationError {
            return
        } catch {
            logger.record(.idempotencyPurgeFailed, error: error)
        }
    }
}
