import Model
import Postgres

/// Keeps where riders are: the last position of each order, and the whole way.
struct PositionStore: Sendable {
    /// Records reports, no two for one order, in one statement; each has its outcome, in their order.
    func record(_ reports: [PositionReport], in session: borrowing Session) throws -> [PositionOutcome] {
        let positions = reports.enumerated().flatMap { index, report in
            report.positions.map { (report: Int32(index), position: $0) }
        }
        let numbers = reports.indices.map { Int32($0) }
        // Whoever carries an order is looked up without a lock: a rider who has just handed over may leave one last trace.
        let found = try session.query(
            """
            with report as materialized (
                select r.number, o.campus_id, o.id, o.status, o.rider_id, r.rider_id as reported_by,
                    o.status = 'picked_up' and (r.rider_id is null or r.rider_id = o.rider_id) as is_taken
                from unnest(\(numbers), \(reports.map(\.order.campus)), \(reports.map(\.order.id)), \(reports.map(\.rider)))
                    as r (number, campus_id, order_id, rider_id)
                cross join lateral (
                    select * from campus.orders o where o.campus_id = r.campus_id and o.id = r.order_id offset 0
                ) o
            ),
            position as materialized (
                select r.campus_id, r.id, r.rider_id, p.at, p.lat, p.lng
                from unnest(
                    \(positions.map(\.report)), \(positions.map(\.position.at)), \(positions.map(\.position.latitude)),
                    \(positions.map(\.position.longitude))
                ) as p (report, at, lat, lng)
                join report r on r.number = p.report
                where r.is_taken
            ),
            track as (
                insert into campus.order_track (campus_id, order_id, at, rider_id, lat, lng)
                select campus_id, id, at, rider_id, lat, lng from position
                order by campus_id, id, at
                on conflict (campus_id, order_id, at) do nothing
            ),
            latest as (
                insert into campus.order_position as l (campus_id, order_id, rider_id, lat, lng, at)
                select distinct on (campus_id, id) campus_id, id, rider_id, lat, lng, at from position
                order by campus_id, id, at desc
                on conflict (campus_id, order_id) do update set
                    rider_id = excluded.rider_id, lat = excluded.lat, lng = excluded.lng, at = excluded.at,
                    recorded_at = clock_timestamp()
                where l.at <= excluded.at or l.rider_id <> excluded.rider_id
            )
            select number, status, is_taken, reported_by is null or reported_by is not distinct from rider_id from report
            """
        ) { row in
            var column = ColumnReader(row)
            let number: Int32 = try column.next()
            let status: OrderStatus = try column.next()
            let isTaken: Bool = try column.next()
            let isVisible: Bool = try column.next()
            let outcome: PositionOutcome = isTaken ? .recorded : isVisible ? .notOnItsWay(status) : .notFound
            return (Int(number), outcome)
        }
        var outcomes = [PositionOutcome](repeating: .notFound, count: reports.count)
        for (number, outcome) in found { outcomes[number] = outcome }
        return outcomes
    }

    /// The last position of an order's rider; nil before the first.
    func last(of key: OrderKey, in session: borrowing Session) throws -> (rider: String, position: RiderPosition)? {
        try session.first(
            """
            select rider_id, lat, lng, at from campus.order_position
            where campus_id = \(key.campus) and order_id = \(key.id)
            """
        ) { row in
            var column = ColumnReader(row)
            let rider: String = try column.next()
            let position = RiderPosition(
                latitude: try column.next(),
                longitude: try column.next(),
                at: try column.next()
            )
            return (rider, position)
        }
    }
}
