import Model
import Postgres

/// A key set that an identity provider publishes, and how fetching it goes.
package struct KeySet: Sendable {
    /// Its id.
    package let id: KeySetID
    /// The campus whose tokens its keys verify.
    package let campus: CampusID
    /// Where it is published.
    package let url: String
    /// When it was added.
    package let createdAt: Timestamp
    /// When it was ended.
    package internal(set) var revokedAt: Timestamp?
    /// When it was fetched last.
    package let fetchedAt: Timestamp?
    /// How many attempts failed since.
    package let failures: Int
    /// Why the last one did; nil when it did not.
    package let fault: String?
    /// The entity tag of what was fetched.
    package let etag: String?
}

/// What became of fetching a key set.
package enum KeySetFetch: Sendable {
    /// It is the same as before.
    case unchanged
    /// It holds these keys.
    case changed(JWKS, etag: String?)
    /// It could not be had; the keys at hold go on holding.
    case failed(String)
}

/// Reads and writes key sets and their keys.
package struct KeySetStore: Sendable {
    /// The store.
    package init() {}

    /// Stores a new set, due at once; false when the campus has the address already.
    func insert(_ set: KeySet, in session: borrowing Session) throws -> Bool {
        try session.execute(
            """
            insert into campus.key_set (campus_id, id, url, created_at, due_at)
            values (\(set.campus), \(set.id), \(set.url), \(set.createdAt), \(set.createdAt))
            on conflict (campus_id, url) where revoked_at is null do nothing
            """
        ) == 1
    }

    /// A set, locked until the transaction ends, and the campus's others with it: what becomes of one has the others fetched.
    func lock(_ id: KeySetID, of campus: CampusID, in session: borrowing Session) throws -> KeySet? {
        try session.query(
            "select \(Self.columns) from campus.key_set where campus_id = \(campus) order by id for update",
            Self.keySet
        ).first { $0.id == id }
    }

    /// The sets of a campus after a place in the order in which they were added.
    func sets(
        of campus: CampusID,
        after place: (time: Timestamp, id: KeySetID)?,
        limit: Int,
        in session: borrowing Session
    ) throws -> [KeySet] {
        var conditions: SQL = "campus_id = \(campus)"
        if let place { conditions += " and (created_at, id) > (\(place.time), \(place.id))" }
        return try session.query(
            """
            select \(Self.columns) from campus.key_set where \(conditions) order by created_at, id limit \(rows: limit)
            """,
            Self.keySet
        )
    }

    /// How many sets of a campus hold.
    func count(of campus: CampusID, in session: borrowing Session) throws -> Int64 {
        try session.one("select count(*) from campus.key_set where campus_id = \(campus) and revoked_at is null") {
            try $0[0]
        }
    }

    /// The names and algorithms of the keys of these sets.
    func keys(
        of sets: [KeySetID],
        in campus: CampusID,
        session: borrowing Session
    ) throws -> [KeySetID: [(kid: String, algorithm: String)]] {
        let rows = try session.query(
            """
            select key_set_id, kid, algorithm from campus.key_set_key
            where campus_id = \(campus) and key_set_id = any (\(sets)) order by kid
            """
        ) { row -> (KeySetID, String, String) in (try row["key_set_id"], try row["kid"], try row["algorithm"]) }
        return Dictionary(grouping: rows, by: \.0).mapValues { $0.map { (kid: $0.1, algorithm: $0.2) } }
    }

    /// Ends a set and its keys.
    func revoke(_ set: KeySet, at now: Timestamp, in session: borrowing Session) throws {
        try session.pipeline([
            "update campus.key_set set revoked_at = \(now) where campus_id = \(set.campus) and id = \(set.id)",
            "delete from campus.key_set_key where campus_id = \(set.campus) and key_set_id = \(set.id)",
            refetchingOthers(than: set, at: now),
        ])
    }

    /// Has the campus's other sets fetched whole: they may publish a kid that was kept from them by this one.
    ///
    /// None is fetched within half a minute of its last attempt, whatever sets that take kids from each other in turns ask for.
    private func refetchingOthers(than set: KeySet, at now: Timestamp) -> SQL {
        """
        update campus.key_set set etag = null,
            due_at = least(due_at, greatest(attempted_at + interval '30 seconds', \(now)))
        where campus_id = \(set.campus) and id <> \(set.id) and revoked_at is null
        """
    }

    /// Takes sets that are due, so that no other process fetches them for a while.
    ///
    /// - `lease`: for how long.
    package func claimDue(
        at now: Timestamp,
        lease: Duration,
        limit: Int,
        in session: borrowing Session
    ) throws -> [KeySet] {
        try session.query(
            """
            update campus.key_set set attempted_at = \(now), due_at = \(now + lease)
            where (campus_id, id) in (
                select campus_id, id from campus.key_set where revoked_at is null and due_at <= \(now)
                order by due_at limit \(rows: limit) for update skip locked
            )
            returning \(Self.columns)
            """,
            Self.keySet
        )
    }

    /// Takes note of what became of fetching a set, and when it is fetched next; nothing when it was revoked meanwhile.
    ///
    /// A kid that another set of the campus publishes stays that one's, and what was added by hand comes before either.
    package func settle(
        _ set: KeySet,
        _ outcome: KeySetFetch,
        at now: Timestamp,
        next: Timestamp,
        in session: borrowing Session
    ) throws {
        guard let standing = try lock(set.id, of: set.campus, in: session), standing.revokedAt == nil else { return }
        switch outcome {
        case .unchanged:
            // Unless it is to be fetched whole since it was asked.
            try session.execute(
                """
                update campus.key_set set fetched_at = \(now), failures = 0, fault = null,
                    due_at = case when etag is not distinct from \(set.etag) then \(next) else due_at end
                where campus_id = \(set.campus) and id = \(set.id)
                """
            )
        case .changed(let jwks, let etag):
            let kids = jwks.keys.map(\.kid)
            let algorithms = jwks.keys.map(\.algorithm.rawValue)
            let materials = jwks.keys.map(\.material)
            let counts = try session.pipeline([
                """
                delete from campus.key_set_key
                where campus_id = \(set.campus) and key_set_id = \(set.id) and kid <> all (\(kids))
                """,
                """
                insert into campus.key_set_key as k (campus_id, kid, key_set_id, algorithm, key, seen_at)
                select \(set.campus), n.kid, \(set.id), n.algorithm, n.key, \(now)
                from unnest(\(kids), \(algorithms), \(materials)) as n(kid, algorithm, key) order by n.kid
                on conflict (campus_id, kid) do update
                    set algorithm = excluded.algorithm, key = excluded.key, seen_at = excluded.seen_at
                    where k.key_set_id = excluded.key_set_id
                """,
                """
                update campus.key_set
                set fetched_at = \(now), due_at = \(next), failures = 0, fault = null, etag = \(etag)
                where campus_id = \(set.campus) and id = \(set.id)
                """,
            ])
            if counts[0] > 0 { try session.execute(refetchingOthers(than: set, at: now)) }
        case .failed(let fault):
            try session.execute(
                """
                update campus.key_set set due_at = \(next), failures = failures + 1, fault = \(fault)
                where campus_id = \(set.campus) and id = \(set.id)
                """
            )
        }
    }

    /// Has the sets of these campuses fetched earlier than they are due, none within half a minute of its last attempt.
    func want(_ campuses: [CampusID], in session: borrowing Session) throws {
        _ = try session.query("select campus.want_key_sets(\(campuses))") { _ in }
    }

    private static let columns: SQL = """
        id, campus_id, url, created_at, revoked_at, fetched_at, failures, fault, etag
        """

    private static func keySet(_ row: Row) throws -> KeySet {
        let failures: Int32 = try row["failures"]
        return KeySet(
            id: try row["id"],
            campus: try row["campus_id"],
            url: try row["url"],
            createdAt: try row["created_at"],
            revokedAt: try row["revoked_at"],
            fetchedAt: try row["fetched_at"],
            failures: Int(failures),
            fault: try row["fault"],
            etag: try row["etag"]
        )
    }
}
