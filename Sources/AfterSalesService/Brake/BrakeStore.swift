import Model
import Postgres

/// The only writer of what rules alone have paid out.
struct BrakeStore: Sendable {
    /// The statement that adds a charge to all its counts; nil for a charge of nothing.
    ///
    /// A newer window starts anew at nothing; a charge of an older one, by a clock that is behind, counts in the window
    /// that is there. The caps hold whatever else happens at the same time: a count above its cap violates
    /// `refund_brake_holds`, and undoes the transaction.
    ///
    /// The rows, one of which the whole campus shares, stay locked until the transaction ends. So this is the last
    /// thing that a transaction does; see ``BrakeState/trying(_:)``.
    func charging(_ charge: BrakeCharge, campus: CampusID) -> SQL? {
        guard charge.amount > .zero else { return nil }
        let counts = charge.counts
        return """
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
    }
}

extension BrakeCharge.Scope: PostgresCodable {}

/// What is known of the brake when a transaction begins in which rules may promise money.
enum BrakeState: Hashable, Sendable {
    /// Nothing yet: the charge is made, and may undo the transaction.
    case untried
    /// The charge would pass a cap: a person decides.
    case holds

    /// Runs a transaction in which rules may promise money; once more, with the brake on, when the promise would pass a
    /// cap.
    ///
    /// Asking first, and working under the locks of the answer, would make all decisions of a campus wait for each other.
    static func trying<Value>(_ transaction: (BrakeState) async throws -> Value) async throws -> Value {
        do {
            return try await transaction(.untried)
        } catch let error as PostgresError where error.constraint == "refund_brake_holds" {
            return try await transaction(.holds)
        }
    }
}
