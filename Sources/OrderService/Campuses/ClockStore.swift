import Model
import Postgres

/// Keeps how far the clocks of test campuses were advanced.
struct ClockStore: Sendable {
    /// The furthest that a clock can be ahead: the ten years of the table, which the server counts as 3600 days.
    static let furthest = Duration.days(3_600)

    /// Advances a campus's clock; it never goes back.
    ///
    /// Returns how far it is ahead now; nil when that would be too far, and nothing has changed.
    func advance(_ campus: CampusID, by duration: Duration, in session: borrowing Session) throws -> Duration? {
        let offset: Int64? = try session.first(
            """
            insert into campus.campus_clock as c (campus_id, clock_offset) values (\(campus), \(duration))
            on conflict (campus_id) do update set clock_offset = c.clock_offset + excluded.clock_offset
                where extract(epoch from c.clock_offset + excluded.clock_offset) <= \(Self.furthest.components.seconds)
            returning (extract(epoch from clock_offset) * 1000000)::bigint
            """
        ) { try $0[0] }
        return offset.map { .microseconds($0) }
    }

    /// How far a campus's clock is ahead.
    func offset(of campus: CampusID, in session: borrowing Session) throws -> Duration {
        let offset: Int64? = try session.first(
            """
            select (extract(epoch from clock_offset) * 1000000)::bigint from campus.campus_clock where campus_id = \(campus)
            """
        ) { try $0[0] }
        return .microseconds(offset ?? 0)
    }
}
