import Model
import Postgres

/// A platform key as lists show it: everything but its secret.
package struct PlatformKeyRecord: Sendable {
    /// Its id, which logs and audits name.
    package let id: KeyID
    /// What a person called it.
    package let name: String
    /// The first characters of its secret, by which a person recognises it.
    package let prefix: String
    /// What it may do.
    package let scopes: [String]
    /// When it was issued.
    package let createdAt: Timestamp
    /// When it ends by itself.
    package internal(set) var expiresAt: Timestamp?
    /// When it was ended.
    package internal(set) var revokedAt: Timestamp?

    /// Whether it holds at that time of the real clock.
    func isValid(at time: Timestamp) -> Bool {
        revokedAt == nil && expiresAt.map { time < $0 } ?? true
    }
}

/// A verification key as it is stored.
struct StoredVerificationKey: Sendable {
    let kid: String
    let campus: CampusID
    let algorithm: String
    let material: String
    var revokedAt: Timestamp?
}

/// Reads and writes platform keys and verification keys.
struct CredentialStore: Sendable {
    func platformKey(sha256: SHA256Digest, in session: borrowing Session) throws -> PlatformKey? {
        try session.first(
            """
            select id, campus_id, name, scopes, expires_at, revoked_at
            from campus.platform_key where secret_sha256 = \(sha256.bytes)
            """
        ) { row in
            let scopes: [String] = try row["scopes"]
            return PlatformKey(
                id: try row["id"],
                campus: try row["campus_id"],
                name: try row["name"],
                scopes: Set(scopes.map(Scope.init)),
                expiresAt: try row["expires_at"],
                revokedAt: try row["revoked_at"]
            )
        }
    }

    func insert(
        _ key: PlatformKeyRecord,
        of campus: CampusID,
        secret: PlatformKeySecret,
        in session: borrowing Session
    ) throws {
        try session.execute(
            """
            insert into campus.platform_key
                (id, campus_id, name, prefix, secret_sha256, scopes, created_at, expires_at)
            values (
                \(key.id), \(campus), \(key.name), \(key.prefix), \(secret.sha256.bytes), \(key.scopes),
                \(key.createdAt), \(key.expiresAt)
            )
            """
        )
    }

    /// The keys of a campus after a place in the order of their issue.
    func platformKeys(
        of campus: CampusID,
        after place: (time: Timestamp, id: KeyID)? = nil,
        limit: Int,
        in session: borrowing Session
    ) throws -> [PlatformKeyRecord] {
        var conditions: SQL = "campus_id = \(campus)"
        if let place { conditions += " and (created_at, id) > (\(place.time), \(place.id))" }
        return try session.query(
            """
            select \(Self.keyColumns) from campus.platform_key
            where \(conditions) order by created_at, id limit \(rows: limit)
            """,
            Self.listedKey
        )
    }

    /// A key, locked until the transaction ends.
    func lockPlatformKey(
        _ id: KeyID,
        of campus: CampusID,
        in session: borrowing Session
    ) throws -> PlatformKeyRecord? {
        try session.first(
            """
            select \(Self.keyColumns) from campus.platform_key where campus_id = \(campus) and id = \(id) for update
            """,
            Self.listedKey
        )
    }

    /// How many keys of a campus hold at that time.
    func countPlatformKeys(of campus: CampusID, at now: Timestamp, in session: borrowing Session) throws -> Int64 {
        try session.one(
            """
            select count(*) from campus.platform_key
            where campus_id = \(campus) and revoked_at is null and (expires_at is null or expires_at > \(now))
            """
        ) { try $0[0] }
    }

    /// Sets when a key ends.
    func setEnd(of key: PlatformKeyRecord, in campus: CampusID, session: borrowing Session) throws {
        try session.execute(
            """
            update campus.platform_key set expires_at = \(key.expiresAt), revoked_at = \(key.revokedAt)
            where campus_id = \(campus) and id = \(key.id)
            """
        )
    }

    /// The key that tokens of a campus name so: one that was added to it, or else one of its key sets.
    func verificationKey(
        _ kid: String,
        of campus: CampusID,
        in session: borrowing Session
    ) throws -> StoredVerificationKey? {
        try session.first(
            """
            select kid, campus_id, algorithm, key, revoked_at, 0 as place from campus.verification_key
            where campus_id = \(campus) and kid = \(kid)
            union all
            select kid, campus_id, algorithm, key, null, 1 from campus.key_set_key
            where campus_id = \(campus) and kid = \(kid)
            order by place limit 1
            """,
            Self.verificationKey
        )
    }

    /// The newest HS256 key of a campus that still holds, for signing tokens in development.
    func signingKey(of campus: CampusID, in session: borrowing Session) throws -> StoredVerificationKey? {
        try session.first(
            """
            select kid, campus_id, algorithm, key, revoked_at from campus.verification_key
            where campus_id = \(campus) and algorithm = 'HS256' and revoked_at is null
            order by created_at desc limit 1
            """,
            Self.verificationKey
        )
    }

    /// Stores a key; false when the campus has one of that name, revoked or not.
    @discardableResult
    func insert(
        _ key: StoredVerificationKey,
        at time: Timestamp = SystemWallClock().now(),
        in session: borrowing Session
    ) throws -> Bool {
        try session.execute(
            """
            insert into campus.verification_key (kid, campus_id, algorithm, key, created_at, revoked_at)
            values (\(key.kid), \(key.campus), \(key.algorithm), \(key.material), \(time), \(key.revokedAt))
            on conflict (campus_id, kid) do nothing
            """
        ) == 1
    }

    /// The keys that were added to a campus after a place in the order in which they were, each with when it was.
    func verificationKeys(
        of campus: CampusID,
        after place: (time: Timestamp, kid: String)? = nil,
        limit: Int,
        in session: borrowing Session
    ) throws -> [(key: StoredVerificationKey, createdAt: Timestamp)] {
        var conditions: SQL = "campus_id = \(campus)"
        if let place { conditions += " and (created_at, kid) > (\(place.time), \(place.kid))" }
        return try session.query(
            """
            select kid, campus_id, algorithm, key, revoked_at, created_at from campus.verification_key
            where \(conditions) order by created_at, kid limit \(rows: limit)
            """
        ) { row in (try Self.verificationKey(row), try row["created_at"]) }
    }

    /// How many keys that were added to a campus hold.
    func countVerificationKeys(of campus: CampusID, in session: borrowing Session) throws -> Int64 {
        try session.one(
            "select count(*) from campus.verification_key where campus_id = \(campus) and revoked_at is null"
        ) { try $0[0] }
    }

    /// Ends a key that was added to a campus; false when there is none that still holds.
    func revokeVerificationKey(
        kid: String,
        of campus: CampusID,
        at now: Timestamp,
        in session: borrowing Session
    ) throws -> Bool {
        try session.execute(
            """
            update campus.verification_key set revoked_at = \(now)
            where campus_id = \(campus) and kid = \(kid) and revoked_at is null
            """
        ) == 1
    }

    private static let keyColumns: SQL = "id, name, prefix, scopes, created_at, expires_at, revoked_at"

    private static func listedKey(_ row: Row) throws -> PlatformKeyRecord {
        PlatformKeyRecord(
            id: try row["id"],
            name: try row["name"],
            prefix: try row["prefix"],
            scopes: try row["scopes"],
            createdAt: try row["created_at"],
            expiresAt: try row["expires_at"],
            revokedAt: try row["revoked_at"]
        )
    }

    private static func verificationKey(_ row: Row) throws -> StoredVerificationKey {
        StoredVerificationKey(
            kid: try row["kid"],
            campus: try row["campus_id"],
            algorithm: try row["algorithm"],
            material: try row["key"],
            revokedAt: try row["revoked_at"]
        )
    }
}
