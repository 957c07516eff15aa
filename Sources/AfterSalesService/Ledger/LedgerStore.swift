import Model
import Postgres

/// The only writer of the ledger; its rows are never changed.
struct LedgerStore: Sendable {
    /// The statement that stores the movements of a refund.
    func insertion(of entries: [LedgerEntry], for refund: Refund, at now: Timestamp) -> SQL {
        insertion(of: entries, refund.campus, refund.caseID, refund.orderID, refund: refund.id, at: now)
    }

    /// The statement that stores the movements of a settled case that belong to none of its refunds.
    func insertion(of entries: [LedgerEntry], for settled: AfterSalesCase, at now: Timestamp) -> SQL {
        insertion(of: entries, settled.campus, settled.id, settled.orderID, refund: nil, at: now)
    }

    /// Entries of a case are counted on; whoever writes them holds the order's lock.
    private func insertion(
        of entries: [LedgerEntry],
        _ campus: CampusID,
        _ id: CaseID,
        _ order: OrderID,
        refund: RefundID?,
        at now: Timestamp
    ) -> SQL {
        """
        insert into campus.ledger_entry (campus_id, case_id, number, refund_id, order_id, debit, credit, amount_fen, at)
        select \(campus), \(id), e.number + (
                select coalesce(max(number), 0) from campus.ledger_entry where campus_id = \(campus) and case_id = \(id)
            ), \(refund), \(order), e.debit, e.credit, e.amount_fen, \(now)
        from unnest(\(entries.map(\.debit.description)), \(entries.map(\.credit.description)), \(entries.map(\.amount)))
            with ordinality as e (debit, credit, amount_fen, number)
        """
    }
}
