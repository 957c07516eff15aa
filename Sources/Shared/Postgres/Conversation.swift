import CLibPQ

/// What goes back and forth on one connection: statements out, results in, one round trip for whatever is ready to go.
///
/// It belongs to one thread. The connection stays in libpq's pipeline mode, so that what must precede a statement (BEGIN,
/// SAVEPOINT, preparing it) travels with it.
final class Conversation {
    /// What the server will answer to each thing sent, in order.
    private enum Expectation {
        case prepared(PreparedStatement)
        case preliminary(PreparedStatement)
        case statement(PreparedStatement)
        case housekeeping
        case housekeepingEnd
    }

    /// A statement that waits for the next one to travel with.
    struct Preliminary {
        let id: Int
        let sql: SQL
        /// Whether it has an effect of its own, so that it must run even when nothing follows.
        let isOwed: Bool
    }

    private let link: Link
    private let gate: CancellationGate
    private var statements: PreparedStatements
    private var expectations: [Expectation] = []
    private var preliminaries: [Preliminary] = []
    private var preliminaryCount = 0
    private var savepointDepth = 0
    private let usualDeadline: Duration?
    /// How long the client waits for an answer; nil is for ever.
    var answerDeadline: Duration?
    /// The first thing that went wrong since the transaction, or the savepoint, began.
    var failure: (any Error)?
    /// The server's refusal that running the transaction again may avoid.
    private(set) var retryable: PostgresError?
    /// Why the connection must not be used again.
    private(set) var loss: ConnectionFailure?
    /// Whether the session is to be closed although it works.
    private(set) var mustBeDiscarded = false
    /// Whether a statement went out in the current transaction.
    private(set) var hasSent = false

    init(_ link: consuming Link, gate: CancellationGate, statementCacheSize: Int, answerDeadline: Duration?) throws {
        guard PQenterPipelineMode(link.handle.pointer) == 1 else {
            throw PostgresError.connectionFailed(ConnectionFailure(reason: "no pipeline mode"))
        }
        self.link = link
        self.gate = gate
        self.usualDeadline = answerDeadline
        self.answerDeadline = answerDeadline
        statements = PreparedStatements(limit: statementCacheSize)
    }

    /// Whether the next caller may have the connection.
    var isReusable: Bool {
        loss == nil && !mustBeDiscarded && PQtransactionStatus(link.handle.pointer) == PQTRANS_IDLE
    }

    /// Lets no cancel through any more, so that what follows cannot be hit by one.
    ///
    /// - Returns: whether the task had been cancelled before.
    func endCancellation() -> Bool {
        let end = gate.close(within: Self.cleanupLimit)
        if !end.isQuiet { mustBeDiscarded = true }
        return end.wasCancelled
    }

    /// Says that the connection is not to be used again.
    func discard() {
        mustBeDiscarded = true
    }

    /// Whether the server has ended the session while it was idle.
    func hasEnded() -> Bool {
        loss != nil || link.hasEnded()
    }

    /// Whether the server will refuse every statement until something is rolled back.
    var isTransactionFailed: Bool {
        PQtransactionStatus(link.handle.pointer) == PQTRANS_INERROR
    }

    /// Forgets the last transaction.
    func reset() {
        failure = nil
        retryable = nil
        hasSent = false
        withdrawAll()
        answerDeadline = usualDeadline
    }

    /// Keeps a statement to travel with the next one.
    ///
    /// - Returns: what to pass to ``withdraw(_:)``.
    @discardableResult
    func prepend(_ sql: SQL) -> Int {
        keep(sql, isOwed: false)
    }

    /// Keeps statements that have an effect to travel with the next one, at the latest with the commit.
    func enqueue(_ sqls: [SQL]) throws {
        try start()
        for sql in sqls { try check(sql) }
        for sql in sqls { keep(sql, isOwed: true) }
    }

    /// Whether a statement that has an effect waits to travel.
    var owesStatements: Bool { preliminaries.contains(where: \.isOwed) }

    @discardableResult
    private func keep(_ sql: SQL, isOwed: Bool) -> Int {
        preliminaryCount += 1
        preliminaries.append(Preliminary(id: preliminaryCount, sql: sql, isOwed: isOwed))
        return preliminaryCount
    }

    /// Drops a statement, and those after it, if it has not travelled yet.
    ///
    /// - Returns: whether it had not.
    func withdraw(_ id: Int) -> Bool {
        guard let index = preliminaries.firstIndex(where: { $0.id == id }) else { return false }
        preliminaries.removeSubrange(index...)
        return true
    }

    /// Runs `body` one savepoint deeper; names go by depth, so that few texts are prepared.
    func nested<Value>(_ body: (_ savepoint: SQL) throws -> Value) rethrows -> Value {
        savepointDepth += 1
        defer { savepointDepth -= 1 }
        return try body(SQL(stringLiteral: "depth_\(savepointDepth)"))
    }

    /// Drops all statements that have not travelled yet.
    func withdrawAll() {
        preliminaries.removeAll(keepingCapacity: true)
    }

    /// Runs one statement.
    func run(_ sql: SQL) throws -> RowSet {
        try start()
        try check(sql)
        do {
            try sendPreliminaries()
            try send(sql)
            var last: RowSet?
            try finish { last = $0 }
            guard let last else { throw LinkFailure.broken("the server sent no result") }
            return last
        } catch let failure as LinkFailure {
            throw lose(failure)
        }
    }

    /// Runs statements in one round trip, after those that wait; when one fails, those after it do not run.
    func run(_ sqls: [SQL]) throws -> [RowSet] {
        try start()
        for sql in sqls { try check(sql) }
        if sqls.isEmpty, !owesStatements { return [] }
        do {
            try sendPreliminaries()
            for sql in sqls { try send(sql) }
            var results: [RowSet] = []
            results.reserveCapacity(sqls.count)
            try finish { results.append($0) }
            return results
        } catch let failure as LinkFailure {
            throw lose(failure)
        }
    }

    /// Runs text with several statements and no values, by the simple protocol.
    func run(script: String) throws {
        try start()
        guard !script.utf8.contains(0) else { throw PostgresError.invalidParameter("a script holds a NUL character") }
        if !preliminaries.isEmpty { _ = try run("select 1") }
        let connection = link.handle.pointer
        hasSent = true
        do {
            guard PQexitPipelineMode(connection) == 1, PQsendQuery(connection, script) == 1 else {
                throw LinkFailure.broken(link.handle.message)
            }
            let deadline = deadlineFromNow
            try link.flush(until: deadline)
            var refusal: (any Error)?
            while let result = try link.nextResult(until: deadline) {
                if result.status == PGRES_FATAL_ERROR, refusal == nil { refusal = try refused(result) }
            }
            guard PQenterPipelineMode(connection) == 1 else { throw LinkFailure.broken(link.handle.message) }
            if let refusal {
                failure = failure ?? refusal
                throw refusal
            }
        } catch let failure as LinkFailure {
            throw lose(failure)
        }
    }

    // MARK: Sending

    private func start() throws {
        if let loss { throw PostgresError.connectionLost(loss) }
        if gate.isCancelled { throw CancellationError() }
    }

    private func check(_ sql: SQL) throws {
        if let fault = sql.values.fault { throw PostgresError.invalidParameter(fault) }
        // The protocol counts parameters in 16 bits.
        guard sql.binds.count <= 65_535 else { throw PostgresError.invalidParameter("more than 65535 values") }
        guard !sql.text.utf8.contains(0) else {
            throw PostgresError.invalidParameter("a statement holds a NUL character")
        }
    }

    private func sendPreliminaries() throws(LinkFailure) {
        expectations.removeAll(keepingCapacity: true)
        hasSent = true
        if !statements.discarded.isEmpty, PQtransactionStatus(link.handle.pointer) == PQTRANS_IDLE {
            // By itself, so that a pooler between us and the server may refuse it without harm.
            for name in statements.takeDiscarded() {
                try sent(PQsendQueryParams(link.handle.pointer, "deallocate \(name)", 0, nil, nil, nil, nil, 1))
                try sent(PQpipelineSync(link.handle.pointer))
                expectations += [.housekeeping, .housekeepingEnd]
            }
        }
        for preliminary in preliminaries {
            try send(preliminary.sql, isPreliminary: true)
        }
        preliminaries.removeAll(keepingCapacity: true)
    }

    private func send(_ sql: SQL, isPreliminary: Bool = false) throws(LinkFailure) {
        let connection = link.handle.pointer
        let statement = statements.statement(for: sql)
        if !statement.isKnownToServer {
            statement.isKnownToServer = true
            try sent(sql.withTypes { PQsendPrepare(connection, statement.name, sql.text, Int32(sql.binds.count), $0) })
            expectations.append(.prepared(statement))
        }
        let isSent = sql.withParameters { values, lengths, formats in
            PQsendQueryPrepared(connection, statement.name, Int32(sql.binds.count), values, lengths, formats, 1)
        }
        try sent(isSent)
        expectations.append(isPreliminary ? .preliminary(statement) : .statement(statement))
    }

    private func sent(_ success: Int32) throws(LinkFailure) {
        if success != 1 { throw .broken(link.handle.message) }
    }

    // MARK: Receiving

    private var deadlineFromNow: MonotonicTime {
        answerDeadline.map { MonotonicTime.now + $0 } ?? .distantFuture
    }

    /// Sends what is queued and reads all answers, so that the connection is in step whatever happened.
    private func finish(_ receive: (RowSet) -> Void) throws {
        try sent(PQpipelineSync(link.handle.pointer))
        let deadline = deadlineFromNow
        try link.flush(until: deadline)
        var refusal: (any Error)?
        for expectation in expectations {
            guard let result = try link.nextResult(until: deadline) else {
                throw LinkFailure.broken(link.handle.message)
            }
            let status = result.status
            switch expectation {
            case .housekeepingEnd: continue
            case .housekeeping: break
            case .prepared(let statement):
                if status != PGRES_COMMAND_OK { statements.forget(statement) }
                if refusal == nil { refusal = try refused(result) }
            case .preliminary(let statement):
                if refusal == nil {
                    refusal = try refused(result)
                    forgetIfStale(statement, refusal)
                }
            case .statement(let statement):
                if status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK {
                    let columns = statement.columns ?? Columns(of: result)
                    statement.columns = columns
                    receive(RowSet(result, columns))
                } else if refusal == nil {
                    refusal = try refused(result)
                    forgetIfStale(statement, refusal)
                }
            }
            guard try link.nextResult(until: deadline) == nil else {
                throw LinkFailure.broken("the server sent more results than statements")
            }
        }
        guard let end = try link.nextResult(until: deadline), end.status == PGRES_PIPELINE_SYNC else {
            throw LinkFailure.broken(link.handle.message)
        }
        if let refusal {
            failure = failure ?? refusal
            throw refusal
        }
    }

    /// The error that a result is, if it is one; nil for success and for what an earlier error kept from running.
    private func refused(_ result: borrowing ResultHandle) throws -> (any Error)? {
        switch result.status {
        case PGRES_FATAL_ERROR:
            let error = ServerError(result.pointer)
            if error.sqlState == .readOnly {
                mustBeDiscarded = true
            } else if link.isBroken || error.sqlState.rawValue.isEmpty || error.sqlState.endsSession {
                throw lose(ConnectionFailure(sqlState: error.sqlState.ifKnown, reason: error.message))
            }
            if error.sqlState == .queryCanceled, gate.isCancelled { return CancellationError() }
            if error.sqlState.isRetryable { retryable = .server(error) }
            return PostgresError.server(error)
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            throw LinkFailure.broken("COPY is not spoken here")
        default:
            return nil
        }
    }

    /// A statement prepared before the schema changed, or before a pooler forgot it, is prepared anew next time.
    private func forgetIfStale(_ statement: PreparedStatement, _ refusal: (any Error)?) {
        guard let error = refusal as? PostgresError, let state = error.sqlState else { return }
        if state == .invalidStatementName {
            statements.forgetAll()
        } else if state == .featureNotSupported, statement.columns != nil {
            statements.forget(statement)
        } else {
            return
        }
        retryable = error
    }

    private func lose(_ failure: LinkFailure) -> PostgresError {
        if case .deadlinePassed = failure { gate.cancelAbandoned() }
        return lose(failure.connectionFailure)
    }

    private func lose(_ failure: ConnectionFailure) -> PostgresError {
        loss = loss ?? failure
        return .connectionLost(loss ?? failure)
    }
}

extension SQLState {
    /// Nil for the errors that libpq makes up itself, which have no code.
    fileprivate var ifKnown: SQLState? { rawValue.isEmpty ? nil : self }
}

extension SQL {
    /// Calls `body` with the binds' types.
    fileprivate func withTypes(_ body: (UnsafePointer<UInt32>?) -> Int32) -> Int32 {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: max(1, binds.count)) { types in
            for index in binds.indices { types[index] = binds[index].type }
            return body(types.baseAddress)
        }
    }

    /// Calls `body` with pointers to the binds' bytes, their lengths and their formats, all binary.
    fileprivate func withParameters(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> Int32
    ) -> Int32 {
        if binds.isEmpty { return body(nil, nil, nil) }
        let count = binds.count
        return withUnsafeTemporaryAllocation(of: UnsafePointer<CChar>?.self, capacity: count) { values in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: count * 2) { numbers in
                self.values.bytes.withUnsafeBytes { bytes in
                    // An empty value still needs an address, for libpq takes none to mean NULL.
                    withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { empty in
                        for (index, bind) in binds.enumerated() {
                            let start = bytes.baseAddress.map { $0 + bind.start } ?? UnsafeRawPointer(empty.baseAddress)
                            values[index] = bind.isNull ? nil : start?.assumingMemoryBound(to: CChar.self)
                            numbers[index] = Int32(max(0, bind.length))
                            numbers[count + index] = 1
                        }
                        return body(
                            UnsafePointer(values.baseAddress),
                            UnsafePointer(numbers.baseAddress),
                            numbers.baseAddress.map { UnsafePointer($0 + count) }
                        )
                    }
                }
            }
        }
    }
}
