import Model
import Postgres

/// Reads what is known of payments and refunds whatever their day, for a comparison.
struct ComparedStore: Sendable {
    /// Which of these payments and refunds of a campus are known.
    func known(
        _ keys: Set<ReconciliationKey>,
        of campus: CampusID,
        in session: borrowing Session
    ) throws -> [KnownEntry] {
        let transactions = keys.filter { $0.kind == .payment }.map(\.number)
        let refunds = keys.filter { $0.kind == .refund }.map(\.number)
        return try payments(transactions, of: campus, in: session) + self.refunds(refunds, of: campus, in: session)
    }

    private func payments(
        _ numbers: [String],
        of campus: CampusID,
        in session: borrowing Session
    ) throws -> [KnownEntry] {
        try session.query(
            """
            select transaction_id, sum(amount_fen)::bigint as amount_fen from campus.payment
            where campus_id = \(campus) and channel = any(\(PaymentChannel.allCases))
                and transaction_id = any(\(numbers))
            group by transaction_id
            """
        ) { row in
            KnownEntry(
                key: .payment(try row["transaction_id"]),
                amount: try row["amount_fen"],
                isMoved: true,
                status: ReconciliationRow.Status.paid.rawValue,
                isOfDay: false
            )
        }
    }

    /// Refunds of ours, and those that were made before their order came here.
    private func refunds(
        _ numbers: [String],
        of campus: CampusID,
        in session: borrowing Session
    ) throws -> [KnownEntry] {
        try session.query(
            """
            select r.out_refund_no, r.amount_fen, case when t.refund_id is null then r.status else 'paid_though_released' end
                as status
            from campus.refund r
            left join campus.refund_report t
                on t.campus_id = r.campus_id and t.refund_id = r.id and t.stood = 'closed' and t.result = 'succeeded'
                    and t.outcome = 'contradictory'
            where r.campus_id = \(campus) and r.out_refund_no = any(\(numbers))
            union all
            select out_refund_no, amount_fen, 'succeeded' from campus.past_refund
            where campus_id = \(campus) and out_refund_no = any(\(numbers))
            """
        ) { row in
            let status: String = try row["status"]
            return KnownEntry(
                key: .refund(try row["out_refund_no"]),
                amount: try row["amount_fen"],
                isMoved: ReconciliationRow.Status(rawValue: status)?.isMoved ?? false,
                status: status,
                isOfDay: false
            )
        }
    }
}
