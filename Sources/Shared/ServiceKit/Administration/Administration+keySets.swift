import Model
import Postgres

extension Administration {
    /// A key set and the keys that it holds at present.
    package struct KeySetInUse: Sendable {
        let set: KeySet
        let keys: [(kid: String, algorithm: String)]

        /// All that there is to see of it.
        package var json: JSON {
            [
                "id": .string(set.id.description), "url": .string(set.url),
                "keys": .array(keys.map { ["kid": .string($0.kid), "algorithm": .string($0.algorithm)] }),
                "created_at": .string(set.createdAt.rfc3339), "fetched_at": .optional(set.fetchedAt?.rfc3339),
                "failures": .integer(Int64(set.failures)), "fault": .optional(set.fault),
                "revoked_at": .optional(set.revokedAt?.rfc3339),
            ]
        }
    }

    /// Adds a set, to be fetched within seconds.
    ///
    /// As with a single key, a platform key must have every scope of a campus to do so.
    ///
    /// - `url`: an address that was found to be one.
    /// - Throws: a ``Problem`` when the campus has the address already or too many, or the platform key may not.
    package func addKeySet(_ url: String, in session: borrowing Session) throws -> KeySetInUse {
        try administrator.requireHaving(Set(Scope.withinCampus))
        try Self.requireRoom(try KeySetStore().count(of: campus, in: session), "key sets")
        let set = KeySet(
            id: KeySetID.make(at: now),
            campus: campus,
            url: url,
            createdAt: now,
            revokedAt: nil,
            fetchedAt: nil,
            failures: 0,
            fault: nil,
            etag: nil
        )
        guard try KeySetStore().insert(set, in: session) else {
            throw Problem(.verificationKeyTaken, "The campus has a key set of this address.")
        }
        try note("key_set.added", set.id.description, after: ["url": .string(url)], in: session)
        return KeySetInUse(set: set, keys: [])
    }

    /// Ends a set and all its keys.
    ///
    /// - Throws: a ``Problem`` when there is no such set, or it was ended before.
    package func revokeKeySet(_ id: KeySetID, in session: borrowing Session) throws -> KeySetInUse {
        guard var set = try KeySetStore().lock(id, of: campus, in: session) else { throw Problem.notFound }
        guard set.revokedAt == nil else { throw Problem.illegalTransition(state: "revoked", allowed: []) }
        try KeySetStore().revoke(set, at: now, in: session)
        try note("key_set.revoked", id.description, before: ["url": .string(set.url)], in: session)
        set.revokedAt = now
        return KeySetInUse(set: set, keys: [])
    }

    /// A page of the campus's sets, in the order in which they were added.
    package static func keySets(
        of campus: CampusID,
        _ page: Page,
        in session: borrowing Session
    ) throws -> Listing<KeySetInUse> {
        let store = KeySetStore()
        let rows = try store.sets(of: campus, after: try page.timeAndID(), limit: page.limit + 1, in: session)
        let sets = page.cut(rows) { Cursor(time: $0.createdAt, id: $0.id) }
        let keys = try store.keys(of: sets.items.map(\.id), in: campus, session: session)
        return sets.map { KeySetInUse(set: $0, keys: keys[$0.id] ?? []) }
    }
}
