private let commit: SQL = "commit"
private let rollback: SQL = "rollback"

extension Conversation {
    /// How long rolling back and cancelling may take before the connection is given up instead.
    static let cleanupLimit = Duration.seconds(2)

    /// Runs `body` in a transaction: committed when it returns, rolled back when it throws.
    ///
    /// BEGIN travels with the first statement; a body without statements costs no round trip.
    ///
    /// - Throws: what `body` threw; `RetryableFailure` when running it again may succeed;
    ///   `PostgresError.commitOutcomeUnknown` when the commit was not answered.
    func transaction<Value>(_ options: TransactionOptions, _ body: (borrowing Session) throws -> Value) throws -> Value
    {
        reset()
        prepend(SQL(stringLiteral: options.begin))
        if let timeout = options.statementTimeout {
            prepend("select set_config('statement_timeout', \("\(timeout.millisecondsRoundedUp)"), true)")
            answerDeadline = timeout + Self.cleanupLimit
        }
        do {
            let value = try body(Session(self))
            if isTransactionFailed { throw failure ?? PostgresError.server(.failedTransaction) }
            if endCancellation() { throw CancellationError() }
            if hasSent || owesStatements { try commitTransaction() }
            return value
        } catch {
            _ = endCancellation()
            rollBackTransaction()
            if let retryable { throw RetryableFailure(underlying: retryable) }
            throw error
        }
    }

    /// Runs `body` with each of its statements a transaction of its own.
    ///
    /// - Throws: what `body` threw; `PostgresError.commitOutcomeUnknown` when a statement was not answered.
    func autocommit<Value>(_ body: (borrowing Session) throws -> Value) throws -> Value {
        reset()
        defer { _ = endCancellation() }
        do {
            let value = try body(Session(self))
            _ = try run([])
            return value
        } catch {
            if let loss, hasSent { throw PostgresError.commitOutcomeUnknown(loss) }
            throw error
        }
    }

    /// Undoes what was done since the savepoint.
    func rollBack(to savepoint: SQL) throws {
        withdrawAll()
        _ = try run(["rollback to savepoint \(savepoint)", "release savepoint \(savepoint)"])
    }

    private func commitTransaction() throws {
        do {
            let result = try run(commit)
            if result.handle.isRollback { throw failure ?? PostgresError.server(.failedTransaction) }
        } catch {
            // A session that the server ended for idling had nothing to commit any more.
            if let loss, loss.sqlState != .idleInTransactionTimeout { throw PostgresError.commitOutcomeUnknown(loss) }
            throw error
        }
    }

    private func rollBackTransaction() {
        withdrawAll()
        guard hasSent, loss == nil, !isReusable else { return }
        answerDeadline = Self.cleanupLimit
        do {
            _ = try run(rollback)
        } catch {
            discard()
        }
    }
}

/// A transaction was rolled back for a reason that has nothing to do with what it did: running it again may succeed.
struct RetryableFailure: Error {
    let underlying: PostgresError
}

extension ServerError {
    /// What a commit comes to after a statement has failed.
    fileprivate static let failedTransaction = ServerError(
        sqlState: .inFailedTransaction,
        message: "the transaction was rolled back, for a statement in it had failed"
    )
}
