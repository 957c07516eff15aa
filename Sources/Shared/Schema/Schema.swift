import Postgres

/// The one schema that the three services share.
public enum Schema {
    /// The version that this program was built with.
    public static var version: Int { Migration.all.map(\.version).max() ?? 0 }

    /// Refuses a database that this program cannot work on.
    ///
    /// A database that is ahead is accepted, unless it says that programs as old as this one are not compatible any more: so the
    /// services of the version before go on while a deployment rolls.
    ///
    /// - Throws: `SchemaError`, or `PostgresError` when the database cannot be reached.
    public static func check(_ pool: ConnectionPool) async throws {
        try await check(pool, version: version)
    }

    static func check(_ pool: ConnectionPool, version: Int) async throws {
        let applied = try await pool.autocommit { try SchemaStore().applied(in: $0) }
        guard let newest = applied.map(\.version).max() else { throw SchemaError.missing }
        if newest < version { throw SchemaError.outdated(database: newest, needed: version) }
        let minimum = applied.map(\.minimumCompatible).max() ?? 0
        if minimum > version { throw SchemaError.incompatible(minimum: minimum, program: version) }
    }
}
