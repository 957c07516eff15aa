import Postgres
import TestSupport
import Testing

@Suite("Cancellation")
struct CancellationTests {
    @Test("Cancelling the task cancels its statement at once, and the connection is used again")
    func cancelsStatement() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            let observer = try database.pool(size: 1)
            let backend = try await pool.backend()
            try await pool.autocommit { try $0.execute("create table t (x int8)") }
            let task = Task {
                try await pool.transaction { session in
                    try session.execute("insert into t values (1)")
                    try session.execute("select pg_sleep(4)")
                }
            }
            try await observer.untilSleeping()
            let start = ContinuousClock.now
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(ContinuousClock.now - start < .seconds(2))
            #expect(try await pool.backend() == backend)
            #expect(try await observer.autocommit { try $0.value("select count(*) from t", as: Int.self) } == 0)
        }
    }

    @Test("Cancelling an autocommitted statement works the same way")
    func cancelsAutocommit() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            let observer = try database.pool(size: 1)
            let task = Task { try await pool.autocommit { try $0.execute("select pg_sleep(4)") } }
            try await observer.untilSleeping()
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try await pool.autocommit { try $0.value("select 1", as: Int.self) } == 1)
        }
    }

    @Test("A task that is cancelled already runs nothing")
    func cancelledBefore() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            let runs = Counter()
            let task = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                try await pool.transaction { session in
                    try session.execute("select 1")
                    runs.increment()
                }
            }
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(runs.count == 0)
        }
    }

    @Test("A task that waits for a connection gives up its place when it is cancelled")
    func cancelsWaiting() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            let holder = Task { try await pool.transaction { try $0.execute("select pg_sleep(0.5)") } }
            try await eventually("the connection is taken") { pool.usage.inUse == 1 }
            let waiter = Task { try await pool.transaction { try $0.execute("select 1") } }
            try await eventually("somebody waits") { pool.usage.waiting == 1 }
            waiter.cancel()
            await #expect(throws: CancellationError.self) { try await waiter.value }
            #expect(pool.usage.waiting == 0)
            _ = try await holder.value
        }
    }

    @Test("A cancelled task whose body ignores it is not committed")
    func cancelledBodyIsNotCommitted() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            try await pool.autocommit { try $0.execute("create table t (x int8)") }
            let task = Task {
                try await pool.transaction { session in
                    try session.execute("insert into t values (1)")
                    withUnsafeCurrentTask { $0?.cancel() }
                }
            }
            await #expect(throws: CancellationError.self) { try await task.value }
            #expect(try await pool.autocommit { try $0.value("select count(*) from t", as: Int.self) } == 0)
        }
    }

    /// Each task is cancelled about when its statement ends.
    ///
    /// If a cancel outlived its transaction, it would hit the next
    /// user of the one connection, who is never cancelled and must never notice.
    @Test("A late cancel never hits the next user of the connection")
    func lateCancel() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            var counts = (cancelled: 0, finished: 0)
            for round in 0..<300 {
                let victim = Task {
                    try await pool.transaction { try $0.execute("select pg_sleep(0.001)") }
                }
                let bystander = Task {
                    try await pool.transaction { try $0.value("select pg_sleep(0.002)::text", as: String.self) }
                }
                try await Task.sleep(for: .microseconds(700 + round % 20 * 100))
                victim.cancel()
                switch await victim.result {
                case .success: counts.finished += 1
                case .failure(let error):
                    #expect(error is CancellationError)
                    counts.cancelled += 1
                }
                _ = try await bystander.value
            }
            #expect(counts.cancelled > 0 && counts.finished > 0, "the cancels must straddle the statements' ends")
        }
    }
}

extension ConnectionPool {
    /// Waits until a session of this database is in `pg_sleep`.
    func untilSleeping() async throws {
        try await eventually("a session sleeps") {
            try await self.autocommit { session in
                try session.one(
                    """
                    select exists (
                        select from pg_stat_activity
                        where datname = current_database() and wait_event = 'PgSleep' and pid <> pg_backend_pid()
                    )
                    """
                ) { try $0[0] }
            }
        }
    }
}
