import Foundation
import Model
import Postgres
import TestSupport

@testable import CampusSimulator

/// What an operator does before the services start, by the executables' own commands.
struct Operations: Sendable {
    /// The campus's code.
    static let campus = "system"
    /// What must never be seen in a log.
    let secrets: [String]
    private let administratorURL: String
    private let serviceURLs: [ServiceName: String]
    private let encryptionKey: String

    /// Makes the database `campus`, migrates it and gives each service a password.
    static func prepareDatabase(on cluster: TemporaryCluster) async throws -> Operations {
        let pool = ConnectionPool(
            try cluster.configuration(),
            pool: PoolConfiguration(size: 1, waitTimeout: .seconds(60)),
            logger: .silent
        )
        try await pool.autocommit { session in _ = try session.execute("create database campus") }
        await pool.shutdown()
        let url = try cluster.url(database: "campus")
        let passwords = Dictionary(
            uniqueKeysWithValues: ServiceName.allCases.map { ($0, "planted-password-\($0.rawValue)") }
        )
        let urls = passwords.reduce(into: [ServiceName: String]()) { urls, entry in
            urls[entry.key] = "postgresql://\(entry.key.role):\(entry.value)@127.0.0.1:\(cluster.port)/campus"
        }
        let key = Data((0..<32).map { UInt8($0 * 7 + 3) }).base64EncodedString()
        let operations = Operations(
            secrets: Array(passwords.values) + [key],
            administratorURL: url,
            serviceURLs: urls,
            encryptionKey: key
        )
        try await operations.run(
            ["migrate"],
            environment: passwords.reduce(into: [:]) { $0["\($1.key.role.uppercased())_PASSWORD"] = $1.value }
        )
        try await operations.run(["campus", "create", "--code", campus, "--name", "System", "--test"])
        try await operations.run(["verification-key", "add", "--campus", campus, "--kid", "system"])
        return operations
    }

    /// What each service is started with.
    func environment(settings: [String: String]) -> [ServiceName: [String: String]] {
        var environment: [ServiceName: [String: String]] = [:]
        for (service, url) in serviceURLs {
            environment[service] = settings.merging(["DATABASE_URL": url]) { $1 }
        }
        environment[.notify, default: [:]]["NOTIFY_ENCRYPTION_KEY"] = encryptionKey
        environment[.notify, default: [:]]["CONTACT_KEYS"] = "k1:\(encryptionKey)"
        environment[.notify, default: [:]]["ALLOW_LOOPBACK_WEBHOOKS"] = "true"
        return environment
    }

    /// A platform key and a token for each role.
    func credentials(for addresses: Credentials.Addresses) async throws -> Credentials {
        let key = try await run(["key", "issue", "--campus", Self.campus, "--name", "system"])
        var tokens: [String: String] = [:]
        for role in ["customer", "merchant", "rider", "agent", "supervisor", "admin"] {
            var arguments = ["token", "--campus", Self.campus, "--role", role, "--subject", "\(role)_1"]
            if role == "merchant" { arguments += ["--merchant-id", "mer_1"] }
            tokens[role] = try await run(arguments)
        }
        return Credentials(addresses: addresses, campus: Self.campus, platformKey: key, tokens: tokens)
    }

    /// Runs a command of OrderService as an operator would.
    ///
    /// - Returns: What it wrote to its standard output.
    @discardableResult
    func run(_ arguments: [String], environment: [String: String] = [:]) async throws -> String {
        let result = try await CommandRun.of(
            ServiceName.order.rawValue,
            arguments,
            environment: environment.merging(["MIGRATION_DATABASE_URL": administratorURL]) { $1 }
        )
        guard result.status == 0 else {
            throw NeverHappened(what: "\(arguments.joined(separator: " ")) succeeded: \(result.output)\(result.errors)")
        }
        return result.output
    }
}
