import Model
import Postgres
import ServiceKit

/// Words about orders that others than their customers were told, in inboxes and webhooks.
struct ToldWordStore: Sendable {
    /// Erases those about the orders of these customers.
    func erase(about customers: [ErasureStore.CampusRequest], in session: borrowing Session) throws {
        guard !customers.isEmpty else { return }
        _ = try session.query(
            """
            select campus.erase_told_words(n.campus_id, n.id)
            from unnest(\(customers.map(\.campus)), \(customers.map(\.request.party.id))) as n (campus_id, id)
            order by n.campus_id, n.id
            """
        ) { row -> Int64 in try row[0] }
    }
}
