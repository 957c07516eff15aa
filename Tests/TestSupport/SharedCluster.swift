import Foundation
import Logging
import Postgres
import Schema

/// The one cluster of this process of tests: started by the first test that needs it, destroyed with the process.
actor SharedCluster {
    /// The cluster, once it runs.
    static let running = Task { try await SharedCluster.start() }

    nonisolated let socketPath: String
    private nonisolated let urlOfPostgres: String
    private let administration: ConnectionPool
    private var template: Task<String, any Error>?
    private var count = 0
    /// Databases that may still be leased at the same time; more would only slow each other down.
    private var free = 6
    private var waiting: [CheckedContinuation<Void, Never>] = []

    private init(url: String, socketPath: String) throws {
        urlOfPostgres = url
        self.socketPath = socketPath
        var configuration = try ConnectionConfiguration(url: url)
        configuration.statementTimeout = .seconds(60)
        administration = ConnectionPool(
            configuration,
            pool: PoolConfiguration(size: 4, waitTimeout: .seconds(60)),
            logger: .silent
        )
    }

    private static func start() async throws -> SharedCluster {
        let folder = ClusterFolder.make()
        // What a crash would lose need not be kept from it: nobody starts this cluster twice.
        let settings = [
            "fsync=off", "full_page_writes=off", "max_connections=400", "shared_buffers=128MB", "autovacuum_naptime=5s",
            "wal_level=minimal", "max_wal_senders=0",
        ]
        var arguments = ["start", folder, "--template", ClusterFolder.template]
        for setting in settings { arguments += ["--set", setting] }
        try await ClusterScript.run(arguments)
        let url = try await ClusterScript.run(["socket-url", folder, "postgres", "postgres"])
        let socketFolder = try String(contentsOfFile: "\(folder)/socket-location", encoding: .utf8)
        let socketPath = socketFolder.trimmingCharacters(in: .whitespacesAndNewlines) + "/.s.PGSQL.5432"
        return try SharedCluster(url: url, socketPath: socketPath)
    }

    nonisolated func url(database: String, role: TestRole) -> String {
        // It ends in the name of the database `postgres`; the role's name may be the same.
        urlOfPostgres.replacingOccurrences(of: "//postgres@", with: "//\(role.rawValue)@").dropLast("postgres".count)
            + database
    }

    /// Lends a new database, a copy of the migrated one or an empty one.
    func lease(migrated: Bool) async throws -> TestDatabase {
        await takeTurn()
        do {
            let source = migrated ? try await migratedTemplate() : "template0"
            count += 1
            let name = "test_\(count)"
            try await create(name, from: source)
            return TestDatabase(name: name, cluster: self)
        } catch {
            endTurn()
            throw error
        }
    }

    /// Takes a database back and drops it.
    func end(_ database: TestDatabase) async {
        await database.close()
        let name = database.name
        _ = try? await administration.autocommit { session in
            try session.execute("drop database if exists \(identifier: SQLIdentifier(validating: name)) with (force)")
        }
        endTurn()
    }

    private func create(_ name: String, from source: String) async throws {
        let name = try SQLIdentifier(validating: name)
        let source = try SQLIdentifier(validating: source)
        try await administration.autocommit { session in
            try session.execute("create database \(identifier: name) template \(identifier: source)")
        }
    }

    private func takeTurn() async {
        if free > 0 {
            free -= 1
            return
        }
        await withCheckedContinuation { waiting.append($0) }
    }

    private func endTurn() {
        if waiting.isEmpty {
            free += 1
        } else {
            waiting.removeFirst().resume()
        }
    }

    /// The database that the migrations made, once for all tests of the process.
    private func migratedTemplate() async throws -> String {
        if let template { return try await template.value }
        let name = "migrated"
        let url = url(database: name, role: .superuser)
        let making = Task {
            try await create(name, from: "template0")
            try await Migrator(ConnectionConfiguration(url: url), logger: .silent).run()
            return name
        }
        template = making
        return try await making.value
    }
}
