import Crypto
import Model
import Postgres
import ServiceKit

/// Closes a campus's books, day by day: what became known is written down once, and hashed.
///
/// A day's facts are what became known before its end and is in no earlier day. So what was stamped within a day and committed
/// after that day was closed is in the next one; nothing is in two, and nothing in none.
struct CloseDay: Sendable {
    /// Where the books are.
    let pool: ConnectionPool
    /// How long after its end a day is closed: what is on its way has arrived by then.
    let grace: Duration

    private let days = ReconciliationStore()
    private let facts = ReconciliationFactStore()

    /// How long after it was stamped a fact may at most become visible; far longer than any transaction.
    private static let longestCommit = Duration.days(1)

    /// Closes days of the books in that database.
    init(pool: ConnectionPool, grace: Duration) {
        self.pool = pool
        self.grace = grace
    }

    /// When that day of a campus is closed, by the campus's clock.
    func closingTime(of day: CampusCalendar.Day, on campus: Campus) -> Timestamp {
        campus.start(of: day.next) + grace
    }

    /// Closes the next day of a campus, one and no more, when it is over and nobody else is closing one.
    ///
    /// - Parameters:
    ///   - campus: the campus.
    ///   - now: its time.
    ///   - last: the last day to close.
    /// - Returns: the day that was closed now.
    /// - Throws: `PostgresError`.
    func callAsFunction(
        _ campus: Campus,
        at now: Timestamp,
        through last: CampusCalendar.Day? = nil
    ) async throws -> ReconciliationDay? {
        try await pool.transaction { [days] session in
            guard try days.lock(campus.id, in: session),
                let progress = try days.progress(of: campus.id, in: session).first
            else { return nil }
            let day = progress.nextDay(on: campus)
            guard day <= last ?? day, closingTime(of: day, on: campus) <= now else { return nil }
            let start = campus.start(of: day)
            // Facts may be in no day yet since then.
            let since = progress.lastDay == nil ? min(start, progress.since) : start - Self.longestCommit
            return try close(day, of: campus, since: since, at: now, in: session)
        }
    }

    private func close(
        _ day: CampusCalendar.Day,
        of campus: Campus,
        since: Timestamp,
        at now: Timestamp,
        in session: borrowing Session
    ) throws -> ReconciliationDay {
        var books = Books()
        let end = campus.start(of: day.next)
        for source in ReconciliationSource.allCases {
            var place = ReconciliationPlace.before(since)
            while true {
                let page = try facts.facts(source, of: campus.id, after: place, before: end, in: session)
                let first = books.rowCount + 1
                let rows = try page.rows.map { try books.add($0.dated(day, on: campus)) }
                try days.insert(rows, from: first, of: day, campus: campus.id, in: session)
                guard let next = page.next else { break }
                place = next
            }
        }
        let closed = books.closed(day, of: campus.id, at: now)
        try days.insert(closed, in: session)
        return closed
    }
}

/// A day's sums and digests while it is being closed.
private struct Books {
    private(set) var rowCount = 0
    private var paymentSum = Money.zero
    private var refundSum = Money.zero
    private var ndjson = SHA256()
    private var csv = SHA256()

    init() {
        ndjson.update(data: Array(ReconciliationForm.ndjson.header.utf8))
        csv.update(data: Array(ReconciliationForm.csv.header.utf8))
    }

    /// Counts a row in, and says how it is kept.
    mutating func add(_ row: ReconciliationRow) throws -> (fact: String, line: String) {
        let json = row.json
        let line = json.text
        rowCount += 1
        ndjson.update(data: Array(ReconciliationForm.ndjson.row(line, json).utf8))
        csv.update(data: Array(ReconciliationForm.csv.row(line, json).utf8))
        if row.status.isMoved {
            switch row.kind {
            case .payment: paymentSum = try paymentSum.adding(row.amount)
            case .refund: refundSum = try refundSum.adding(row.amount)
            }
        }
        return (row.fact, line)
    }

    func closed(_ day: CampusCalendar.Day, of campus: CampusID, at now: Timestamp) -> ReconciliationDay {
        ReconciliationDay(
            campus: campus,
            day: day,
            rowCount: rowCount,
            paymentSum: paymentSum,
            refundSum: refundSum,
            digests: ReconciliationDay.Digests(ndjson: Array(ndjson.finalize()), csv: Array(csv.finalize())),
            closedAt: now
        )
    }
}

extension ReconciliationRow {
    /// The row with the day that it belongs to, where that is not the day that it is in.
    fileprivate func dated(_ day: CampusCalendar.Day, on campus: Campus) -> ReconciliationRow {
        var copy = self
        copy.belongsTo = movedAt.map(campus.localDay(at:)).flatMap { $0 == day ? nil : $0 }
        return copy
    }
}
