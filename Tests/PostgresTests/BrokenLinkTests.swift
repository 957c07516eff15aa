import Postgres
import TestSupport
import Testing

@Suite("Links that break")
struct BrokenLinkTests {
    @Test("On a dead link the client's own deadline ends the wait, and the next caller gets another connection")
    func deadLink() async throws {
        try await withEmptyDatabase { database in
            try await HalfOpenProxy.with(database) { proxy in
                let pool = database.pool(try proxy.configuration(database), PoolConfiguration(size: 1))
                try await pool.autocommit { try $0.execute("create table t (x int8)") }
                let start = ContinuousClock.now
                do {
                    try await pool.transaction { session in
                        try session.execute("insert into t values (1)")
                        proxy.behave(.blackHole)
                        try session.execute("insert into t values (2)")
                    }
                    Issue.record("something answered")
                } catch PostgresError.connectionLost {
                    let waited = ContinuousClock.now - start
                    #expect(waited >= .milliseconds(450) && waited < .seconds(3))
                }
                proxy.behave(.forward)
                #expect(try await pool.autocommit { try $0.value("select count(*) from t", as: Int.self) } == 0)
            }
        }
    }

    @Test("A large statement on a dead link does not hang in sending either")
    func deadLinkWhileSending() async throws {
        try await withEmptyDatabase { database in
            try await HalfOpenProxy.with(database) { proxy in
                let pool = database.pool(try proxy.configuration(database), PoolConfiguration(size: 1))
                _ = try await pool.backend()
                proxy.behave(.blackHole)
                let text = String(repeating: "x", count: 5_000_000)
                let start = ContinuousClock.now
                await #expect(throws: PostgresError.self) {
                    try await pool.transaction { try $0.execute("select length(\(text))") }
                }
                #expect(ContinuousClock.now - start < .seconds(3))
            }
        }
    }

    @Test(
        "A commit whose answer is lost is reported as such: by a dead link, and by a cut one",
        arguments: [
            HalfOpenProxy.Behaviour.loseAnswers, .cutAtAnswer,
        ]
    )
    func lostCommit(_ behaviour: HalfOpenProxy.Behaviour) async throws {
        try await withEmptyDatabase { database in
            try await HalfOpenProxy.with(database) { proxy in
                let direct = try database.pool(size: 1)
                try await direct.autocommit { try $0.execute("create table t (x int8)") }
                let pool = database.pool(try proxy.configuration(database), PoolConfiguration(size: 1))
                do {
                    try await pool.transaction { session in
                        try session.execute("insert into t values (1)")
                        proxy.behave(behaviour)
                    }
                    Issue.record("something answered")
                } catch let error as PostgresError {
                    guard case .commitOutcomeUnknown = error else { throw error }
                    #expect(error.retryAfter != nil)
                }
                // It did happen, which the client could not know.
                try await eventually("it was committed") {
                    try await direct.autocommit { try $0.value("select count(*) from t", as: Int.self) } == 1
                }
                proxy.behave(.forward)
                #expect(try await pool.autocommit { try $0.value("select 1", as: Int.self) } == 1)
            }
        }
    }

    @Test("A statement outside a transaction whose answer is lost has an unknown outcome too")
    func lostAutocommit() async throws {
        try await withEmptyDatabase { database in
            try await HalfOpenProxy.with(database) { proxy in
                let pool = database.pool(try proxy.configuration(database), PoolConfiguration(size: 1))
                _ = try await pool.backend()
                proxy.behave(.cutAtAnswer)
                do {
                    try await pool.autocommit { try $0.execute("create table t (x int8)") }
                    Issue.record("something answered")
                } catch PostgresError.commitOutcomeUnknown {}
            }
        }
    }

    @Test("A connection cut while idle is not lent again")
    func cutWhileIdle() async throws {
        try await withEmptyDatabase { database in
            try await HalfOpenProxy.with(database) { proxy in
                let pool = database.pool(try proxy.configuration(database), PoolConfiguration(size: 1))
                let backend = try await pool.backend()
                try await Task.sleep(for: .milliseconds(20))
                proxy.cut()
                try await Task.sleep(for: .milliseconds(50))
                #expect(try await pool.backend() != backend)
                #expect(proxy.acceptedCount == 2)
            }
        }
    }

    @Test("Connecting to a host that accepts and says nothing ends after the connect timeout")
    func silentHost() async throws {
        try await withEmptyDatabase { database in
            try await HalfOpenProxy.with(database) { proxy in
                proxy.behave(.blackHole)
                var configuration = try proxy.configuration(database)
                configuration.connectTimeout = .seconds(2)
                let pool = database.pool(configuration, PoolConfiguration(size: 1, waitTimeout: .seconds(6)))
                let start = ContinuousClock.now
                let task = Task { try await pool.backend() }
                try await Task.sleep(for: .milliseconds(500))
                proxy.behave(.forward)
                // The first attempt stays unanswered until its timeout; the next one succeeds.
                #expect(try await task.value > 0)
                #expect(ContinuousClock.now - start < .seconds(5))
            }
        }
    }

    @Test("A slow answer within the deadline is no failure")
    func slowAnswers() async throws {
        try await withEmptyDatabase { database in
            try await HalfOpenProxy.with(database) { proxy in
                let pool = database.pool(try proxy.configuration(database), PoolConfiguration(size: 1))
                _ = try await pool.backend()
                proxy.behave(.delayAnswers(.milliseconds(100)))
                try await pool.transaction { try $0.execute("create table t (x int8)") }
                proxy.behave(.forward)
                #expect(try await pool.autocommit { try $0.value("select count(*) from t", as: Int.self) } == 0)
            }
        }
    }
}
