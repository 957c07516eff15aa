import Logging
import Model
import Postgres
import ServiceKit

/// Brings in past orders, a batch of lines at a time: while one is being stored, the next is read and judged.
///
/// Each batch is one transaction, with how far the import has come: whoever breaks off goes on there, or begins again, and no order is there
/// twice.
struct ImportOrders: Sendable {
    /// How often a batch is tried while others place and pay what it names.
    private static let attempts = 5

    private let pool: ConnectionPool
    private let imports = ImportStore()

    init(pool: ConnectionPool) {
        self.pool = pool
    }

    /// Which lines are sent.
    struct Request: Sendable {
        var key: ImportKey
        /// The number of the first of them.
        var firstLine: Int64
        var context: ImportContext
    }

    /// Imports lines until there are no more; what became of the import by then.
    ///
    /// When they break off, those that came whole are imported all the same.
    func callAsFunction<Lines: AsyncSequence<BodyLines.Line, any Error>>(
        _ lines: Lines,
        of request: Request,
        logger: Logger
    ) async throws -> OrderImport {
        let began = ContinuousClock.now
        let key = request.key
        let before = try await begin(request)
        guard request.firstLine <= before.nextLine else {
            let detail = "must be at most \(before.nextLine): lines between would be missing"
            throw Problem.validation([Fault("/from_line", detail, in: .query)])
        }
        var failure: (any Error)?
        do {
            try await store(lines, of: request)
        } catch {
            failure = error
        }
        let after = try await found(key)
        let event: LoggedEvent = failure == nil ? .ordersImported : .ordersImportBrokenOff
        logger.record(
            event,
            [
                .subject: .string(key.id), .actor: .actor(request.context.actor),
                .handled: .integer(after.nextLine - before.nextLine),
                .count: .integer(after.imported - before.imported),
                .failed: .integer(after.faulty), .durationMilliseconds: .milliseconds(ContinuousClock.now - began),
            ]
        )
        if let failure { throw failure }
        return after
    }

    private func begin(_ request: Request) async throws -> OrderImport {
        try await pool.autocommit { [imports] session in
            try imports.begin(request.key, by: request.context.actor, at: request.context.now, in: session)
        }
        return try await found(request.key)
    }

    private func found(_ key: ImportKey) async throws -> OrderImport {
        guard let state = try await pool.autocommit({ [imports] in try imports.find(key, in: $0) }) else {
            throw Problem.notFound
        }
        return state
    }

    private func store<Lines: AsyncSequence<BodyLines.Line, any Error>>(
        _ lines: Lines,
        of request: Request
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { storing in
            var batch = ImportBatch(firstLine: request.firstLine)
            var end: (any Error)?
            do {
                for try await line in lines {
                    batch.add(line, in: request.context)
                    guard batch.isFull else { continue }
                    let full = batch
                    batch = ImportBatch(firstLine: full.nextLine)
                    // One batch is stored at a time, so that every line before the last one stored was judged.
                    _ = try await storing.next()
                    storing.addTask { try await store(full, of: request) }
                }
            } catch {
                end = error
            }
            try await storing.waitForAll()
            if !batch.isEmpty { try await store(batch, of: request) }
            if let end { throw end }
        }
    }

    private func store(_ batch: ImportBatch, of request: Request) async throws {
        for _ in 1..<Self.attempts {
            do {
                return try await storeOnce(batch, of: request)
            } catch let error as PostgresError where error.wasOvertaken {
                continue
            }
        }
        try await storeOnce(batch, of: request)
    }

    private func storeOnce(_ batch: ImportBatch, of request: Request) async throws {
        try await pool.transaction { [imports] session in
            let knowledge = try imports.knowledge(of: batch, for: request.key, in: session)
            let verdict = batch.judged(knowing: knowledge, in: request.context)
            try session.enqueue(imports.statements(for: verdict, of: batch, into: request.key, in: request.context))
        }
    }
}

extension PostgresError {
    /// Whether somebody placed an order or reported a payment between the look and the writing: another look will see it.
    fileprivate var wasOvertaken: Bool {
        sqlState == .uniqueViolation || constraint == "payment_allocation_within_payment"
    }
}
