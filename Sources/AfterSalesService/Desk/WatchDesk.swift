import Logging
import Model
import Postgres
import ServiceKit

/// Looks for cases whose promises are about to be missed, while there is still time to keep them.
struct WatchDesk: Sendable {
    /// How long before a first look is due.
    static let reviewNotice = Duration.seconds(3 * 60)
    /// How long before a decision is due.
    static let decisionNotice = Duration.seconds(3_600)

    let pool: ConnectionPool
    let clock: any WallClock
    let logger: Logger

    /// Looks once.
    func look() async throws {
        let now = clock.now()
        let found = try await pool.autocommit { session in
            try DeskWatchStore().findings(
                at: now,
                reviewWithin: Self.reviewNotice,
                decisionWithin: Self.decisionNotice,
                in: session
            )
        }
        for desk in found {
            for (timer, count) in [(CaseTimer.reviewDue, desk.reviewsDue), (.decisionDue, desk.decisionsDue)]
            where count > 0 {
                logger.record(
                    .caseDueSoon,
                    [.campus: .string(desk.campus), .timer: .string(timer.rawValue), .count: .integer(count)]
                )
            }
        }
    }
}
