import Model
import Postgres

/// A platform key as `key list` shows it.
struct ListedPlatformKey: Sendable {
    let id: KeyID
    let name: String
    let prefix: String
    let scopes: [String]
    let createdAt: Timestamp
    let expiresAt: Timestamp?
    let revokedAt: Timestamp?
}

/// Reads and writes platform keys, verification keys and the audit of what operators do with them.
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

    func insert(_ key: PlatformKey, secret: PlatformKeySecret, in session: borrowing Session) throws {
        try session.execute(
            """
            insert into campus.platform_key (id, campus_id, name, prefix, secret_sha256, scopes, expires_at)
            values (
                \(key.id), \(key.campus), \(key.name), \(secret.prefix), \(secret.sha256.bytes),
                \(key.scopes.map(\.rawValue).sorted()), \(key.expiresAt)
            )
            """
        )
    }

    func platformKeys(of campus: CampusID, in session: borrowing Session) throws -> [ListedPlatformKey] {
        try session.query(
            """
            select id, name, prefix, scopes, created_at, expires_at, revoked_at
            from campus.platform_key where campus_id = \(campus) order by created_at, id
            """,
            Self.listedKey
        )
    }

    func platformKey(_ id: KeyID, of campus: CampusID, in session: borrowing Session) throws -> ListedPlatformKey? {
        try session.first(
            """
            select id, name, prefix, scopes, created_at, expires_at, revoked_at
            from campus.platform_key where campus_id = \(campus) and id = \(id)
            """,
            Self.listedKey
        )
    }

    /// Ends a key at once; false when there is none that still holds.
    func revoke(_ id: KeyID, of campus: CampusID, in session: borrowing Session) throws -> Bool {
        try session.execute(
            """
            update campus.platform_key set revoked_at = clock_timestamp()
            where campus_id = \(campus) and id = \(id) and revoked_at is null
            """
        ) == 1
    }

    /// Lets a key end by itself, not later than it would have; false when there is none that still holds.
    func expire(_ id: KeyID, of campus: CampusID, at time: Timestamp, in session: borrowing Session) throws -> Bool {
        try session.execute(
            """
            update campus.platform_key set expires_at = least(expires_at, \(time))
            where campus_id = \(campus) and id = \(id) and revoked_at is null
            """
        ) == 1
    }

    func verificationKey(kid: String, in session: borrowing Session) throws -> StoredVerificationKey? {
        try session.first(
            "select kid, campus_id, algorithm, key, revoked_at from campus.verification_key where kid = \(kid)",
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

    func insert(_ key: StoredVerificationKey, in session: borrowing Session) throws {
        try session.execute(
            """
            insert into campus.verification_key (kid, campus_id, algorithm, key)
            values (\(key.kid), \(key.campus), \(key.algorithm), \(key.material))
            """
        )
    }

    func revokeVerificationKey(kid: String, of campus: CampusID, in session: borrowing Session) throws -> Bool {
        try session.execute(
            """
            update campus.verification_key set revoked_at = clock_timestamp()
            where campus_id = \(campus) and kid = \(kid) and revoked_at is null
            """
        ) == 1
    }

    /// Notes what somebody did.
    ///
    /// - `detail`: holds no secrets and no personal data.
    func audit(
        _ action: String,
        subject: String,
        campus: CampusID?,
        actor: Actor,
        detail: JSON = .object([:]),
        in session: borrowing Session
    ) throws {
        try session.execute(
            """
            insert into campus.audit_entry (id, campus_id, actor, action, subject, detail)
            values (
                \(AnyID.make(at: SystemWallClock().now())), \(campus), \(actor.description), \(action), \(subject), \(detail)
            )
            """
        )
    }

    private static func listedKey(_ row: Row) throws -> ListedPlatformKey {
        ListedPlatformKey(
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
