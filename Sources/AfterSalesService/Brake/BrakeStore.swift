import Model
import Postgres

/// The only writer of what rules alone have paid out.
struct BrakeStore: Sendable {
    /// Adds a charge to all its counts, or to none of them when one would pass its cap.
    ///
    /// A newer window starts anew at nothing; a charge of an older one, by a clock that is behind, counts in the window
    /// that is there. The caps hold whatever else happens at the same time: a count above its cap violates
    /// `refund_brake_holds`. The rows stay locked until the transaction ends, so this comes after every order is locked.
    ///
    /// - Returns: whether the charge fits.
    func add(_ charge: BrakeCharge, campus: CampusID, in session: borrowing Session) throws -> Bool {
        guard charge.amount > .zero else { return true }
        let counts = charge.counts
        do {
            _ = try session.savepoint {
                try session.execute(
                    """
                    insert into campus.refund_brake as b (campus_id, scope, subject, window_start, spent_fen, cap_fen)
                    select \(campus), c.scope, c.subject, c.window_start, \(charge.amount), c.cap_fen
                    from unnest(\(counts.map(\.scope)), \(counts.map(\.subject)), \(counts.map(\.windowStart)),
                        \(counts.map(\.cap))) as c (scope, subject, window_start, cap_fen)
                    order by c.scope, c.subject
                    on conflict (campus_id, scope, subject) do update set
                        spent_fen = case
                            when excluded.window_start > b.window_start then excluded.spent_fen
                            else b.spent_fen + excluded.spent_fen
                        end,
                        window_start = greatest(b.window_start, excluded.window_start), cap_fen = excluded.cap_fen
                    """
                )
            }
            return true
        } catch let error as PostgresError where error.constraint == "refund_brake_holds" {
            return false
        }
    }
}

extension BrakeCharge.Scope: PostgresCodable {}
