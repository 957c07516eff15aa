import EventLog
import Model
import Postgres
import ServiceKit

/// Does the work of a request once, in one transaction, and wakes whoever has to know of it after the commit.
struct RequestTransaction: Sendable {
    private let pool: ConnectionPool
    private let idempotency: IdempotencyStore
    private let wake: @Sendable () -> Void

    /// Transactions of requests.
    ///
    /// - Parameters:
    ///   - pool: where they run.
    ///   - idempotency: where answers are kept.
    ///   - wake: called after each commit that did something.
    init(pool: ConnectionPool, idempotency: IdempotencyStore, wake: @escaping @Sendable () -> Void) {
        self.pool = pool
        self.idempotency = idempotency
        self.wake = wake
    }

    /// Works once under the request's key.
    ///
    /// - Parameters:
    ///   - call: a call of an idempotent operation.
    ///   - body: the work.
    ///   - reply: the answer to it, which is stored with its effect.
    ///   - done: called after the commit, not for a replayed answer; logs belong here.
    /// - Returns: the answer, the same bytes each time.
    /// - Throws: the problem that a refusal comes to, or what `body` throws.
    func once<Value: Sendable>(
        _ call: Call,
        _ body: @Sendable (borrowing Session) throws -> Value,
        reply: @Sendable (Value) -> Reply,
        done: (Value) -> Void
    ) async throws -> Reply {
        let key = try call.requireIdempotency()
        let (answer, value) = try await refusalsAsProblems {
            try await pool.idempotent(key, idempotency, body, reply: reply)
        }
        if let value {
            wake()
            done(value)
        }
        return answer
    }

    /// The stored answer of a request that was done before; nil when it is new.
    func replay(_ call: Call) async throws -> Reply? {
        let key = try call.requireIdempotency()
        return try await pool.transaction { session in
            try idempotency.claim([key], in: session)[0].settled()
        }
    }

    /// Reads, in one transaction that sees one moment, so that what is read by several statements fits together.
    func read<Value: Sendable>(_ body: @Sendable (borrowing Session) throws -> Value) async throws -> Value {
        let options = TransactionOptions(isolation: .repeatableRead, isReadOnly: true)
        return try await refusalsAsProblems { try await pool.transaction(options, body) }
    }
}

extension Cause {
    /// The cause of what a request does.
    init(_ call: Call) {
        self.init(actor: call.principal.actor, at: call.now, trace: call.trace.description)
    }
}
