import Model
import Postgres

/// The only reader and writer of parties.
struct PartyStore: Sendable {
    /// Stores facts, of nobody twice, with one statement; those that are older than what stands change nothing.
    ///
    /// - Returns: how many stand now.
    @discardableResult
    func put(_ facts: [PartyFacts], in campus: CampusID, session: borrowing Session) throws -> Int {
        try session.execute(
            """
            insert into campus.party as p (
                campus_id, kind, id, registered_at, member_tier, building, is_minor, name, opening_hours, updated_at
            )
            select \(campus), n.* from unnest(
                \(facts.map(\.party.kind)), \(facts.map(\.party.id)), \(facts.map(\.registeredAt)),
                \(facts.map(\.memberTier)), \(facts.map(\.building)), \(facts.map(\.isMinor)), \(facts.map(\.name)),
                \(facts.map(\.openingHours)), \(facts.map(\.updatedAt))
            ) as n (kind, id, registered_at, member_tier, building, is_minor, name, opening_hours, updated_at)
            order by n.kind, n.id
            on conflict (campus_id, kind, id) do update set
                registered_at = excluded.registered_at, member_tier = excluded.member_tier, building = excluded.building,
                is_minor = excluded.is_minor, name = excluded.name, opening_hours = excluded.opening_hours,
                updated_at = excluded.updated_at
            where p.updated_at <= excluded.updated_at and (p.erased_at is null or p.erased_at < excluded.updated_at)
            """
        )
    }

    /// What is known of somebody; nil when nothing was ever told.
    func find(_ party: Party, in campus: CampusID, session: borrowing Session) throws -> PartyFacts? {
        try session.first(
            """
            select registered_at, member_tier, building, is_minor, name, opening_hours, updated_at, erased_at
            from campus.party where campus_id = \(campus) and kind = \(party.kind) and id = \(party.id)
            """
        ) { row in
            PartyFacts(
                party: party,
                registeredAt: try row[0],
                memberTier: try row[1],
                building: try row[2],
                isMinor: try row[3],
                name: try row[4],
                openingHours: try row[5],
                updatedAt: try row[6],
                erasedAt: try row[7]
            )
        }
    }

    /// What rules may know of a customer; no row where nothing was told.
    func standing(ofCustomer id: String, in campus: CampusID) -> Query<CustomerStanding> {
        Query(
            """
            select member_tier, registered_at from campus.party
            where campus_id = \(campus) and kind = \(PartyKind.customer) and id = \(id)
            """
        ) { row in CustomerStanding(memberTier: try row[0], registeredAt: try row[1]) }
    }

    /// Empties what is known of somebody, and keeps that it was erased, so that what the platform wrote down before does not bring it
    /// back.
    func erase(_ party: Party, at time: Timestamp, in campus: CampusID, session: borrowing Session) throws {
        try session.execute(
            """
            insert into campus.party as p (campus_id, kind, id, updated_at, erased_at)
            values (\(campus), \(party.kind), \(party.id), \(time), \(time))
            on conflict (campus_id, kind, id) do update set
                registered_at = null, member_tier = null, building = null, is_minor = null, name = null,
                opening_hours = null, updated_at = greatest(p.updated_at, excluded.updated_at),
                erased_at = greatest(p.updated_at, excluded.updated_at)
            """
        )
    }
}
