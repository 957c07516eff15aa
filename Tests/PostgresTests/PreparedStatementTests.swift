import TestSupport
import Testing

@testable import Postgres

@Suite("Prepared statements")
struct PreparedStatementTests {
    @Test("The least recently used statement makes room, and its name is remembered to be given up")
    func evicts() {
        var cache = PreparedStatements(limit: 2)
        let first = cache.statement(for: "a")
        let second = cache.statement(for: "b")
        let again = cache.statement(for: "a")
        #expect(again === first)
        _ = cache.statement(for: "c")
        #expect(cache.count == 2)
        #expect(cache.discarded == [second.name])
        let kept = cache.statement(for: "a")
        #expect(kept === first)
        let discarded = cache.takeDiscarded()
        #expect(discarded == [second.name])
        #expect(cache.discarded.isEmpty)
        let renewed = cache.statement(for: "b")
        #expect(renewed !== second)
    }

    @Test("The same text with values of other types is another statement")
    func distinguishesTypes() {
        var cache = PreparedStatements(limit: 8)
        let number = cache.statement(for: "select \(1)")
        let text = cache.statement(for: "select \("x")")
        let other = cache.statement(for: "select \(2)")
        let null = cache.statement(for: "select \(nil as Int?)")
        #expect(number === other && number === null && number !== text)
    }

    @Test("The server holds no more statements than the limit, however many texts there are")
    func boundsTheServer() async throws {
        try await withEmptyDatabase { database in
            var configuration = try database.configuration()
            configuration.statementCacheSize = 8
            let pool = database.pool(configuration, PoolConfiguration(size: 1, waitTimeout: .seconds(60)))
            for number in 0..<40 {
                let sql = SQL(stringLiteral: "select \(number)")
                #expect(try await pool.autocommit { try $0.value(sql, as: Int.self) } == number)
                #expect(try await pool.transaction { try $0.value(sql, as: Int.self) } == number)
            }
            let count: Int = try await pool.autocommit { session in
                try session.one("select count(*) from pg_prepared_statements") { try $0[0] }
            }
            #expect(count <= 9 && count > 1)
        }
    }

    @Test("A statement whose columns changed is prepared anew")
    func survivesSchemaChanges() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            let other = try database.pool(size: 1)
            try await pool.autocommit { try $0.execute(script: "create table t (x int8); insert into t values (1)") }
            let read: @Sendable (borrowing Session) throws -> Int = { session in
                try session.one("select * from t") { try $0["x"] }
            }
            #expect(try await pool.transaction { try read($0) } == 1)
            try await other.autocommit { try $0.execute("alter table t add column y int8") }
            #expect(try await pool.transaction { try read($0) } == 1)
            try await other.autocommit { try $0.execute("alter table t drop column x, add column x int4 default 5") }
            #expect(try await pool.transaction { try read($0) } == 5)
        }
    }

    @Test("A session whose prepared statements were discarded prepares them again")
    func survivesDiscard() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            #expect(try await pool.transaction { try $0.value("select 1", as: Int.self) } == 1)
            try await pool.autocommit { try $0.execute(script: "deallocate all") }
            #expect(try await pool.transaction { try $0.value("select 1", as: Int.self) } == 1)
        }
    }

    @Test("A statement that does not parse fails each time it is tried, and spoils nothing")
    func syntaxErrors() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool(size: 1)
            for _ in 0..<3 {
                do {
                    try await pool.transaction { try $0.execute("selec 1") }
                    Issue.record("it parsed")
                } catch let error as PostgresError {
                    #expect(error.sqlState == .syntaxError)
                }
            }
            #expect(try await pool.transaction { try $0.value("select 1", as: Int.self) } == 1)
        }
    }
}
