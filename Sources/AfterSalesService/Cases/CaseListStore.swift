import Model
import Postgres
import ServiceKit

/// Which cases a list shows.
struct CaseFilter: Sendable {
    /// Of this campus.
    var campus: CampusID
    /// Of this order.
    var order: OrderID?
    /// Of this customer.
    var customer: String?
    /// Of this merchant's orders.
    var merchant: String?
    /// That stand there.
    var status: CaseStatus?
    /// That changed at or after this time; they are listed in the order of their changes then.
    var updatedSince: Timestamp?
}

/// Lists cases, page by page.
struct CaseListStore: Sendable {
    /// Cases by a filter: the newest first, or, with `updatedSince`, in the order of their changes.
    ///
    /// - Throws: a problem when the page's cursor is not one of this list.
    func list(_ filter: CaseFilter, _ page: Page, in session: borrowing Session) throws -> Listing<AfterSalesCase> {
        let after = try page.timeAndID(of: IDSubject.Case.self)
        var conditions: SQL = "c.campus_id = \(filter.campus)"
        if let order = filter.order { conditions += " and c.order_id = \(order)" }
        if let customer = filter.customer { conditions += " and c.customer_id = \(customer)" }
        if let merchant = filter.merchant { conditions += " and c.merchant_id = \(merchant)" }
        if let status = filter.status { conditions += " and c.status = \(status)" }
        let order: SQL
        if let since = filter.updatedSince {
            conditions += " and c.updated_at >= \(since)"
            if let (time, id) = after {
                conditions += " and (c.updated_at, c.id) > (\(time), \(id))"
            }
            order = "c.updated_at, c.id"
        } else {
            if let (_, id) = after { conditions += " and c.id < \(id)" }
            order = "c.id desc"
        }
        return try found(
            "select \(CaseStore.columns) from campus.cases c where \(conditions) order by \(order) limit \(rows: page.limit + 1)",
            page,
            in: session,
            time: \.updatedAt
        )
    }

    /// The desk's queue: what a person has to look at, the most urgent first.
    ///
    /// With a handler's name only the cases of that staff member, with an empty one only those that nobody has. Cases
    /// of the reader's own orders are left out.
    ///
    /// - Throws: a problem when the page's cursor is not one of this list.
    func queue(
        campus: CampusID,
        handler: String?,
        reader: String,
        _ page: Page,
        in session: borrowing Session
    ) throws -> Listing<AfterSalesCase> {
        var conditions: SQL = """
            c.campus_id = \(campus) and c.status in ('in_review', 'appealed', 'arbitration') and c.customer_id <> \(reader)
            """
        if let handler {
            conditions += handler.isEmpty ? " and c.handler is null" : " and c.handler = \(handler)"
        }
        if let (time, id) = try page.timeAndID(of: IDSubject.Case.self) {
            conditions += " and (c.priority_at, c.id) > (\(time), \(id))"
        }
        return try found(
            """
            select \(CaseStore.columns) from campus.cases c where \(conditions)
            order by c.priority_at, c.id limit \(rows: page.limit + 1)
            """,
            page,
            in: session,
            time: \.priorityAt
        )
    }

    private func found(
        _ sql: SQL,
        _ page: Page,
        in session: borrowing Session,
        time: KeyPath<AfterSalesCase, Timestamp>
    ) throws -> Listing<AfterSalesCase> {
        let rows = try session.query(sql) { row in try AfterSalesCase(row) }
        return page.cut(rows) { Cursor(time: $0[keyPath: time], id: $0.id) }
    }
}
