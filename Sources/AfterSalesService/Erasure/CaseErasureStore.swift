import Model
import Postgres
import ServiceKit

/// Finds and erases words of and about people in cases.
struct CaseErasureStore: Sendable {
    /// The cases of somebody that were opened before they asked, in the order of ids from the erasure's place on.
    func cases(of erasure: Erasure, limit: Int, in session: borrowing Session) throws -> [EraseInRounds.Item] {
        let owner: SQL
        switch erasure.party.kind {
        case .customer: owner = "customer_id = \(erasure.party.id)"
        case .merchant: owner = "merchant_id = \(erasure.party.id)"
        // Riders say nothing in cases.
        case .rider: return []
        }
        return try session.query(
            """
            select id, status in ('resolved', 'closed', 'withdrawn', 'rejected') from campus.cases
            where campus_id = \(erasure.campus) and \(owner) and id > \(erasure.place)
                and opened_at <= \(erasure.requestedAt)
            order by id limit \(rows: limit)
            """
        ) { row in EraseInRounds.Item(id: try row[0], isOver: try row[1]) }
    }

    /// Erases everything that was said in these cases.
    func erase(_ cases: [AnyID], in campus: CampusID, session: borrowing Session) throws {
        try session.pipeline([
            """
            update campus.cases c set description = null
            from (
                select id from campus.cases
                where campus_id = \(campus) and id = any (\(cases)) and description is not null
                order by id for no key update
            ) l
            where c.campus_id = \(campus) and c.id = l.id
            """,
            "delete from campus.case_words where campus_id = \(campus) and case_id = any (\(cases))",
        ])
    }

    /// Erases what one person said in these cases.
    func erase(_ cases: [AnyID], saidBy party: Party, in campus: CampusID, session: borrowing Session) throws {
        try session.execute(
            """
            delete from campus.case_words w using campus.case_timeline t
            where w.campus_id = \(campus) and w.case_id = any (\(cases))
                and t.campus_id = w.campus_id and t.case_id = w.case_id and t.version = w.version
                and t.actor = \(party.description)
            """
        )
    }
}
