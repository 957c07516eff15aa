import Foundation
import Logging
import Postgres
import ServiceLifecycle
import TestSupport
import Testing

@Suite("The pool")
struct PoolTests {
    @Test("When no connection becomes free in time, the caller is told to come back later")
    func exhaustion() async throws {
        try await withEmptyDatabase { database in
            let limits = PoolConfiguration(size: 2, waitTimeout: .milliseconds(200))
            let pool = database.pool(try database.configuration(), limits)
            let holders = (0..<2).map { _ in
                Task { try await pool.transaction { try $0.execute("select pg_sleep(1)") } }
            }
            try await eventually("both connections are taken") { pool.usage.inUse == 2 }
            let start = ContinuousClock.now
            do {
                try await pool.transaction { try $0.execute("select 1") }
                Issue.record("there was a third connection")
            } catch let error as PostgresError {
                guard case .poolExhausted(let retryAfter) = error else { throw error }
                #expect(retryAfter > .zero)
                #expect(error.retryAfter == retryAfter)
            }
            let waited = ContinuousClock.now - start
            #expect(waited >= .milliseconds(190) && waited < .milliseconds(900))
            for holder in holders { _ = try await holder.value }
            try await pool.transaction { try $0.execute("select 1") }
        }
    }

    @Test("More callers than connections all get their turn, and no more connections are opened")
    func shares() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 3)
            let backends = try await withThrowingTaskGroup { group in
                for _ in 0..<200 { group.addTask { try await pool.backend() } }
                return try await group.reduce(into: Set<Int>()) { $0.insert($1) }
            }
            #expect(backends.count <= 3)
            #expect(pool.usage == PoolUsage(open: backends.count, inUse: 0, waiting: 0))
        }
    }

    @Test("A backend killed while idle is noticed before anything is sent on it")
    func killedWhileIdle() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 3)
            let observer = try database.pool(size: 1)
            try await withThrowingTaskGroup { group in
                for _ in 0..<3 {
                    group.addTask { try await pool.autocommit { try $0.execute("select pg_sleep(0.1)") } }
                }
                try await group.waitForAll()
            }
            try await observer.killOthers()
            let runs = Counter()
            let backend = try await pool.transaction { session in
                runs.increment()
                return try session.value("select pg_backend_pid()", as: Int.self)
            }
            #expect(backend > 0 && runs.count == 1)
            try await eventually("the dead are gone") { pool.usage.open == 1 }
        }
    }

    @Test("A backend killed in a transaction loses it, and the pool goes on")
    func killedInTransaction() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            let observer = try database.pool(size: 1)
            try await pool.autocommit { try $0.execute("create table t (x int8)") }
            let task = Task {
                try await pool.transaction { session in
                    try session.execute("insert into t values (1)")
                    try session.execute("select pg_sleep(4)")
                }
            }
            try await observer.untilSleeping()
            try await observer.killOthers()
            do {
                try await task.value
                Issue.record("it was committed")
            } catch PostgresError.connectionLost(let failure) {
                #expect(failure.sqlState == .adminShutdown)
            }
            #expect(try await pool.autocommit { try $0.value("select count(*) from t", as: Int.self) } == 0)
        }
    }

    @Test("Through a restart and a crash of the server work resumes by itself")
    func serverRestart() async throws {
        try await TemporaryCluster.with { cluster in
            let pool = ConnectionPool(try cluster.configuration(), pool: PoolConfiguration(size: 4), logger: .silent)
            _ = try await pool.backend()
            try await cluster.stop()
            do {
                _ = try await pool.backend()
                Issue.record("there is no server")
            } catch let error as PostgresError {
                #expect(error.retryAfter != nil)
            }
            // Known to be down for longer than anybody would wait: refused without waiting.
            let start = ContinuousClock.now
            for _ in 0..<50 { await #expect(throws: PostgresError.self) { try await pool.backend() } }
            #expect(ContinuousClock.now - start < .seconds(10))
            try await cluster.start()
            try await eventually("it works again") { (try? await pool.backend()) != nil }
            try await cluster.stopImmediately()
            try await cluster.start()
            try await eventually("it works again") { (try? await pool.backend()) != nil }
            await pool.shutdown()
        }
    }

    @Test("A connection lives no longer than it may")
    func lifetime() async throws {
        try await withEmptyDatabase { database in
            let limits = PoolConfiguration(size: 1, maximumLifetime: .milliseconds(100))
            let pool = database.pool(try database.configuration(), limits)
            let first = try await pool.backend()
            try await eventually("it was replaced") { try await pool.backend() != first }
        }
    }

    @Test("A connection that nobody uses is closed")
    func idleTimeout() async throws {
        try await withEmptyDatabase { database in
            let limits = PoolConfiguration(size: 1, idleTimeout: .milliseconds(100))
            let pool = database.pool(try database.configuration(), limits)
            _ = try await pool.backend()
            #expect(pool.usage.open == 1)
            try await eventually("it was closed") { pool.usage.open == 0 }
        }
    }

    @Test("Shutting down refuses new work, lets what is in hand finish, and closes everything")
    func shutdown() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 2)
            let observer = try database.pool(size: 1)
            let task = Task {
                try await pool.transaction {
                    try $0.value("select pg_sleep(0.3)::text || 'done'", as: String.self)
                }
            }
            try await observer.untilSleeping()
            await pool.shutdown()
            #expect(try await task.value == "done")
            #expect(pool.usage == PoolUsage(open: 0, inUse: 0, waiting: 0))
            await #expect(throws: PostgresError.self) { try await pool.backend() }
            try await eventually("only the observer is connected") { try await observer.sessionCount() == 1 }
        }
    }

    @Test("In a service group it closes at graceful shutdown")
    func service() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            let group = ServiceGroup(services: [pool], logger: .silent)
            let running = Task { try await group.run() }
            _ = try await pool.backend()
            await group.triggerGracefulShutdown()
            try await running.value
            #expect(pool.usage.open == 0)
        }
    }

    @Test("Pools come and go without leaving connections or descriptors behind")
    func leaksNothing() async throws {
        try await withEmptyDatabase { database in
            let observer = try database.pool(size: 1)
            _ = try await observer.backend()
            for _ in 0..<10 {
                let pool = ConnectionPool(
                    try database.configuration(),
                    pool: PoolConfiguration(size: 5),
                    logger: .silent
                )
                try await withThrowingTaskGroup { group in
                    for _ in 0..<20 { group.addTask { _ = try await pool.backend() } }
                    try await group.waitForAll()
                }
                await pool.shutdown()
                // This one is not shut down, only let go.
                let forgotten = ConnectionPool(try database.configuration(), logger: .silent)
                _ = try await forgotten.backend()
                let refused = ConnectionPool(
                    try ConnectionConfiguration(url: database.url() + "_none"),
                    pool: PoolConfiguration(size: 1, waitTimeout: .milliseconds(30)),
                    logger: .silent
                )
                await #expect(throws: PostgresError.self) { try await refused.backend() }
                await refused.shutdown()
            }
            try await eventually("only the observer is connected") { try await observer.sessionCount() == 1 }
            // Other tests come and go meanwhile; what leaked here would be in the hundreds, and would stay.
            try await eventually("descriptors and threads are few") {
                Self.descriptorCount() < 200 && Self.threadCount() < 150
            }
        }
    }

    private static func descriptorCount() -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
    }

    private static func threadCount() -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count) ?? 0
    }
}

extension ConnectionPool {
    /// Ends all sessions of this database but this one.
    func killOthers() async throws {
        try await autocommit { session in
            try session.execute(
                """
                select pg_terminate_backend(pid, 5000) from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid()
                """
            )
        }
    }

    /// How many sessions this database has.
    func sessionCount() async throws -> Int {
        try await autocommit { session in
            try session.one("select count(*) from pg_stat_activity where datname = current_database()") { try $0[0] }
        }
    }
}
