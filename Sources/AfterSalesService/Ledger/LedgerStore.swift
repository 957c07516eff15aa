import Model
import Postgres

/// The only writer of the ledger; its rows are never changed.
struct LedgerStore: Sendable {
    /// The statement that stores the movements of a refund.
    func insertion(of entries: [LedgerEntry], for refund: Refund, at now: Timestamp) -> SQL {
        """
        insert into campus.ledger_entry (campus_id, refund_id, number, case_id, order_id, debit, credit, amount_fen, at)
        select \(refund.campus), \(refund.id), e.number, \(refund.caseID), \(refund.orderID), e.debit, e.credit,
            e.amount_fen, \(now)
        from unnest(\(entries.map(\.debit.description)), \(entries.map(\.credit.description)), \(entries.map(\.amount)))
            with ordinality as e (debit, credit, amount_fen, number)
        """
    }
}
