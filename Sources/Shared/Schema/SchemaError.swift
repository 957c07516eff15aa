import Postgres

/// Why a database cannot be worked on, or not be migrated; says what to do.
public enum SchemaError: Error, Hashable, Sendable {
    /// The database has no schema yet.
    case missing
    /// The database is behind: this program needs the second version, the database has the first.
    case outdated(database: Int, needed: Int)
    /// The program is behind: the database refuses programs older than the first version, this one has the second.
    case incompatible(minimum: Int, program: Int)
    /// A migration was changed after it had run.
    case edited(version: Int, name: String)
    /// The login may not do what migrating needs.
    case notPermitted(migration: String, reason: String, hint: String)
    /// A migration failed; nothing of it remains.
    case failed(migration: String, reason: String)
}

extension SchemaError: CustomStringConvertible {
    /// What is wrong, and what to do.
    public var description: String {
        switch self {
        case .missing:
            """
            The database has no schema. Run `OrderService migrate` (or the same of any of the three services) with \
            MIGRATION_DATABASE_URL naming a login that may create it.
            """
        case .outdated(let database, let needed):
            """
            The database is at schema version \(database), this program needs \(needed). \
            Run this program's `migrate` subcommand with MIGRATION_DATABASE_URL.
            """
        case .incompatible(let minimum, let program):
            """
            The database works with programs of schema version \(minimum) and later, this one has \(program). \
            Deploy a newer program.
            """
        case .edited(let version, let name):
            """
            Migration \(version), \(name), is not what ran on this database: it was edited afterwards. \
            Restore the file, and put the change into a new migration.
            """
        case .notPermitted(let migration, let reason, let hint):
            "Migration \(migration) may not run: \(reason). \(hint)"
        case .failed(let migration, let reason):
            "Migration \(migration) failed, and nothing of it remains: \(reason)"
        }
    }

    /// Reads what the server said to a migration, whose statements hold no values that must not be seen.
    init?(_ error: any Error, migration: String) {
        guard case PostgresError.server(let server) = error else { return nil }
        if server.sqlState == .insufficientPrivilege {
            let hint = server.hint ?? "Use a superuser, or campus_migrator once the roles exist."
            self = .notPermitted(migration: migration, reason: server.message, hint: hint)
        } else {
            self = .failed(migration: migration, reason: server.debugDescription)
        }
    }
}
