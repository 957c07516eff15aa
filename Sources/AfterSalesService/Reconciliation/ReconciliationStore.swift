import Model
import Postgres
import ServiceKit

/// The only writer and reader of closed days and their rows, which are never changed.
struct ReconciliationStore: Sendable {
    /// Keeps others from closing a day of the campus until the transaction ends, and waits for nobody.
    ///
    /// - Returns: false when somebody is closing one.
    func lock(_ campus: CampusID, in session: borrowing Session) throws -> Bool {
        let key = Int32(truncatingIfNeeded: campus.low)
        return try session.one("select pg_try_advisory_xact_lock(\(Self.lockClass), \(key))") { row in try row[0] }
    }

    /// The first half of the advisory locks that stand for campuses.
    private static let lockClass: Int32 = 7_321

    /// A closed day; nil while it is open.
    func find(
        _ day: CampusCalendar.Day,
        of campus: CampusID,
        in session: borrowing Session
    ) throws -> ReconciliationDay? {
        try session.first(
            """
            select campus_id, \(Self.dayText) as day, row_count, payment_fen, refund_fen, ndjson_sha256, csv_sha256,
                closed_at
            from campus.reconciliation_day where campus_id = \(campus) and day = \(day.description)::date
            """
        ) { row in try ReconciliationDay(row) }
    }

    /// The lines of a closed day behind a number, in their order.
    ///
    /// - Throws: ``DayIncomplete`` when there are fewer than the day has.
    func lines(
        of day: ReconciliationDay,
        after number: Int,
        limit: Int,
        in session: borrowing Session
    ) throws -> [String] {
        let lines: [String] = try session.query(
            """
            select line from campus.reconciliation_row
            where campus_id = \(day.campus) and day = \(day.day.description)::date and number > \(number)
            order by number limit \(limit)
            """
        ) { row in try row["line"] }
        guard lines.count == min(limit, day.rowCount - number) else { throw DayIncomplete() }
        return lines
    }

    /// The lines of other days about money that moved on this one.
    func lines(belongingTo day: ReconciliationDay, in session: borrowing Session) throws -> [String] {
        try session.query(
            """
            select line from campus.reconciliation_row
            where campus_id = \(day.campus) and line::jsonb ->> 'belongs_to' = \(day.day.description)
            order by day, number
            """
        ) { row in try row["line"] }
    }

    /// Which of these days of a campus are closed.
    func closed(
        _ days: some Sequence<CampusCalendar.Day>,
        of campus: CampusID,
        in session: borrowing Session
    ) throws -> Set<CampusCalendar.Day> {
        let found: [String] = try session.query(
            """
            select \(Self.dayText) as day from campus.reconciliation_day
            where campus_id = \(campus) and day = any(\(days.map(\.description))::date[])
            """
        ) { row in try row["day"] }
        return Set(found.compactMap { CampusCalendar.Day($0) })
    }

    /// Stores rows of a day that is being closed, numbered on from `first`.
    func insert(
        _ rows: [(fact: String, line: String)],
        from first: Int,
        of day: CampusCalendar.Day,
        campus: CampusID,
        in session: borrowing Session
    ) throws {
        guard !rows.isEmpty else { return }
        try session.execute(
            """
            insert into campus.reconciliation_row (campus_id, day, number, fact, line)
            select \(campus), \(day.description)::date, \(first) - 1 + r.number, r.fact, r.line
            from unnest(\(rows.map(\.fact)), \(rows.map(\.line))) with ordinality as r (fact, line, number)
            """
        )
    }

    /// Stores what a day came to, after its rows.
    func insert(_ day: ReconciliationDay, in session: borrowing Session) throws {
        try session.execute(
            """
            insert into campus.reconciliation_day (
                campus_id, day, row_count, payment_fen, refund_fen, ndjson_sha256, csv_sha256, closed_at
            ) values (
                \(day.campus), \(day.day.description)::date, \(day.rowCount), \(day.paymentSum), \(day.refundSum),
                \(day.digests.ndjson), \(day.digests.csv), \(day.closedAt)
            )
            """
        )
    }

    /// A campus and how far its books are closed.
    struct Progress: Hashable, Sendable {
        /// The campus.
        let campus: CampusID
        /// The last day that is closed; nil when none is.
        let lastDay: CampusCalendar.Day?
        /// When its books begin: when it was created, or earlier when a payment was recorded before.
        let since: Timestamp

        /// The day to close next.
        func nextDay(on campus: Campus) -> CampusCalendar.Day {
            lastDay?.next ?? campus.localDay(at: since)
        }
    }

    /// How far the books of each campus are closed, or of one.
    func progress(of campus: CampusID? = nil, in session: borrowing Session) throws -> [Progress] {
        let condition: SQL = campus.map { "where c.id = \($0)" } ?? ""
        return try session.query(
            """
            select c.id, d.day, least(c.created_at, p.created_at) as since
            from campus.campus c
            left join lateral (
                select \(Self.dayText) as day from campus.reconciliation_day
                where campus_id = c.id order by reconciliation_day.day desc limit 1
            ) d on true
            left join lateral (
                select created_at from campus.payment where campus_id = c.id order by created_at limit 1
            ) p on true
            \(condition)
            order by c.id
            """
        ) { row in
            let day: String? = try row["day"]
            return Progress(
                campus: try row["id"],
                lastDay: day.flatMap { CampusCalendar.Day($0) },
                since: try row["since"]
            )
        }
    }

    fileprivate static let dayText: SQL = "to_char(reconciliation_day.day, 'YYYY-MM-DD')"
}

extension ReconciliationDay {
    fileprivate init(_ row: Row) throws {
        let text: String = try row["day"]
        guard let day = CampusCalendar.Day(text) else { throw UnreadableDay() }
        self.init(
            campus: try row["campus_id"],
            day: day,
            rowCount: try row["row_count"],
            paymentSum: try row["payment_fen"],
            refundSum: try row["refund_fen"],
            digests: Digests(ndjson: try row["ndjson_sha256"], csv: try row["csv_sha256"]),
            closedAt: try row["closed_at"]
        )
    }
}

extension CampusCalendar.Day {
    /// The day after it.
    var next: CampusCalendar.Day { CampusCalendar.Day(number: number + 1) }
}

/// A stored day is none.
struct UnreadableDay: Error {}

/// A closed day lacks some of its rows.
struct DayIncomplete: Error {}
