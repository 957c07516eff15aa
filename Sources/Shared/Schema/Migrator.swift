import Logging
import Postgres

/// Brings a database to this program's version of the schema.
///
/// Each step is one transaction under an advisory lock, so several migrators may start at once; they take turns and the later ones find
/// nothing to do. The first step creates the cluster's roles and needs a superuser, or a login with CREATEROLE that may create
/// schemas in the database; all later ones run as `campus_migrator` too.
public struct Migrator: Sendable {
    private let configuration: ConnectionConfiguration
    private let migrations: [Migration]
    private let logger: Logger
    private let store = SchemaStore()

    /// A migrator of one database.
    ///
    /// - Parameters:
    ///   - configuration: the login that migrates; its limits of time are raised, for a step may take long.
    ///   - migrations: the steps, in order.
    ///   - logger: where it says what it did.
    public init(_ configuration: ConnectionConfiguration, migrations: [Migration] = Migration.all, logger: Logger) {
        var patient = configuration
        patient.statementTimeout = .seconds(600)
        patient.idleInTransactionTimeout = .seconds(60)
        patient.clientDeadline = nil
        self.configuration = patient
        self.migrations = migrations
        self.logger = logger
    }

    /// Runs the steps that have not run, and sets passwords.
    ///
    /// - Parameter passwords: of the logins that are to have one; they appear in no log.
    /// - Returns: the steps that ran.
    /// - Throws: `SchemaError`, or `PostgresError` when the database cannot be reached.
    @discardableResult
    public func run(passwords: [ServiceRole: String] = [:]) async throws -> [Migration] {
        let pool = ConnectionPool(
            configuration,
            pool: PoolConfiguration(size: 1, waitTimeout: .seconds(10)),
            logger: logger
        )
        do {
            let applied = try await run(on: pool, passwords)
            await pool.shutdown()
            return applied
        } catch {
            await pool.shutdown()
            throw error
        }
    }

    private func run(on pool: ConnectionPool, _ passwords: [ServiceRole: String]) async throws -> [Migration] {
        var applied: [Migration] = []
        while let migration = try await applyNext(on: pool) {
            applied.append(migration)
            logger.notice(
                "A migration has run",
                metadata: [
                    "event": "schema.migrated", "version": "\(migration.version)", "migration": "\(migration.name)",
                ]
            )
        }
        if migrations.contains(where: { $0.version == 2 }) {
            try await pool.transaction { session in
                try store.lock(in: session)
                try store.makePartitions(in: session)
            }
        }
        for (role, password) in passwords.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            do {
                try await pool.transaction { try store.setPassword(password, of: role, in: $0) }
            } catch {
                throw SchemaError(error, migration: "password of \(role.rawValue)") ?? error
            }
        }
        return applied
    }

    /// Runs the first step that has not run; nil when all have.
    private func applyNext(on pool: ConnectionPool) async throws -> Migration? {
        try await pool.transaction { session in
            try store.lock(in: session)
            let applied = try store.applied(in: session)
            try refuseEdited(applied, in: session)
            let versions = Set(applied.map(\.version))
            guard let next = migrations.first(where: { !versions.contains($0.version) }) else { return nil }
            do {
                try store.apply(next, in: session)
            } catch {
                throw SchemaError(error, migration: next.name) ?? error
            }
            return next
        }
    }

    private func refuseEdited(_ applied: [AppliedMigration], in session: borrowing Session) throws {
        let checksums = Dictionary(uniqueKeysWithValues: applied.map { ($0.version, $0.checksum) })
        let known = migrations.compactMap { migration in
            checksums[migration.version].map { (migration: migration, checksum: $0) }
        }
        guard let version = try store.edited(known, in: session) else { return }
        let name = migrations.first { $0.version == version }?.name ?? ""
        throw SchemaError.edited(version: version, name: name)
    }
}
