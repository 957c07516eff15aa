import Model
import Postgres

/// The only writer and reader of which case answers for which money due back.
struct SystemCaseStore: Sendable {
    /// Whether that money was answered for already.
    func isAnswered(_ due: MoneyDue, campus: CampusID, in session: borrowing Session) throws -> Bool {
        try session.one(
            """
            select exists (
                select from campus.system_case
                where campus_id = \(campus) and order_id = \(due.orderID) and payment_id = \(due.refund.paymentID)
                    and cause = \(due.refund.cause)
            ) as is_answered
            """
        ) { row in try row["is_answered"] }
    }

    /// The money that each of the service's own cases of an order answers for.
    func dues(of order: OrderID, campus: CampusID, in session: borrowing Session) throws -> [CaseID: RefundDue] {
        let rows = try session.query(
            """
            select case_id, payment_id, cause, due_fen from campus.system_case
            where campus_id = \(campus) and order_id = \(order) and case_id is not null
            """
        ) { row in
            let id: CaseID = try row["case_id"]
            let due = RefundDue(
                paymentID: try row["payment_id"],
                cause: try row["cause"],
                amount: try row["due_fen"]
            )
            return (id, due)
        }
        return Dictionary(uniqueKeysWithValues: rows)
    }

    /// Stores which case answers; nil when nothing was left that was not promised already.
    func insert(_ due: MoneyDue, answeredBy id: CaseID?, campus: CampusID, in session: borrowing Session) throws {
        try session.execute(
            """
            insert into campus.system_case (campus_id, order_id, payment_id, cause, case_id, due_fen)
            values (\(campus), \(due.orderID), \(due.refund.paymentID), \(due.refund.cause), \(id), \(due.refund.amount))
            """
        )
    }
}
