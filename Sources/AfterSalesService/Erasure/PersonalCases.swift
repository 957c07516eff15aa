import Model
import Postgres
import ServiceKit

/// Cases as what people said in them: descriptions, comments and notes.
///
/// What was asked for, what was decided by which rules and what was paid stay; so do the reasons of decisions, which are owed to the
/// person and are the desk's own words.
struct PersonalCases: EraseInRounds.Subject {
    private let store = CaseErasureStore()

    func items(
        of erasure: Erasure,
        at now: Timestamp,
        limit: Int,
        in session: borrowing Session
    ) throws -> [EraseInRounds.Item] {
        try store.cases(of: erasure, limit: limit, in: session)
    }

    func erase(_ items: [AnyID], for erasure: Erasure, at now: Timestamp, in session: borrowing Session) throws {
        switch erasure.party.kind {
        case .customer: try store.erase(items, in: erasure.campus, session: session)
        case .merchant, .rider:
            try store.erase(items, saidBy: erasure.party, in: erasure.campus, session: session)
        }
    }

    func keepsUntil(_ erasure: Erasure, in session: borrowing Session) throws -> Timestamp? { nil }
}
