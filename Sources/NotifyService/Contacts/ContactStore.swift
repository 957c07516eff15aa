import Model
import Postgres
import ServiceKit

/// The only reader and writer of contacts.
struct ContactStore: Sendable {
    private static let columns: SQL = "c.kind, c.id, c.phone, c.openids, c.language, c.updated_at, c.erased_at"

    /// Stores contacts, no two of one person, with one statement; one that is older than what stands changes nothing.
    ///
    /// - Returns: how many stand now.
    @discardableResult
    func put(_ contacts: [SealedContact], in campus: CampusID, session: borrowing Session) throws -> Int {
        try session.execute(
            """
            insert into campus.contact as c (campus_id, kind, id, phone, openids, language, updated_at)
            select \(campus), n.* from unnest(
                \(contacts.map(\.party.kind)), \(contacts.map(\.party.id)), \(contacts.map(\.phone)),
                \(contacts.map(\.openIDs)), \(contacts.map(\.language)), \(contacts.map(\.updatedAt))
            ) as n (kind, id, phone, openids, language, updated_at)
            order by n.kind, n.id
            on conflict (campus_id, kind, id) do update set
                phone = excluded.phone, openids = excluded.openids, language = excluded.language,
                updated_at = excluded.updated_at
            where c.updated_at <= excluded.updated_at and (c.erased_at is null or c.erased_at < excluded.updated_at)
            """
        )
    }

    /// Somebody's contact; nil when there is none.
    func find(_ party: Party, in campus: CampusID, session: borrowing Session) throws -> SealedContact? {
        try session.first(
            """
            select \(Self.columns) from campus.contact c
            where c.campus_id = \(campus) and c.kind = \(party.kind) and c.id = \(party.id)
            """,
            SealedContact.init
        )
    }

    /// Removes somebody's contact; that it was erased once is kept, so that nothing from before comes back.
    ///
    /// - Returns: whether there was one.
    func delete(_ party: Party, in campus: CampusID, session: borrowing Session) throws -> Bool {
        let whose: SQL = "campus_id = \(campus) and kind = \(party.kind) and id = \(party.id)"
        let counts = try session.pipeline([
            "delete from campus.contact where \(whose) and erased_at is null",
            """
            update campus.contact set phone = null, openids = null, language = null
            where \(whose) and erased_at is not null and (phone, openids, language) is distinct from (null, null, null)
            """,
        ])
        return counts.contains { $0 > 0 }
    }

    /// Empties contacts, and keeps that they were erased, so that what was erased does not come back when it is sent once more.
    func erase(_ requests: [ErasureStore.CampusRequest], in session: borrowing Session) throws {
        try session.execute(
            """
            insert into campus.contact as c (campus_id, kind, id, updated_at, erased_at)
            select n.campus_id, n.kind, n.id, max(n.at), max(n.at) from unnest(
                \(requests.map(\.campus)), \(requests.map(\.request.party.kind)),
                \(requests.map(\.request.party.id)), \(requests.map(\.request.requestedAt))
            ) as n (campus_id, kind, id, at)
            group by n.campus_id, n.kind, n.id
            order by n.campus_id, n.kind, n.id
            on conflict (campus_id, kind, id) do update set
                phone = null, openids = null, language = null,
                updated_at = greatest(c.updated_at, excluded.updated_at),
                erased_at = greatest(c.updated_at, excluded.erased_at)
            -- A contact may be reported up to a minute ahead of our clock: one that is this little newer was known before.
            where c.updated_at <= excluded.updated_at + interval '60 seconds'
            """
        )
    }

    // MARK: Keys

    /// The names of all keys that something is sealed with, found by steps along the index.
    func keys(in session: borrowing Session) throws -> [String] {
        try session.query(
            """
            with recursive k (id) as (
                (select c.key_id from campus.contact c where c.key_id is not null order by c.key_id limit 1)
                union all
                select (select c.key_id from campus.contact c where c.key_id > k.id order by c.key_id limit 1)
                from k where k.id is not null
            )
            select id from k where id is not null
            """
        ) { try $0[0] }
    }

    /// Locks some contacts that are sealed with a key, in their order; those that others have locked are passed over.
    ///
    /// - `place`: the last one of the portion before.
    func lock(
        sealedWith key: String,
        after place: (campus: CampusID, party: Party)?,
        limit: Int,
        in session: borrowing Session
    ) throws -> [(campus: CampusID, contact: SealedContact)] {
        var condition: SQL = "c.key_id = \(key)"
        if let place {
            condition += """
                 and (c.campus_id, c.kind, c.id) > (\(place.campus), \(place.party.kind), \(place.party.id))
                """
        }
        return try session.query(
            """
            select \(Self.columns), c.campus_id from campus.contact c
            where \(condition) order by c.campus_id, c.kind, c.id limit \(rows: limit) for update skip locked
            """
        ) { row in (try row["campus_id"], try SealedContact(row)) }
    }

    /// Stores locked contacts that were sealed anew.
    func reseal(_ contacts: [(campus: CampusID, contact: SealedContact)], in session: borrowing Session) throws {
        try session.execute(
            """
            update campus.contact c set phone = n.phone, openids = n.openids
            from unnest(
                \(contacts.map(\.campus)), \(contacts.map(\.contact.party.kind)),
                \(contacts.map(\.contact.party.id)), \(contacts.map(\.contact.phone)), \(contacts.map(\.contact.openIDs))
            ) as n (campus_id, kind, id, phone, openids)
            where c.campus_id = n.campus_id and c.kind = n.kind and c.id = n.id
            """
        )
    }
}

extension SealedContact {
    fileprivate init(_ row: Row) throws {
        self.init(
            party: Party(kind: try row["kind"], id: try row["id"]),
            phone: try row["phone"],
            openIDs: try row["openids"],
            language: try row["language"],
            updatedAt: try row["updated_at"],
            erasedAt: try row["erased_at"]
        )
    }
}
