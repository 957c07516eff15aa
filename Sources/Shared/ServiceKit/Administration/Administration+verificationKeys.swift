import Model
import Postgres

extension Administration {
    /// A verification key that a campus has, and when it was added.
    package struct KeyInUse: Sendable {
        let key: StoredVerificationKey
        let createdAt: Timestamp

        /// Everything that may be shown of it: a public key is, a shared secret is not.
        package var json: JSON {
            [
                "kid": .string(key.kid), "algorithm": .string(key.algorithm),
                "public_key": key.algorithm == VerificationKey.Algorithm.hs256.rawValue ? .null : .string(key.material),
                "created_at": .string(createdAt.rfc3339), "revoked_at": .optional(key.revokedAt?.rfc3339),
            ]
        }

        /// Where it stands in a list of them.
        package var cursor: Cursor { Cursor([.integer(createdAt.microseconds), .string(key.kid)]) }
    }

    /// Adds a key that was found to be one.
    ///
    /// Whoever adds a key can sign tokens for anybody of the campus, so a platform key must have every scope of a campus to do so.
    ///
    /// - Throws: a ``Problem`` when the name is taken, the campus has too many, or the platform key may not.
    package func addKey(_ key: VerificationKey, material: String, in session: borrowing Session) throws -> KeyInUse {
        try requireSigning()
        let key = JWKS.Key(kid: key.kid, algorithm: key.algorithm, material: material, pointer: "")
        return try add([key], in: session)[0]
    }

    /// Adds the keys of a JSON Web Key Set, all of them or none.
    ///
    /// - Throws: a ``Problem`` with every fault of every key, with every name that is taken, or as when one key is added.
    package func importKeys(_ document: JSON, in session: borrowing Session) throws -> [KeyInUse] {
        try requireSigning()
        return try add(try JWKS(document: document).keys, in: session)
    }

    private func requireSigning() throws(Problem) {
        try administrator.requireHaving(Set(Scope.withinCampus))
    }

    private func add(_ keys: [JWKS.Key], in session: borrowing Session) throws -> [KeyInUse] {
        let credentials = CredentialStore()
        try Self.requireRoom(
            try credentials.countVerificationKeys(of: campus, in: session),
            adding: keys.count,
            "verification keys"
        )
        let added = keys.map { key in
            let stored = StoredVerificationKey(
                kid: key.kid,
                campus: campus,
                algorithm: key.algorithm.rawValue,
                material: key.material,
                revokedAt: nil
            )
            return KeyInUse(key: stored, createdAt: now)
        }
        // In one order, whatever the set's, so that two who add the same names never wait for each other.
        let refused = try added.map(\.key).sorted { $0.kid < $1.kid }
            .filter { try !credentials.insert($0, at: now, in: session) }
        let taken = Set(refused.map(\.kid))
        guard taken.isEmpty else {
            throw Problem(
                .verificationKeyTaken,
                taken.count == 1
                    ? "There is a verification key of this name." : "There are verification keys of these names.",
                faults: keys.filter { taken.contains($0.kid) }.map { Fault($0.pointer + "/kid", "is taken") }
            )
        }
        for key in added { try note("verification_key.added", key.key.kid, after: key.json, in: session) }
        return added
    }

    /// Ends a key: no token that names it holds any more, also when a key set goes on publishing it.
    ///
    /// - Throws: a ``Problem`` when there is no such key, or it was ended before.
    package func revokeVerificationKey(_ kid: String, in session: borrowing Session) throws -> JSON {
        let credentials = CredentialStore()
        guard var key = try credentials.verificationKey(kid, of: campus, in: session) else { throw Problem.notFound }
        guard key.revokedAt == nil else { throw Problem.illegalTransition(state: "revoked", allowed: []) }
        key.revokedAt = now
        // A key of a set has no row of its own: one that says it is revoked comes before the set's.
        guard
            try credentials.revokeVerificationKey(kid: kid, of: campus, at: now, in: session)
                || credentials.insert(key, at: now, in: session)
        else { throw Problem.illegalTransition(state: "revoked", allowed: []) }
        let ended: JSON = [
            "kid": .string(kid), "algorithm": .string(key.algorithm), "revoked_at": .string(now.rfc3339),
        ]
        try note("verification_key.revoked", kid, after: ended, in: session)
        return ended
    }

    /// A page of the keys that were added to the campus, in the order in which they were.
    package static func verificationKeys(
        of campus: CampusID,
        _ page: Page,
        in session: borrowing Session
    ) throws -> Listing<KeyInUse> {
        var place: (time: Timestamp, kid: String)?
        if let cursor = page.cursor {
            guard cursor.values.count == 2, let time = cursor.values[0].integer, let kid = cursor.values[1].string,
                Page.times.contains(Timestamp(microseconds: time))
            else { throw Page.foreign }
            place = (Timestamp(microseconds: time), kid)
        }
        let rows = try CredentialStore().verificationKeys(of: campus, after: place, limit: page.limit + 1, in: session)
        return page.cut(rows.map { KeyInUse(key: $0.key, createdAt: $0.createdAt) }, after: \.cursor)
    }
}
