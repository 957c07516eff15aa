import Foundation
import Logging
import Postgres
import TestSupport
import Testing

@testable import Schema

@Suite("Migrating")
struct MigratorTests {
    private func number(_ pool: ConnectionPool, _ sql: SQL) async throws -> Int {
        try await pool.autocommit { session in try session.one(sql) { try $0[0] } }
    }

    /// An address with another login.
    private func logged(in login: String, to address: String) -> String {
        address.replacingOccurrences(of: "//[^@]*@", with: "//\(login)@", options: .regularExpression)
    }

    @Test("Steps are numbered in rising order, and named as their files")
    func numbering() {
        let versions = Migration.all.map(\.version)
        #expect(versions == versions.sorted() && Set(versions).count == versions.count)
        #expect(Set(Migration.all.map(\.name)).count == versions.count)
        #expect(Migration.all.allSatisfy { $0.minimumCompatible <= $0.version && !$0.script.isEmpty })
        #expect(Schema.version == versions.last)
    }

    @Test("Several migrators at once bring an empty database up to date, each step once")
    func concurrent() async throws {
        try await withEmptyDatabase { database in
            let configuration = try database.configuration()
            let applied = try await withThrowingTaskGroup(of: [Int].self) { group in
                for _ in 0..<5 {
                    group.addTask { try await Migrator(configuration, logger: .silent).run().map(\.version) }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(applied.sorted() == Migration.all.map(\.version))
            let pool = try database.pool()
            #expect(try await number(pool, "select count(*) from campus.schema_version") == Migration.all.count)
            let again = try await Migrator(configuration, logger: .silent).run()
            #expect(again.isEmpty)
            try await Schema.check(try database.pool(as: .orderService))
        }
    }

    @Test("Databases of one cluster may be migrated at the same time, roles and all", .timeLimit(.minutes(1)))
    func severalDatabases() async throws {
        try await TemporaryCluster.with(settings: ["fsync=off"]) { cluster in
            let administration = ConnectionPool(try cluster.configuration(), logger: .silent)
            let names = (1...6).map { "campus_\($0)" }
            for name in names {
                try await administration.autocommit { session in
                    try session.execute(
                        "create database \(identifier: SQLIdentifier(validating: name)) template template0"
                    )
                }
            }
            let passwords = Dictionary(
                uniqueKeysWithValues: ServiceRole.allCases.map { ($0, "correct horse '\($0.rawValue)'") }
            )
            try await withThrowingTaskGroup(of: Void.self) { group in
                for name in names {
                    let configuration = try cluster.configuration(database: name)
                    group.addTask { try await Migrator(configuration, logger: .silent).run(passwords: passwords) }
                }
                try await group.waitForAll()
            }
            let roles = try await number(
                administration,
                "select count(*) from pg_roles where rolname ~ 'campus_|_service$'"
            )
            #expect(roles == 5)
            await administration.shutdown()

            // The passwords work: by TCP the server asks for them.
            let address = try cluster.url(database: "campus_1")
            let login = "notify_service:correct%20horse%20%27notify_service%27"
            let service = ConnectionPool(
                try ConnectionConfiguration(url: logged(in: login, to: address)),
                logger: .silent
            )
            try await Schema.check(service)
            await service.shutdown()
        }
    }

    @Test("Once the roles exist, campus_migrator migrates; objects belong to campus_owner")
    func asMigrator() async throws {
        try await withEmptyDatabase { database in
            let admin = try database.pool()
            let name = try SQLIdentifier(validating: database.name)
            // The cluster has its roles from the migrated template of these tests, or from this.
            try await withDatabase { _ in }
            await #expect(throws: SchemaError.self, "it may not create a schema in a database that is not its own") {
                try await Migrator(try database.configuration(as: .migrator), logger: .silent).run()
            }
            try await admin.autocommit { session in
                try session.execute("grant create on database \(identifier: name) to campus_migrator")
            }
            try await Migrator(try database.configuration(as: .migrator), logger: .silent).run()
            let others = try await number(
                admin,
                """
                select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname = 'campus' and pg_get_userbyid(c.relowner) <> 'campus_owner'
                """
            )
            #expect(others == 0)
        }
    }

    @Test("A login with CREATEROLE that owns the database runs the first migration, sets passwords, and migrates again")
    func asRoleCreator() async throws {
        try await TemporaryCluster.with(settings: ["fsync=off"]) { cluster in
            let administration = ConnectionPool(try cluster.configuration(), logger: .silent)
            try await administration.autocommit { session in
                try session.execute("create role installer login createrole password 'installer'")
                try session.execute("create database canteen owner installer template template0")
            }
            await administration.shutdown()
            let address = logged(in: "installer:installer", to: try cluster.url(database: "canteen"))
            let configuration = try ConnectionConfiguration(url: address)
            let applied = try await Migrator(configuration, logger: .silent).run(passwords: [.orders: "secret"])
            #expect(applied.map(\.version) == Migration.all.map(\.version))
            #expect(try await Migrator(configuration, logger: .silent).run().isEmpty)
            let service = ConnectionPool(
                try ConnectionConfiguration(url: logged(in: "order_service:secret", to: address)),
                logger: .silent
            )
            try await Schema.check(service)
            await service.shutdown()
        }
    }

    @Test("A login that may not create the roles is told what to do")
    func missingRoles() async throws {
        try await TemporaryCluster.with(settings: ["fsync=off"]) { cluster in
            let administration = ConnectionPool(try cluster.configuration(), logger: .silent)
            try await administration.autocommit { session in
                try session.execute(script: "create role weak login password 'weak'")
            }
            await administration.shutdown()
            let configuration = try ConnectionConfiguration(url: logged(in: "weak:weak", to: try cluster.url()))
            let error = await #expect(throws: SchemaError.self) {
                try await Migrator(configuration, logger: .silent).run()
            }
            let text = try #require(error).description
            #expect(text.contains("campus_owner does not exist") && text.contains("CREATEROLE"), "\(text)")
        }
    }

    @Test("A step that was edited after it ran is refused")
    func edited() async throws {
        try await withDatabase { database in
            let last = try #require(Migration.all.last)
            let edited =
                Array(Migration.all.dropLast()) + [
                    Migration(version: last.version, name: last.name, script: last.script + " ")
                ]
            await #expect(throws: SchemaError.edited(version: last.version, name: last.name)) {
                try await Migrator(try database.configuration(), migrations: edited, logger: .silent).run()
            }
        }
    }

    @Test("A step that fails leaves nothing behind, and those before it stay")
    func failing() async throws {
        try await withDatabase { database in
            let next = Schema.version + 1
            let steps =
                Migration.all + [
                    Migration(version: next, name: "fine", script: "create table campus.fine (id int primary key);"),
                    Migration(
                        version: next + 1,
                        name: "broken",
                        script: "create table campus.half (id int primary key); select 1 / 0;"
                    ),
                ]
            let error = await #expect(throws: SchemaError.self) {
                try await Migrator(try database.configuration(), migrations: steps, logger: .silent).run()
            }
            #expect(try #require(error).description.contains("broken"))
            let pool = try database.pool()
            #expect(try await number(pool, "select count(*) from pg_class where relname in ('fine', 'half')") == 1)
            #expect(try await number(pool, "select max(version) from campus.schema_version") == next)
        }
    }

    @Test("A program works with a database that is ahead, unless that says otherwise; never with one behind or empty")
    func compatibility() async throws {
        try await withEmptyDatabase { database in
            let pool = try database.pool()
            await #expect(throws: SchemaError.missing) { try await Schema.check(pool) }
        }
        try await withDatabase { database in
            let pool = try database.pool(as: .orderService)
            let current = Schema.version
            await #expect(throws: SchemaError.outdated(database: current, needed: current + 5)) {
                try await Schema.check(pool, version: current + 5)
            }
            let ahead = Migration.all + [Migration(version: current + 1, name: "next", script: "select 1")]
            try await Migrator(try database.configuration(), migrations: ahead, logger: .silent).run()
            try await Schema.check(pool)
            // An older migrator finds nothing to do either.
            #expect(try await Migrator(try database.configuration(), logger: .silent).run().isEmpty)
            let breaking =
                ahead + [
                    Migration(
                        version: current + 2,
                        name: "breaking",
                        minimumCompatible: current + 1,
                        script: "select 1"
                    )
                ]
            try await Migrator(try database.configuration(), migrations: breaking, logger: .silent).run()
            await #expect(throws: SchemaError.incompatible(minimum: current + 1, program: current)) {
                try await Schema.check(pool)
            }
            try await Schema.check(pool, version: current + 1)
        }
    }

    @Test("What is wrong is said with what to do")
    func messages() {
        #expect(SchemaError.missing.description.contains("migrate"))
        #expect(SchemaError.outdated(database: 1, needed: 2).description.contains("migrate"))
        #expect(SchemaError.incompatible(minimum: 3, program: 2).description.contains("newer program"))
    }
}
