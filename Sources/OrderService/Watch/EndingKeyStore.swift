import Model
import Postgres

/// A platform key whose end is near.
struct EndingKey: Hashable, Sendable {
    let id: KeyID
    /// The campus's code.
    let campus: String
    let expiresAt: Timestamp
}

/// Finds platform keys that end soon.
struct EndingKeyStore: Sendable {
    /// The keys that end in that span and were neither revoked nor replaced; one that was rotated is meant to end.
    func keys(from: Timestamp, to: Timestamp, in session: borrowing Session) throws -> [EndingKey] {
        try session.query(
            """
            select k.id, c.code, k.expires_at
            from campus.platform_key k join campus.campus c on c.id = k.campus_id
            where k.revoked_at is null and k.expires_at > \(from) and k.expires_at <= \(to)
                and not exists (
                    select from campus.platform_key later
                    where later.campus_id = k.campus_id and later.name = k.name and later.created_at > k.created_at
                        and later.revoked_at is null
                )
            order by k.expires_at, k.id
            """
        ) { row in
            EndingKey(id: try row["id"], campus: try row["code"], expiresAt: try row["expires_at"])
        }
    }
}
