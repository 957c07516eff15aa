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
        let payments = try session.query(
            """
            select transaction_id, sum(amount_fen)::bigint as amount_fen from campus.payment
            where campus_id = \(campus) and channel = any(\(PaymentChannel.allCases))
                and transaction_id = any(\(transactions))
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
        return try payments
            + session.query(
                """
                select r.out_refund_no, r.amount_fen, case when t.refund_id is null then r.status else 'paid_though_released' end
                    as status
                from campus.refund r
                left join campus.refund_report t
                    on t.campus_id = r.campus_id and t.refund_id = r.id and t.stood = 'closed' and t.result = 'succeeded'
                        and t.outcome = 'contradictory'
                where r.campus_id = \(campus) and r.out_refund_no = any(\(refunds))
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

extension KnownEntry {
    /// A row of a closed day.
    init(line: String) throws {
        let json = try JSON(parsing: line)
        guard let kind = json["kind"]?.string.flatMap(ReconciliationRow.Kind.init),
            let status = json["status"]?.string.flatMap(ReconciliationRow.Status.init),
            let amount = json["amount_fen"]?.integer,
            let number = json[kind == .payment ? "transaction_id" : "out_refund_no"]?.string
        else { throw UnreadableDay() }
        self.init(
            key: kind == .payment ? .payment(number) : .refund(number),
            amount: Money(fen: amount),
            isMoved: status.isMoved,
            status: status.rawValue,
            isOfDay: json["belongs_to"]?.string == nil
        )
    }
}
