import Foundation
import Logging
import Postgres

/// What every measure works with.
struct Bench: Sendable {
    /// How long a rate is measured.
    let seconds: Int
    /// The private cluster, as its superuser.
    let cluster: ClusterAddress
    /// Where the services' executables are.
    let executables: String
    /// Where their logs go.
    let logs: String

    /// No log lines among the figures.
    var logger: Logger { Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() } }

    /// Runs `body` with a new migrated database, which is dropped afterwards.
    func withDatabase<T>(_ body: (BenchDatabase) async throws -> T) async throws -> T {
        let name = "bench_\(UInt32.random(in: 0 ..< .max))"
        let maintenance = cluster.database("postgres")
        _ = try await Command.run("psql", ["-qX", "-c", "create database \(name)", maintenance.url])
        let result: Result<T, any Error>
        do {
            let database = BenchDatabase(bench: self, name: name)
            _ = try await Command.run(
                "\(executables)/OrderService",
                ["migrate"],
                environment: ["MIGRATION_DATABASE_URL": cluster.database(name).url, "LOG_LEVEL": "warning"]
            )
            result = .success(try await body(database))
        } catch {
            result = .failure(error)
        }
        _ = try await Command.run("psql", ["-qX", "-c", "drop database \(name) with (force)", maintenance.url])
        return try result.get()
    }
}

/// A migrated database of a measure's own.
struct BenchDatabase: Sendable {
    let bench: Bench
    let name: String

    /// Its address as that user; the superuser's without one.
    func address(user: String? = nil) -> ClusterAddress {
        bench.cluster.database(name, user: user)
    }

    /// A pool of connections as that user, closed after `body`.
    func withPool<T>(user: String? = nil, size: Int, _ body: (ConnectionPool) async throws -> T) async throws -> T {
        let pool = ConnectionPool(
            try ConnectionConfiguration(url: address(user: user).url),
            pool: PoolConfiguration(size: size, waitTimeout: .seconds(10)),
            logger: bench.logger
        )
        do {
            let result = try await body(pool)
            await pool.shutdown()
            return result
        } catch {
            await pool.shutdown()
            throw error
        }
    }

    /// One number that the query yields.
    func number(_ query: String) async throws -> Int {
        let text = try await Command.run("psql", ["-qXAt", "-c", query, address().url])
        return Int(text.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
    }
}
