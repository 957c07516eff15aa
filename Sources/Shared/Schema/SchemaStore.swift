import Postgres

/// A migration that has run on a database.
struct AppliedMigration: Hashable, Sendable {
    let version: Int
    let checksum: String
    let minimumCompatible: Int
}

/// What has run on a database: the rows of `campus.schema_version`.
struct SchemaStore: Sendable {
    /// Whether the database has the schema at all.
    func exists(in session: borrowing Session) throws -> Bool {
        try session.one("select to_regclass('campus.schema_version') is not null") { try $0[0] }
    }

    /// What has run, in order; nothing when there is no schema.
    func applied(in session: borrowing Session) throws -> [AppliedMigration] {
        guard try exists(in: session) else { return [] }
        return try session.query("select version, checksum, min_compatible from campus.schema_version order by version")
        {
            AppliedMigration(version: try $0[0], checksum: try $0[1], minimumCompatible: try $0[2])
        }
    }

    /// Lets one migrator at a time into this database, until the end of the transaction.
    func lock(in session: borrowing Session) throws {
        try session.execute("select pg_advisory_xact_lock(7300)")
    }

    /// Acts as the owner of the schema, until the end of the transaction.
    func becomeOwner(in session: borrowing Session) throws {
        try session.execute("set local role campus_owner")
    }

    /// Runs a step and notes that it has run.
    func apply(_ migration: Migration, in session: borrowing Session) throws {
        if try exists(in: session) { try becomeOwner(in: session) }
        try session.execute(script: migration.script)
        try becomeOwner(in: session)
        try session.execute(
            """
            insert into campus.schema_version (version, name, checksum, min_compatible)
            values (
                \(Int32(migration.version)), \(migration.name), \(checksum(migration)), \(Int32(migration.minimumCompatible))
            )
            """
        )
    }

    /// Which of these steps are not what their checksums, taken when they ran, say.
    func edited(_ migrations: [(migration: Migration, checksum: String)], in session: borrowing Session) throws -> Int?
    {
        let versions = migrations.map { Int32($0.migration.version) }
        let scripts = migrations.map(\.migration.script)
        return try session.first(
            """
            select m.version
            from unnest(\(versions), \(scripts), \(migrations.map(\.checksum))) as m (version, script, checksum)
            where encode(sha256(convert_to(m.script, 'UTF8')), 'hex') <> m.checksum
            order by m.version limit 1
            """
        ) { try $0[0] }
    }

    /// Makes the event log's partitions for the coming days, should no service have run for long.
    func makePartitions(in session: borrowing Session) throws {
        try becomeOwner(in: session)
        try session.execute(
            """
            select campus.make_event_partitions(
                (now() at time zone 'UTC')::date - 1, (now() at time zone 'UTC')::date + 7
            )
            """
        )
    }

    /// Sets a login's password.
    ///
    /// ALTER ROLE takes no binds, and its text may be logged by the server; so the text is made in the server, of a value bound.
    func setPassword(_ password: String, of role: ServiceRole, in session: borrowing Session) throws {
        try session.execute(
            """
            select set_config('campus.role', \(role.rawValue), true), set_config('campus.password', \(password), true)
            """
        )
        try session.execute(
            script: """
                do $$
                begin
                    for attempt in 1..100 loop
                        begin
                            execute format(
                                'alter role %I password %L', current_setting('campus.role'), current_setting('campus.password')
                            );
                            return;
                        exception when internal_error then -- another database's migrator alters the same role
                            perform pg_sleep(0.02);
                        end;
                    end loop;
                    raise exception 'the role % is altered by others all the time', current_setting('campus.role');
                end
                $$
                """
        )
    }

    private func checksum(_ migration: Migration) -> SQL {
        "encode(sha256(convert_to(\(migration.script), 'UTF8')), 'hex')"
    }
}
