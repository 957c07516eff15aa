/// The connection as a transaction's body sees it: statements, one after the other.
///
/// It is lent for the body's time and cannot be kept. Its calls block the connection's own thread, never Swift's.
public struct Session: ~Copyable {
    private let conversation: Conversation

    init(_ conversation: Conversation) {
        self.conversation = conversation
    }

    /// Runs a statement and reads each of its rows.
    ///
    /// - Throws: `PostgresError`, `CancellationError` when the task is cancelled, or what `decode` throws.
    public func query<Value>(_ sql: SQL, _ decode: (Row) throws -> Value) throws -> [Value] {
        try conversation.run(sql).map(decode)
    }

    /// Runs a statement and reads its first row, if it has one.
    ///
    /// - Throws: as ``query(_:_:)``.
    public func first<Value>(_ sql: SQL, _ decode: (Row) throws -> Value) throws -> Value? {
        let rows = try conversation.run(sql)
        return rows.count > 0 ? try decode(Row(rows, 0)) : nil
    }

    /// Runs a statement and reads the one row that it has.
    ///
    /// - Throws: as ``query(_:_:)``, and `PostgresError.unexpectedRowCount` for none or several.
    public func one<Value>(_ sql: SQL, _ decode: (Row) throws -> Value) throws -> Value {
        let rows = try conversation.run(sql)
        guard rows.count == 1 else { throw PostgresError.unexpectedRowCount(rows.count) }
        return try decode(Row(rows, 0))
    }

    /// Runs a statement for its effect.
    ///
    /// - Returns: how many rows it touched, or returned.
    /// - Throws: as ``query(_:_:)``.
    @discardableResult
    public func execute(_ sql: SQL) throws -> Int {
        try conversation.run(sql).handle.affectedRows
    }

    /// Runs statements in one round trip; when one fails, those after it do not run.
    ///
    /// Outside a transaction they are one by themselves: all take effect or none.
    ///
    /// - Returns: how many rows each touched, or returned.
    /// - Throws: as ``query(_:_:)``; the error of the first that failed.
    @discardableResult
    public func pipeline(_ statements: [SQL]) throws -> [Int] {
        try conversation.run(statements).map { $0.handle.affectedRows }
    }

    /// Asks several things in one round trip, in their order: each sees what those before it did.
    ///
    /// ```swift
    /// let (locked, found) = try session.pipeline(
    ///     Query("select id … for update") { try $0[0] as OrderID },
    ///     Query("select …") { try Order($0) }
    /// )
    /// ```
    /// - Returns: the rows of each.
    /// - Throws: as ``query(_:_:)``; the error of the first that failed.
    public func pipeline<each Value>(_ queries: repeat Query<each Value>) throws -> (repeat [each Value]) {
        var statements: [SQL] = []
        for query in repeat each queries {
            if let sql = query.sql { statements.append(sql) }
        }
        var results = try conversation.run(statements)[...]
        return (repeat try (each queries).read(&results))
    }

    /// Has statements run in the round trip of the next one, at the latest of the commit, so that they cost none of their own.
    ///
    /// What they return is lost, and their errors are thrown by whatever they travel with: by the transaction itself, mostly.
    ///
    /// - Throws: `PostgresError.invalidParameter`, or `CancellationError` when the task is cancelled.
    public func enqueue(_ statements: [SQL]) throws {
        try conversation.enqueue(statements)
    }

    /// Runs text that holds several statements and no values, as migrations do.
    ///
    /// - Throws: as ``query(_:_:)``.
    public func execute(script: String) throws {
        try conversation.run(script: script)
    }

    /// Runs `body` so that what it did can be undone without the rest of the transaction: when it throws, it is.
    ///
    /// - Throws: what `body` throws.
    public func savepoint<Value>(_ body: () throws -> Value) throws -> Value {
        // What was enqueued before fails before, and is not undone with the body.
        if conversation.owesStatements { _ = try conversation.run([]) }
        return try conversation.nested { name in
            let earlierFailure = conversation.failure
            let start = conversation.prepend("savepoint \(name)")
            do {
                let value = try body()
                // A body that swallowed a statement's error has a failed transaction all the same.
                if conversation.isTransactionFailed, let failure = conversation.failure { throw failure }
                if conversation.owesStatements {
                    // Their errors are the body's, and undo no more than it.
                    _ = try conversation.run("release savepoint \(name)")
                } else if !conversation.withdraw(start) {
                    conversation.prepend("release savepoint \(name)")
                }
                return value
            } catch {
                if !conversation.withdraw(start), conversation.loss == nil {
                    try conversation.rollBack(to: name)
                }
                conversation.failure = earlierFailure
                throw error
            }
        }
    }
}
