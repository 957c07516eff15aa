import HTTPTypes
import Model
import Postgres

/// What claiming a key found.
public enum IdempotencyClaim: Sendable {
    /// The key is new, and locked for the rest of the transaction: do the work and ``IdempotencyStore/record(_:in:)`` its answer.
    case proceed
    /// It was done before: send this.
    case replay(StoredReply)
    /// It was used for another body.
    case mismatch
    /// Another transaction is at it.
    case inFlight

    /// What to throw or send when it is not ``proceed``; nil when it is.
    public func settled() throws(Problem) -> Reply? {
        switch self {
        case .proceed: return nil
        case .replay(let stored): return stored.replayed
        case .mismatch:
            throw Problem(.idempotencyMismatch, "This Idempotency-Key was used for a request with another body.")
        case .inFlight:
            throw Problem(
                .idempotencyInFlight,
                "A request with this Idempotency-Key is being worked on.",
                headers: [.retryAfter: "1"]
            )
        }
    }
}

/// Claims idempotency keys and stores answers, in the transaction of the effect.
///
/// For one request use ``Postgres/ConnectionPool/idempotent(_:_:_:)``. A set-based batch uses this directly, keys first in the lock
/// order, no key twice:
///
/// 1. `claim(keys)`: one round trip locks each key without waiting and reads what is stored under it; or ``claiming(_:)`` as the first
///    question of several in one round trip.
/// 2. the effect of those that may proceed;
/// 3. `record(replies)`, or ``insertSQL(_:)`` as one more statement of a pipeline.
///
/// The locks end with the transaction. What rolls back stores nothing, so the key stays new.
public struct IdempotencyStore: Sendable {
    private let owner: EventStream

    /// The keys of one service.
    public init(owner: EventStream) {
        self.owner = owner
    }

    private var table: SQLIdentifier {
        switch owner {
        case .orders: SQLIdentifier("orders_idempotency")
        case .afterSales: SQLIdentifier("after_sales_idempotency")
        case .notifications: SQLIdentifier("notifications_idempotency")
        }
    }

    private var claimFunction: SQLIdentifier {
        switch owner {
        case .orders: SQLIdentifier("orders_idempotency_claim")
        case .afterSales: SQLIdentifier("after_sales_idempotency_claim")
        case .notifications: SQLIdentifier("notifications_idempotency_claim")
        }
    }

    /// Locks each key until the transaction ends and says what is stored under it, in the order given.
    ///
    /// - `keys`: none twice; a lock is not refused to the session that holds it.
    public func claim(_ keys: [IdempotencyKey], in session: borrowing Session) throws -> [IdempotencyClaim] {
        try session.pipeline(claiming(keys))
    }

    /// The question of ``claim(_:in:)``: one row for each key, in the order given.
    public func claiming(_ keys: [IdempotencyKey]) -> Query<IdempotencyClaim> {
        let digests = keys.map(\.bodySHA256.bytes)
        let sql: SQL = """
            select ordinal, is_locked, body_sha256, status, headers, body
            from campus.\(identifier: claimFunction)(
                \(keys.map(\.lockID)), \(keys.map(\.campus)), \(keys.map(\.principal)), \(keys.map(\.method)),
                \(keys.map(\.path)), \(keys.map(\.key))
            )
            order by ordinal
            """
        return Query(keys.isEmpty ? nil : sql) { row in
            let ordinal: Int32 = try row["ordinal"]
            guard try row["is_locked"] as Bool else { return .inFlight }
            guard let digest: [UInt8] = try row["body_sha256"] else { return .proceed }
            guard digest == digests[Int(ordinal) - 1] else { return .mismatch }
            let status: Int16 = try row["status"]
            return .replay(StoredReply(status: Int(status), headersJSON: try row["headers"], body: try row["body"]))
        }
    }

    /// Stores answers under keys that were claimed in this transaction.
    public func record(_ replies: [(key: IdempotencyKey, reply: StoredReply)], in session: borrowing Session) throws {
        guard !replies.isEmpty else { return }
        try session.execute(insertSQL(replies))
    }

    /// The statement of ``record(_:in:)``, for a pipeline.
    ///
    /// A row older than a day that was not yet purged is overwritten.
    public func insertSQL(_ replies: [(key: IdempotencyKey, reply: StoredReply)]) -> SQL {
        """
        insert into campus.\(identifier: table) as stored
            (campus_id, principal, method, path, key, body_sha256, status, headers, body)
        select * from unnest(
            \(replies.map(\.key.campus)), \(replies.map(\.key.principal)), \(replies.map(\.key.method)),
            \(replies.map(\.key.path)), \(replies.map(\.key.key)), \(replies.map(\.key.bodySHA256.bytes)),
            \(replies.map { Int16(clamping: $0.reply.status) }), \(replies.map(\.reply.headersJSON)),
            \(replies.map(\.reply.body))
        )
        on conflict (campus_id, principal, method, path, key) do update
            set body_sha256 = excluded.body_sha256, status = excluded.status, headers = excluded.headers,
                body = excluded.body, created_at = clock_timestamp()
            where stored.created_at <= statement_timestamp() - interval '24 hours'
        """
    }

    /// Deletes up to `limit` rows older than a day; returns how many.
    func purge(limit: Int, in session: borrowing Session) throws -> Int {
        try session.execute(
            """
            delete from campus.\(identifier: table) where ctid = any (array(
                select ctid from campus.\(identifier: table)
                where created_at < statement_timestamp() - interval '24 hours'
                order by created_at limit \(rows: limit)
                for update skip locked
            ))
            """
        )
    }
}
