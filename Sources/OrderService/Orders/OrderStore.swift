import Model
import Postgres

/// Reads orders.
struct OrderStore: Sendable {
    /// The order, as the caller may see it; nil when there is none for them.
    func find(_ key: OrderKey, in session: borrowing Session) throws -> Order? {
        let orders = try session.query(
            "select \(Order.columns) from campus.orders o where o.campus_id = \(key.campus) and o.id = \(key.id)",
            Order.init(columns:)
        )
        return try completed(orders, in: session).first
    }

    /// Locks orders, in the order of their keys, until the transaction ends.
    ///
    /// It waits for those that another transaction holds, or leaves them out; what it returns exists and is locked.
    func lock(_ keys: [OrderKey], waits: Bool, in session: borrowing Session) throws -> [OrderKey: Order] {
        let sorted = keys.sorted { ($0.campus, $0.id) < ($1.campus, $1.id) }
        let held: SQL = waits ? "" : "skip locked"
        // One probe of the index for each key, in their order, whatever the planner thinks of the table's size.
        let orders = try session.query(
            """
            select \(Order.columns) from unnest(\(sorted.map(\.campus)), \(sorted.map(\.id))) as k (campus_id, id)
            cross join lateral (
                select * from campus.orders o where o.campus_id = k.campus_id and o.id = k.id for no key update of o \(held)
            ) o
            """,
            Order.init(columns:)
        )
        // What belongs to the orders is read by later statements: they see what those who held the locks have committed.
        return Dictionary(
            uniqueKeysWithValues: try completed(orders, in: session).map { ($0.key, $0) }
        )
    }

    /// A page of a list: in the order of change when `updatedSince` is given, the newest first otherwise.
    func list(_ filter: OrderFilter, in session: borrowing Session) throws -> [Order] {
        var statement: SQL = "select \(Order.columns) from campus.orders o where o.campus_id = \(filter.campus)"
        if let externalID = filter.externalID { statement += " and o.external_id = \(externalID)" }
        if let customerID = filter.customerID { statement += " and o.customer_id = \(customerID)" }
        if let merchantID = filter.merchantID { statement += " and o.merchant_id = \(merchantID)" }
        if let ownerID = filter.ownerID { statement += " and o.customer_id = \(ownerID)" }
        if let shopID = filter.shopID { statement += " and o.merchant_id = \(shopID)" }
        if let status = filter.status { statement += " and o.status = \(status)" }
        if let riderID = filter.riderID {
            statement += " and (o.rider_id = \(riderID) or (o.rider_id is null and o.status = 'ready'))"
        }
        if let since = filter.updatedSince {
            statement += " and o.updated_at >= \(since)"
            if let after = filter.after { statement += " and (o.updated_at, o.id) > (\(after.time), \(after.id))" }
            statement += " order by o.updated_at, o.id"
        } else {
            if let after = filter.after { statement += " and o.id < \(after.id)" }
            statement += " order by o.id desc"
        }
        statement += " limit \(filter.limit)"
        return try completed(try session.query(statement, Order.init(columns:)), in: session)
    }

    /// The order's changes, first to last.
    func timeline(of key: OrderKey, in session: borrowing Session) throws -> [OrderTimelineEntry] {
        try session.query(
            """
            select version, type, actor, at, recorded_at, detail from campus.order_timeline
            where campus_id = \(key.campus) and order_id = \(key.id) order by version
            """
        ) { row in
            var column = ColumnReader(row)
            return OrderTimelineEntry(
                version: try column.next(),
                type: try column.next(),
                actor: try column.next(),
                at: try column.next(),
                recordedAt: try column.next(),
                detail: try column.next()
            )
        }
    }

    /// The order of that external number; nil when it is free.
    func id(ofExternal externalID: String, campus: CampusID, in session: borrowing Session) throws -> OrderID? {
        try session.first(
            "select id from campus.orders where campus_id = \(campus) and external_id = \(externalID)"
        ) { try $0[0] }
    }

    /// The orders with their payments and the facts of their lines.
    private func completed(_ orders: [Order], in session: borrowing Session) throws -> [Order] {
        guard !orders.isEmpty else { return [] }
        var completed = orders
        let campuses = orders.map(\.campus)
        let ids = orders.map(\.id)
        var positions: [OrderKey: Int] = [:]
        for (position, order) in orders.enumerated() {
            positions[order.key] = position
        }
        let shares = try session.query(
            """
            select a.campus_id, a.order_id, p.id, p.channel, p.transaction_id, p.paid_at, a.purpose, a.amount_fen
            from unnest(\(campuses), \(ids)) as k (campus_id, id)
            cross join lateral (
                select * from campus.payment_allocation a where a.campus_id = k.campus_id and a.order_id = k.id offset 0
            ) a
            cross join lateral (
                select * from campus.payment p where p.campus_id = a.campus_id and p.id = a.payment_id offset 0
            ) p
            order by p.created_at, p.id, a.purpose desc
            """
        ) { row in
            var column = ColumnReader(row)
            let key = OrderKey(campus: try column.next(), id: try column.next())
            let share = PaymentShare(
                paymentID: try column.next(),
                channel: try column.next(),
                transactionID: try column.next(),
                paidAt: try column.next(),
                purpose: try column.next(),
                amount: try column.next()
            )
            return (key, share)
        }
        for (key, share) in shares {
            if let position = positions[key] { completed[position].payments.append(share) }
        }
        let facts = try session.query(
            """
            select f.campus_id, f.order_id, f.line_no, f.used, f.opened, f.activated
            from unnest(\(campuses), \(ids)) as k (campus_id, id)
            cross join lateral (
                select * from campus.order_line_fact f where f.campus_id = k.campus_id and f.order_id = k.id offset 0
            ) f
            """
        ) { row in
            var column = ColumnReader(row)
            let key = OrderKey(campus: try column.next(), id: try column.next())
            let line: Int32 = try column.next()
            let facts = LineFacts(used: try column.next(), opened: try column.next(), activated: try column.next())
            return (key, Int(line), facts)
        }
        for (key, line, facts) in facts {
            if let position = positions[key] { completed[position].lineFacts[line] = facts }
        }
        return completed
    }
}

/// Which orders a list shows; nil does not restrict it.
struct OrderFilter: Sendable {
    var campus: CampusID
    var externalID: String?
    var customerID: String?
    var merchantID: String?
    /// The only customer whose orders the caller sees.
    var ownerID: String?
    /// The only shop whose orders the caller sees.
    var shopID: String?
    /// The only rider whose orders the caller sees: what they carry, and what waits for a rider.
    var riderID: String?
    var status: OrderStatus?
    var updatedSince: Timestamp?
    /// The last order of the page before.
    var after: (time: Timestamp, id: OrderID)?
    /// At least 1.
    var limit: Int
}

/// A row of an order's timeline.
struct OrderTimelineEntry: Hashable, Sendable {
    var version: Int64
    var type: String
    var actor: String
    var at: Timestamp
    var recordedAt: Timestamp
    var detail: JSON?
}
