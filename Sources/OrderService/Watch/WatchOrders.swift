import Logging
import Model
import Postgres
import ServiceKit

/// Looks over the orders of each campus for what nobody reports: hand-overs, positions or orders that no longer come.
///
/// Test campuses are left out: their clocks jump, and nobody waits for their lunch.
struct WatchOrders: Sendable {
    /// From when on something is worth a line.
    struct Limits: Sendable {
        /// How long an order may be on its way: past that its hand-over was forgotten.
        var stuck = Duration.seconds(2 * 3_600)
        /// How long a rider who reports positions may report none.
        var unseen = Duration.seconds(10 * 60)
        /// How long an open campus may place no order, when it placed ``usual`` in the same time a week before.
        var silence = Duration.seconds(30 * 60)
        /// How many orders make a time a busy one.
        var usual = 10
    }

    let pool: ConnectionPool
    let directory: CampusDirectory
    let clock: any WallClock
    var limits = Limits()
    let logger: Logger
    private let store = OrderWatchStore()

    /// Looks once.
    func look() async throws {
        for id in try await pool.autocommit({ try self.store.liveCampuses(in: $0) }) {
            guard let campus = try await directory.campus(id) else { continue }
            let now = clock.now()
            let found = try await pool.autocommit { [store, limits] session in
                try store.findings(in: id, at: now, limits, session)
            }
            report(found, of: campus, at: now)
        }
    }

    private func report(_ found: OrderFindings, of campus: Campus, at now: Timestamp) {
        let code = LogValue.string(campus.code)
        if let since = found.oldestPickup {
            logger.record(
                .orderStuck,
                [.campus: code, .count: .integer(found.stuck), .ageSeconds: .seconds(now.duration(since: since))]
            )
        }
        if let since = found.oldestSight {
            logger.record(
                .positionsSilent,
                [.campus: code, .count: .integer(found.unseen), .ageSeconds: .seconds(now.duration(since: since))]
            )
        }
        let wasOpen = campus.isOpen(at: now) && campus.isOpen(at: now - limits.silence)
        if wasOpen, found.placed == 0, found.placedWeekBefore >= limits.usual {
            logger.record(.orderSilence, [.campus: code, .count: .integer(found.placedWeekBefore)])
        }
    }
}
