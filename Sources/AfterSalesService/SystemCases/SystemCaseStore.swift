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
