import Model
import Postgres

/// Reads orders.
struct OrderStore: Sendable {
    /// The order as it stands; nil when there is none.
    func find(_ key: OrderKey, in session: borrowing Session) throws -> Order? {
        try session.first(
            "select \(Order.columns) from campus.orders o where o.campus_id = \(key.campus) and o.id = \(key.id)",
            Order.init(columns:)
        )
    }

    /// Locks orders, in the order of their keys, until the transaction ends; a row for each that is there and is locked now.
    ///
    /// It waits for those that another transaction holds, or leaves them out. What they are is to be asked afterwards, by
    /// ``reading(_:)``: that sees what those who held the locks have committed.
    func locking(_ keys: [OrderKey], waits: Bool) -> Query<OrderKey> {
        let sorted = keys.sorted { ($0.campus, $0.id) < ($1.campus, $1.id) }
        let held: SQL = waits ? "" : "skip locked"
        // One probe of the index for each key, in their order, whatever the planner thinks of the table's size.
        return Query(
            """
            select k.campus_id, k.id from unnest(\(sorted.map(\.campus)), \(sorted.map(\.id))) as k (campus_id, id)
            cross join lateral (
                select from campus.orders o where o.campus_id = k.campus_id and o.id = k.id for no key update of o \(held)
            ) o
            """
        ) { OrderKey(campus: try $0[0], id: try $0[1]) }
    }

    /// Reads orders as they stand.
    func reading(_ keys: [OrderKey]) -> Query<Order> {
        Query(
            """
            select \(Order.columns) from unnest(\(keys.map(\.campus)), \(keys.map(\.id))) as k (campus_id, id)
            cross join lateral (
                select * from campus.orders o where o.campus_id = k.campus_id and o.id = k.id offset 0
            ) o
            """,
            Order.init(columns:)
        )
    }

    /// A page of a list: in the order of change when `updatedSince` is given, the newest first otherwise.
    func list(_ filter: OrderFilter, in session: borrowing Session) throws -> [Order] {
        try session.query(listing(filter), Order.init(columns:))
    }

    /// The statement of ``list(_:in:)``.
    func listing(_ filter: OrderFilter) -> SQL {
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
        return statement + " limit \(rows: filter.limit)"
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
