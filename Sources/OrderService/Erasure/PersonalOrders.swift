import Model
import Postgres
import ServiceKit

/// Orders as what is known of their customers and riders.
///
/// Address, device, reasons, proofs and positions go; what was ordered, what was paid and what happened when stay.
struct PersonalOrders: EraseInRounds.Subject {
    private let store = OrderErasureStore()

    func items(
        of erasure: Erasure,
        at now: Timestamp,
        limit: Int,
        in session: borrowing Session
    ) throws -> [EraseInRounds.Item] {
        try store.orders(of: erasure, at: now, limit: limit, in: session)
    }

    func erase(_ items: [AnyID], for erasure: Erasure, at now: Timestamp, in session: borrowing Session) throws {
        try store.erase(items, of: erasure.party.kind, in: erasure.campus, at: now, session: session)
    }

    func keepsUntil(_ erasure: Erasure, in session: borrowing Session) throws -> Timestamp? {
        guard erasure.party.kind == .customer else { return nil }
        return try store.payersKnownUntil(of: erasure, in: session)
    }
}
