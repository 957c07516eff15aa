import Model
import Postgres

extension Administration {
    /// What a platform key is to be issued for.
    package struct KeyTerms: Hashable, Sendable {
        let name: String
        let scopes: Set<Scope>
        let expiresAt: Timestamp?

        /// A name, what it may do, and until when; nil is until it is revoked.
        init(name: String, scopes: Set<Scope>, expiresAt: Timestamp?) {
            self.name = name
            self.scopes = scopes
            self.expiresAt = expiresAt
        }

        /// What a request says.
        package init(json: JSON) {
            name = json["name"]?.string ?? ""
            scopes = Set((json["scopes"]?.array ?? []).compactMap(\.string).map(Scope.init))
            expiresAt = json["expires_at"]?.string.flatMap(Timestamp.init(rfc3339:))
        }

        /// What such a request must look like.
        package static let schema = JSONSchema.object(
            name: "IssueKey",
            [
                .required("name", .actorID, "What it is called in timelines: it acts as `platform:` and this."),
                .required(
                    "scopes",
                    .array(of: .enumeration(Scope.all.map(\.rawValue)), count: 1...Scope.all.count),
                    "What it may do."
                ),
                .optional("expires_at", .timestamp, "When it ends by itself; never when not given."),
            ]
        )

        /// Everything that the schema cannot know to be wrong.
        func faults(at now: Timestamp) -> [Fault] {
            guard let expiresAt, expiresAt <= now else { return [] }
            return [Fault("/expires_at", "must lie in the future")]
        }
    }

    /// Issues a key.
    ///
    /// - `secret`: a new one, which the caller shows once; its digest is all that is stored.
    /// - Throws: a ``Problem`` when the administrator would hand on more than they have, the key would end at once, or the campus has too
    ///   many keys.
    package func issueKey(
        _ terms: KeyTerms,
        secret: PlatformKeySecret,
        in session: borrowing Session
    ) throws -> PlatformKeyRecord {
        try administrator.requireHaving(terms.scopes)
        let faults = terms.faults(at: now)
        guard faults.isEmpty else { throw Problem.validation(faults) }
        let key = try store(terms, secret: secret, in: session)
        try note("key.issued", key.id.description, after: key.json, in: session)
        return key
    }

    /// Issues a key with the name and the scopes of another, which ends a while later.
    ///
    /// It holds as long as the other one was issued for.
    ///
    /// - `overlap`: for how long both hold; less when the other one ends earlier.
    /// - Throws: a ``Problem`` when there is no such key, it does not hold any more, or it may do what the administrator may not.
    package func rotateKey(
        _ id: KeyID,
        overlap: Duration,
        secret: PlatformKeySecret,
        in session: borrowing Session
    ) throws -> (new: PlatformKeyRecord, old: PlatformKeyRecord) {
        var old = try standingKey(id, in: session)
        let scopes = Set(old.scopes.map(Scope.init))
        try administrator.requireHaving(scopes)
        let before = old.json
        let lifetime = old.expiresAt.map { $0.duration(since: old.createdAt) }
        let end = now + overlap
        old.expiresAt = old.expiresAt.map { min($0, end) } ?? end
        try CredentialStore().setEnd(of: old, in: campus, session: session)
        let terms = KeyTerms(name: old.name, scopes: scopes, expiresAt: lifetime.map { now + $0 })
        let new = try store(terms, secret: secret, in: session)
        try note("key.rotated", id.description, before: before, after: ["old": old.json, "new": new.json], in: session)
        return (new, old)
    }

    /// Ends a key at once.
    ///
    /// - Throws: a ``Problem`` when there is no such key, or it was ended before.
    package func revokeKey(_ id: KeyID, in session: borrowing Session) throws -> PlatformKeyRecord {
        guard var key = try CredentialStore().lockPlatformKey(id, of: campus, in: session) else {
            throw Problem.notFound
        }
        guard key.revokedAt == nil else { throw Problem.illegalTransition(state: "revoked", allowed: []) }
        let before = key.json
        key.revokedAt = now
        try CredentialStore().setEnd(of: key, in: campus, session: session)
        try note("key.revoked", id.description, before: before, after: key.json, in: session)
        return key
    }

    /// A page of the campus's keys, in the order of their issue.
    package static func keys(
        of campus: CampusID,
        _ page: Page,
        in session: borrowing Session
    ) throws -> Listing<PlatformKeyRecord> {
        let rows = try CredentialStore().platformKeys(
            of: campus,
            after: try page.timeAndID(),
            limit: page.limit + 1,
            in: session
        )
        return page.cut(rows) { Cursor(time: $0.createdAt, id: $0.id) }
    }

    private func standingKey(_ id: KeyID, in session: borrowing Session) throws -> PlatformKeyRecord {
        guard let key = try CredentialStore().lockPlatformKey(id, of: campus, in: session) else {
            throw Problem.notFound
        }
        guard key.isValid(at: now) else {
            throw Problem.illegalTransition(state: key.revokedAt == nil ? "expired" : "revoked", allowed: [])
        }
        return key
    }

    private func store(
        _ terms: KeyTerms,
        secret: PlatformKeySecret,
        in session: borrowing Session
    ) throws -> PlatformKeyRecord {
        try Self.requireRoom(
            try CredentialStore().countPlatformKeys(of: campus, at: now, in: session),
            "platform keys"
        )
        let key = PlatformKeyRecord(
            id: KeyID.make(at: now),
            name: terms.name,
            prefix: secret.prefix,
            scopes: terms.scopes.map(\.rawValue).sorted(),
            createdAt: now,
            expiresAt: terms.expiresAt,
            revokedAt: nil
        )
        try CredentialStore().insert(key, of: campus, secret: secret, in: session)
        return key
    }
}

extension PlatformKeyRecord {
    /// Everything that may be shown of it, which its secret is not.
    package var json: JSON {
        [
            "id": .string(id.description), "name": .string(name), "prefix": .string(prefix),
            "scopes": .array(scopes.map(JSON.string)), "created_at": .string(createdAt.rfc3339),
            "expires_at": .optional(expiresAt?.rfc3339), "revoked_at": .optional(revokedAt?.rfc3339),
        ]
    }
}
