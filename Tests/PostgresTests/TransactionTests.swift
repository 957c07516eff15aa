import Model
import Postgres
import TestSupport
import Testing

private struct Refusal: Error, Equatable {
    let reason: String
}

/// A database with a table of counters, which transactions get in each other's way over.
private func withCounters(_ body: (ConnectionPool) async throws -> Void) async throws {
    try await withEmptyDatabase { database in
        let pool = try database.pool(size: 8)
        try await pool.transaction { session in
            try session.execute("create table counter (id int8 primary key, value int8 not null)")
            try session.execute("insert into counter values (1, 0), (2, 0)")
        }
        try await body(pool)
    }
}

extension ConnectionPool {
    fileprivate func values() async throws -> [Int] {
        try await autocommit { try $0.query("select value from counter order by id") { try $0[0] } }
    }
}

@Suite("Transactions")
struct TransactionTests {
    @Test("What the body returns is committed, what it throws is rolled back, and its error is kept")
    func commitsAndRollsBack() async throws {
        try await withCounters { pool in
            try await pool.transaction { try $0.execute("update counter set value = 5 where id = 1") }
            await #expect(throws: Refusal(reason: "no")) {
                try await pool.transaction { session in
                    try session.execute("update counter set value = 9 where id = 1")
                    throw Refusal(reason: "no")
                }
            }
            #expect(try await pool.values() == [5, 0])
            #expect(pool.usage.open <= 1)
        }
    }

    @Test("An error of the server says which constraint, and the connection is used again")
    func reportsConstraint() async throws {
        try await withCounters { pool in
            let backend = try await pool.backend()
            do {
                try await pool.transaction { try $0.execute("insert into counter values (1, 1)") }
                Issue.record("the duplicate was accepted")
            } catch let error as PostgresError {
                #expect(error.sqlState == .uniqueViolation)
                #expect(error.constraint == "counter_pkey")
            }
            #expect(try await pool.backend() == backend)
        }
    }

    @Test("A body that swallows a statement's error commits nothing and gets that error")
    func failedTransactionCannotCommit() async throws {
        try await withCounters { pool in
            do {
                try await pool.transaction { session in
                    try session.execute("update counter set value = 5 where id = 1")
                    _ = try? session.execute("insert into counter values (1, 1)")
                    _ = try? session.execute("select 1")
                }
                Issue.record("it was committed")
            } catch let error as PostgresError {
                #expect(error.sqlState == .uniqueViolation)
            }
            #expect(try await pool.values() == [0, 0])
        }
    }

    @Test("A constraint that is checked at commit refuses the commit")
    func deferredConstraint() async throws {
        try await withCounters { pool in
            try await pool.transaction {
                try $0.execute(
                    "create table child (parent int8 references counter deferrable initially deferred)"
                )
            }
            do {
                try await pool.transaction { try $0.execute("insert into child values (99)") }
                Issue.record("it was committed")
            } catch let error as PostgresError {
                #expect(error.sqlState == .foreignKeyViolation)
            }
        }
    }

    @Test("A body without statements needs no server")
    func emptyBody() async throws {
        try await withCounters { pool async throws in
            #expect(try await pool.transaction { _ in 7 } == 7)
        }
    }

    @Test("A serialization failure runs the whole body again, until it succeeds")
    func retriesSerializationFailures() async throws {
        try await withCounters { pool in
            let runs = Counter()
            try await withThrowingTaskGroup { group in
                for _ in 0..<6 {
                    group.addTask {
                        try await pool.transaction(TransactionOptions(isolation: .serializable, retries: 50)) {
                            session in
                            runs.increment()
                            let value: Int = try session.one("select value from counter where id = 1") { try $0[0] }
                            try session.execute("select pg_sleep(0.02)")
                            try session.execute("update counter set value = \(value + 1) where id = 1")
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await pool.values() == [6, 0])
            #expect(runs.count > 6)
        }
    }

    @Test("Retries are bounded, and the last failure is what the caller gets")
    func boundsRetries() async throws {
        try await withCounters { pool in
            let runs = Counter()
            do {
                try await pool.transaction(TransactionOptions(retries: 2)) { session in
                    runs.increment()
                    try session.execute("do $$ begin raise exception 'x' using errcode = '40001'; end $$")
                }
                Issue.record("it was committed")
            } catch let error as PostgresError {
                #expect(error.sqlState == .serializationFailure)
            }
            #expect(runs.count == 3)
        }
    }

    @Test("Who is told of a serialization failure in its own words is retried all the same")
    func retriesTranslatedFailures() async throws {
        try await withCounters { pool in
            let runs = Counter()
            try await pool.transaction { session in
                guard runs.increment() == 1 else { return }
                do {
                    try session.execute("do $$ begin raise exception 'x' using errcode = '40P01'; end $$")
                } catch {
                    throw Refusal(reason: "translated")
                }
            }
            #expect(runs.count == 2)
        }
    }

    @Test("Other errors are not retried")
    func doesNotRetryOthers() async throws {
        try await withCounters { pool in
            let runs = Counter()
            await #expect(throws: PostgresError.self) {
                try await pool.transaction { session in
                    runs.increment()
                    try session.execute("insert into counter values (1, 1)")
                }
            }
            #expect(runs.count == 1)
        }
    }

    @Test("The victim of a deadlock is run again, and both come through")
    func retriesDeadlocks() async throws {
        try await withCounters { pool in
            let runs = Counter()
            // Each has its first row before either asks for its second.
            let held = Counter()
            let increment: @Sendable (Int, Int) async throws -> Void = { first, second in
                try await pool.transaction { session in
                    runs.increment()
                    try session.execute("set local deadlock_timeout = '50ms'")
                    try session.execute("update counter set value = value + 1 where id = \(first)")
                    held.increment()
                    while held.count < 2 { try session.execute("select pg_sleep(0.005)") }
                    try session.execute("update counter set value = value + 1 where id = \(second)")
                }
            }
            async let one: Void = increment(1, 2)
            async let other: Void = increment(2, 1)
            _ = try await (one, other)
            #expect(try await pool.values() == [2, 2])
            #expect(runs.count == 3)
        }
    }

    @Test("A read-only transaction refuses to write, and its session is not used again")
    func readOnly() async throws {
        try await withCounters { pool in
            let backend = try await pool.backend()
            do {
                try await pool.transaction(TransactionOptions(isReadOnly: true)) {
                    try $0.execute("update counter set value = 1")
                }
                Issue.record("it wrote")
            } catch let error as PostgresError {
                #expect(error.sqlState == .readOnly)
            }
            #expect(try await pool.backend() != backend)
        }
    }

    @Test("A transaction's own statement timeout holds in it and not after it")
    func statementTimeout() async throws {
        try await withCounters { pool in
            let options = TransactionOptions(statementTimeout: .milliseconds(50))
            do {
                try await pool.transaction(options) { try $0.execute("select pg_sleep(3)") }
                Issue.record("it was not stopped")
            } catch let error as PostgresError {
                #expect(error.sqlState == .queryCanceled)
            }
            let limit: String = try await pool.autocommit { try $0.one("show statement_timeout") { try $0[0] } }
            #expect(limit == "5s")
        }
    }

    @Test("A savepoint undoes its own part and nothing else")
    func savepoints() async throws {
        try await withCounters { pool in
            try await pool.transaction { session in
                try session.execute("update counter set value = 1 where id = 1")
                expectThrows(Refusal.self) {
                    try session.savepoint {
                        try session.execute("update counter set value = 9 where id = 1")
                        throw Refusal(reason: "undo")
                    }
                }
                expectThrows(PostgresError.self) {
                    try session.savepoint { _ = try session.execute("insert into counter values (1, 1)") }
                }
                // An error swallowed inside fails the savepoint, not the transaction.
                expectThrows(PostgresError.self) {
                    try session.savepoint { _ = try? session.execute("insert into counter values (2, 1)") }
                }
                try session.savepoint {
                    try session.execute("update counter set value = value + 1 where id = 2")
                    expectThrows(Refusal.self) {
                        try session.savepoint {
                            try session.savepoint {
                                _ = try session.execute("update counter set value = 7 where id = 2")
                            }
                            throw Refusal(reason: "undo the inner two")
                        }
                    }
                    try session.savepoint {}
                    expectThrows(Refusal.self) {
                        try session.savepoint { throw Refusal(reason: "nothing was sent") }
                    }
                }
            }
            #expect(try await pool.values() == [1, 1])
        }
    }

    @Test("A script of several statements runs whole, within the transaction")
    func scripts() async throws {
        try await withCounters { pool in
            try await pool.transaction { session in
                try session.execute(
                    script: "create table a (x int8); insert into a values (1); insert into a values (2)"
                )
                #expect(try session.value("select count(*) from a", as: Int.self) == 2)
            }
            await #expect(throws: PostgresError.self) {
                try await pool.transaction { session in
                    try session.execute(script: "drop table a; select 1/0; select 1")
                }
            }
            #expect(try await pool.autocommit { try $0.value("select count(*) from a", as: Int.self) } == 2)
        }
    }

    @Test("The session speaks UTC and ends transactions that idle")
    func sessionSettings() async throws {
        try await withCounters { pool in
            let settings: [String] = try await pool.autocommit { session in
                try ["timezone", "idle_in_transaction_session_timeout", "statement_timeout", "client_encoding"].map {
                    name in
                    try session.one("select current_setting(\(name))") { try $0[0] }
                }
            }
            #expect(settings == ["UTC", "2s", "5s", "UTF8"])
        }
    }

    @Test("A body that idles longer than a transaction may is ended, and known not to be committed")
    func idleInTransaction() async throws {
        try await withEmptyDatabase { database in
            var configuration = try database.configuration()
            configuration.idleInTransactionTimeout = .milliseconds(50)
            let pool = database.pool(configuration, PoolConfiguration(size: 1, waitTimeout: .seconds(60)))
            do {
                try await pool.transaction { session in
                    try session.execute("create table t (x int8)")
                    let wake = ContinuousClock.now + .milliseconds(400)
                    while ContinuousClock.now < wake {}
                }
                Issue.record("it was committed")
            } catch PostgresError.connectionLost(let failure) {
                #expect(failure.sqlState == .idleInTransactionTimeout)
            }
            #expect(try await pool.autocommit { try $0.one("select to_regclass('t') is null") { try $0[0] } })
        }
    }

    @Test("Counting rows: one, none, too many")
    func rowCounts() async throws {
        try await withCounters { pool async throws in
            try await pool.autocommit { session throws in
                #expect(try session.firstValue("select value from counter where id = 77", as: Int.self) == nil)
                #expect(try session.firstValue("select value from counter", as: Int.self) == 0)
                for sql in ["select value from counter", "select value from counter where false"] as [SQL] {
                    expectThrows(PostgresError.self) { try session.value(sql, as: Int.self) }
                }
                #expect(try session.execute("update counter set value = 3") == 2)
                #expect(try session.execute("select * from counter") == 2)
                #expect(try session.execute("create table other ()") == 0)
            }
        }
    }
}

extension ConnectionPool {
    /// The process that serves the next transaction.
    func backend() async throws -> Int {
        try await autocommit { try $0.one("select pg_backend_pid()") { try $0[0] } }
    }
}
