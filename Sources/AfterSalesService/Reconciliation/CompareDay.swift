import Model
import Postgres
import ServiceKit

/// Compares the platform's own books of a day with ours.
///
/// The platform lists money by when it moved. So what moved on the day and became known on another one, whose books may be closed
/// later, is the day's too; and what became known on the day and moved on another is left to that one's comparison.
struct CompareDay: Sendable {
    private let days = ReconciliationStore()
    private let compared = ComparedStore()

    /// Compares.
    ///
    /// - Parameters:
    ///   - day: a closed day.
    ///   - campus: its campus's code.
    ///   - theirs: the lines of the platform's file.
    ///   - session: a transaction that sees one moment.
    /// - Returns: what it came to.
    /// - Throws: `PostgresError`; ``DayIncomplete``; `MoneyOverflow` when amounts sum past 64 bits.
    func callAsFunction(
        _ day: ReconciliationDay,
        of campus: String,
        with theirs: [PlatformEntry],
        in session: borrowing Session
    ) throws -> ComparisonReport {
        var rows: [ComparedRow] = []
        while rows.count < day.rowCount {
            rows += try days.lines(of: day, after: rows.count, limit: 1_000, in: session).map(ComparedRow.init(line:))
        }
        let elsewhere = Dictionary(grouping: rows.compactMap(\.belongsTo)) { $0 }.mapValues(\.count)
        let closed = try days.closed(elsewhere.keys, of: day.campus, in: session)
        let late = try days.lines(belongingTo: day, in: session).map(ComparedRow.init(line:))

        var ours = (rows + late).map { $0.entry(of: day.day) }
        // What they have and the day has not: known on another day, not through yet, or not known at all.
        let others = Set(theirs.map(\.key)).subtracting(ours.map(\.key))
        ours += try compared.known(others, of: day.campus, in: session)
        return ComparisonReport(
            campus: campus,
            day: day,
            lateCount: late.count,
            theirCount: theirs.count,
            differences: try Comparison.differences(ours: ours, theirs: theirs),
            compareAgain: elsewhere.filter { $0.key < day.day && closed.contains($0.key) }
        )
    }
}

/// A row of a closed day, as far as a comparison needs it.
private struct ComparedRow {
    let key: ReconciliationKey
    let amount: Money
    let status: ReconciliationRow.Status
    /// The day on which the money moved, when that is another than the row's.
    let belongsTo: CampusCalendar.Day?

    init(line: String) throws {
        let json = try JSON(parsing: line)
        guard let kind = json["kind"]?.string.flatMap(ReconciliationRow.Kind.init),
            let status = json["status"]?.string.flatMap(ReconciliationRow.Status.init),
            let amount = json["amount_fen"]?.integer,
            let number = json[kind == .payment ? "transaction_id" : "out_refund_no"]?.string
        else { throw UnreadableDay() }
        key = kind == .payment ? .payment(number) : .refund(number)
        self.amount = Money(fen: amount)
        self.status = status
        belongsTo = json["belongs_to"]?.string.flatMap { CampusCalendar.Day($0) }
    }

    /// What it says in the comparison of that day.
    func entry(of day: CampusCalendar.Day) -> KnownEntry {
        KnownEntry(
            key: key,
            amount: amount,
            isMoved: status.isMoved,
            status: status.rawValue,
            isOfDay: belongsTo ?? day == day
        )
    }
}
