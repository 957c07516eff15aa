import EventLog
import Model
import Postgres

extension RetentionRule {
    /// A rule that erases rows a time after their last change, each campus by its own clock.
    ///
    /// It goes through them once, in the order of their last change, and remembers how far it has got.
    ///
    /// - Parameters:
    ///   - kind: what it is about, as the log calls it.
    ///   - period: how long after their last change they are kept.
    ///   - rows: a table with `campus_id`, `updated_at` and `id`, and an index on these.
    ///   - owner: the service that remembers.
    ///   - pool: where they are.
    ///   - directory: knows the clocks.
    ///   - erase: erases what these rows hold, at that campus time.
    public init(
        _ kind: String,
        after period: Duration,
        of rows: SQL,
        owner: EventStream,
        pool: ConnectionPool,
        directory: CampusDirectory,
        erase: @escaping @Sendable (CampusID, [AnyID], Timestamp, borrowing Session) throws -> Void
    ) {
        let places = RetentionPlaceStore(owner: owner)
        self.init(kind) {
            var count = 0
            var isLast = true
            for id in try await pool.autocommit({ try places.campuses(in: $0) }) {
                guard let campus = try await directory.campus(id) else { continue }
                let now = try await directory.now(in: campus)
                let aged = try await pool.transaction { session in
                    let aged = try places.advance(in: id, over: rows, before: now - period, session: session)
                    if !aged.isEmpty { try erase(id, aged, now, session) }
                    return aged.count
                }
                count += aged
                isLast = isLast && aged < RetentionPlaceStore.portion
            }
            return Portion(count: count, isLast: isLast)
        }
    }
}

/// How far erasing by age has got in each campus.
private struct RetentionPlaceStore: Sendable {
    /// How many rows one transaction takes.
    static let portion = 500

    private let table: SQL

    init(owner: EventStream) {
        switch owner {
        case .orders: table = "campus.orders_retention"
        case .afterSales: table = "campus.after_sales_retention"
        case .notifications: table = "campus.notifications_retention"
        }
    }

    func campuses(in session: borrowing Session) throws -> [CampusID] {
        try session.query("select id from campus.campus order by id") { try $0[0] }
    }

    /// Takes the next rows that were last changed before a time; none while another instance is at it.
    func advance(
        in campus: CampusID,
        over rows: SQL,
        before time: Timestamp,
        session: borrowing Session
    ) throws -> [AnyID] {
        try session.execute("insert into \(table) (campus_id) values (\(campus)) on conflict do nothing")
        let aged = try session.query(
            """
            with place as materialized (
                select updated_at, id from \(table) where campus_id = \(campus) for update skip locked
            )
            select r.id, r.updated_at from place p cross join lateral (
                select id, updated_at from \(rows)
                where campus_id = \(campus) and (updated_at, id) > (p.updated_at, p.id) and updated_at < \(time)
                order by updated_at, id limit \(Self.portion)
            ) r
            order by r.updated_at, r.id
            """
        ) { row -> (id: AnyID, updatedAt: Timestamp) in (try row[0], try row[1]) }
        if let last = aged.last {
            try session.execute(
                "update \(table) set updated_at = \(last.updatedAt), id = \(last.id) where campus_id = \(campus)"
            )
        }
        return aged.map(\.id)
    }
}
