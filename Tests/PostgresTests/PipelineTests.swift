import Postgres
import TestSupport
import Testing

@Suite("Pipelines")
struct PipelineTests {
    @Test("A pipeline's statements run in order, each with its count")
    func runsInOrder() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            let counts = try await pool.transaction { session in
                try session.pipeline([
                    "create table t (x int8)", "insert into t values (\(1)), (\(2))", "update t set x = x + 1",
                    "insert into t values (\(7))", "select * from t",
                ])
            }
            #expect(counts == [0, 2, 2, 1, 3])
            #expect(try await pool.transaction { try $0.pipeline([]) } == [])
        }
    }

    @Test("An error in the middle keeps the rest from running, and undoes the transaction")
    func failsInTheMiddle() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            try await pool.autocommit { try $0.execute("create table t (x int8 primary key)") }
            let backend = try await pool.backend()
            for _ in 0..<2 {
                do {
                    try await pool.transaction { session in
                        try session.pipeline([
                            "insert into t values (1)", "insert into t values (1)", "insert into nowhere values (1)",
                        ])
                    }
                    Issue.record("it was committed")
                } catch let error as PostgresError {
                    #expect(error.sqlState == .uniqueViolation)
                }
            }
            #expect(try await pool.autocommit { try $0.value("select count(*) from t", as: Int.self) } == 0)
            #expect(try await pool.backend() == backend)
        }
    }

    @Test("After an error in the middle the savepoint around it can be undone, and the connection is in step")
    func savepointAroundPipeline() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            try await pool.transaction { session in
                try session.execute("create table t (x int8 primary key)")
                expectThrows(PostgresError.self) {
                    try session.savepoint {
                        _ = try session.pipeline(["insert into t values (1)", "select 1/0", "insert into t values (2)"])
                    }
                }
                #expect(try session.pipeline(["insert into t values (3)", "select * from t"]) == [1, 1])
            }
        }
    }

    @Test("Outside a transaction a pipeline takes effect whole or not at all")
    func isAtomicByItself() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            try await pool.autocommit { try $0.execute("create table t (x int8 primary key)") }
            await #expect(throws: PostgresError.self) {
                try await pool.autocommit { try $0.pipeline(["insert into t values (1)", "insert into t values (1)"]) }
            }
            #expect(try await pool.autocommit { try $0.value("select count(*) from t", as: Int.self) } == 0)
        }
    }

    @Test("A statement that occurs twice in a pipeline is prepared once, and one that is unknown fails alone next time")
    func preparesOnce() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            try await pool.transaction { session in
                try session.execute("create table t (x int8)")
                try session.pipeline((0..<300).map { "insert into t values (\($0))" })
                let prepared: Int = try session.one(
                    "select count(*) from pg_prepared_statements where statement like 'insert%'"
                ) { try $0[0] }
                #expect(prepared == 1)
                #expect(try session.value("select sum(x) from t", as: Int.self) == 300 * 299 / 2)
            }
        }
    }

    @Test("Several questions are asked in one round trip, each sees what those before it did, and none of nothing")
    func asksTogether() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            try await pool.transaction { session in
                try session.execute("create table t (x int8)")
                let (added, none, all) = try session.pipeline(
                    Query("insert into t values (1), (2) returning x::text") { try $0[0] as String },
                    Query(nil) { try $0[0] as Bool },
                    Query("select x from t order by x") { try $0[0] as Int64 }
                )
                #expect(added == ["1", "2"] && none.isEmpty && all == [1, 2])
            }
        }
    }

    @Test("What is enqueued costs no round trip: it travels with the next statement, or with the commit")
    func enqueues() async throws {
        try await withEmptyDatabase { database in
            try await HalfOpenProxy.with(database) { proxy in
                let pool = database.pool(try proxy.configuration(database), PoolConfiguration(size: 1))
                try await pool.autocommit { try $0.execute("create table t (x int8 primary key)") }
                func roundTrips(_ body: @escaping @Sendable (borrowing Session) throws -> Void) async throws -> Int {
                    let before = proxy.roundTripCount
                    try await pool.transaction { try body($0) }
                    return proxy.roundTripCount - before
                }
                let asked = try await roundTrips { session in
                    try session.enqueue(["insert into t values (1)"])
                    #expect(try session.value("select count(*) from t", as: Int.self) == 1)
                    try session.enqueue(["insert into t values (2)", "insert into t values (3)"])
                }
                #expect(asked == 2)
                #expect(try await roundTrips { try $0.enqueue(["insert into t values (4)"]) } == 1)
                #expect(try await roundTrips { _ in } == 0)
                try await pool.autocommit { try $0.enqueue(["insert into t values (5)"]) }
                #expect(try await pool.autocommit { try $0.value("select count(*) from t", as: Int.self) } == 5)
            }
        }
    }

    @Test(
        "When what is enqueued fails, the transaction fails, and only the savepoint that it was enqueued in is undone"
    )
    func enqueuedFailure() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            try await pool.autocommit { try $0.execute("create table t (x int8 primary key)") }
            let backend = try await pool.backend()
            let error = await #expect(throws: PostgresError.self) {
                try await pool.transaction { try $0.enqueue(["insert into t values (1)", "insert into t values (1)"]) }
            }
            #expect(error?.sqlState == .uniqueViolation)
            try await pool.transaction { session in
                try session.enqueue(["insert into t values (2)"])
                expectThrows(PostgresError.self) {
                    try session.savepoint { try session.enqueue(["insert into t values (3)", "select 1/0"]) }
                }
                try session.savepoint { try session.enqueue(["insert into t values (4)"]) }
            }
            #expect(
                try await pool.autocommit { try $0.query("select x from t order by x") { try $0[0] as Int } } == [2, 4]
            )
            #expect(try await pool.backend() == backend)
        }
    }

    @Test("More than the socket holds goes both ways at once without a standstill")
    func largePipelines() async throws {
        try await withEmptyDatabase { database in
            let text = String(repeating: "汉", count: 300_000)
            let pool = try database.pool(size: 1)
            let counts = try await pool.transaction { session in
                try session.pipeline((0..<20).map { _ in "select \(text) from generate_series(1, 3)" })
            }
            #expect(counts == Array(repeating: 3, count: 20))
        }
    }
}
