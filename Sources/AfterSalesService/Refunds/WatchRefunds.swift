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
        guard let found = await unsettled() else { return }
        if let since = found.oldest, now.duration(since: since) > Refund.expectedWithin {
            logger.record(
                .refundUnsettled,
                [.count: .integer(found.count), .ageSeconds: .seconds(now.duration(since: since))]
            )
        }
        if let since = found.oldestUnknown, now.duration(since: since) > Self.longestUnknown {
            logger.record(
                .refundStaysUnknown,
                [.count: .integer(found.unknown), .ageSeconds: .seconds(now.duration(since: since))]
            )
        }
    }

    /// What the `stats` line says of refunds.
    func gauge() async -> LogValue? {
        let now = clock.now()
        guard let found = await unsettled() else { return nil }
        let oldest = found.oldest.map { max(.zero, now.duration(since: $0)) } ?? .zero
        return .dictionary([
            "unsettled": .integer(found.count), "unknown": .integer(found.unknown),
            "oldest_unsettled_s": .seconds(oldest),
        ])
    }

    private func unsettled() async -> UnsettledRefunds? {
        try? await pool.transaction { session in try RefundWatchStore().unsettled(in: session) }
    }
}
