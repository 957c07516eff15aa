import Logging
import Model
import Postgres
import ServiceKit

/// Looks for refunds that take too long, and says so in the log until they are through.
struct WatchRefunds: Sendable {
    let pool: ConnectionPool
    let clock: any WallClock
    let logger: Logger

    /// How long an answer may stay lost before somebody has to look.
    static let longestUnknown = Duration.seconds(15 * 60)

    /// Looks once; a database that is away is somebody else's line.
    func look() async {
        let now = clock.now()
        for found in await unsettled() ?? [] {
            let age = now.duration(since: found.oldest)
            if age > Refund.expectedWithin { record(.refundUnsettled, found.count, since: age, found.campus) }
            if let since = found.oldestUnknown, now.duration(since: since) > Self.longestUnknown {
                record(.refundStaysUnknown, found.unknown, since: now.duration(since: since), found.campus)
            }
        }
    }

    private func record(_ event: LoggedEvent, _ count: Int, since age: Duration, _ campus: String) {
        logger.record(event, [.campus: .string(campus), .count: .integer(count), .ageSeconds: .seconds(age)])
    }

    /// What the `stats` line says of refunds, over all campuses.
    func gauge() async -> LogValue? {
        let now = clock.now()
        guard let found = await unsettled() else { return nil }
        let oldest = found.map { now.duration(since: $0.oldest) }.max() ?? .zero
        return .dictionary([
            "unsettled": .integer(found.reduce(0) { $0 + $1.count }),
            "unknown": .integer(found.reduce(0) { $0 + $1.unknown }),
            "oldest_unsettled_s": .seconds(max(.zero, oldest)),
        ])
    }

    private func unsettled() async -> [UnsettledRefunds]? {
        try? await pool.transaction { session in try RefundWatchStore().unsettled(in: session) }
    }
}
