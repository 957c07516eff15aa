import Logging
import Model
import Postgres
import ServiceKit
import ServiceLifecycle

/// Removes, hour by hour and in small transactions, what was kept long enough.
struct Retention: Service {
    /// How long things are kept.
    struct Periods: Sendable {
        /// Inbox lines.
        var inbox = Duration.seconds(90 * 86_400)
        /// Webhook deliveries and their attempts.
        var deliveries = Duration.seconds(30 * 86_400)
    }

    /// How much one transaction removes, about.
    private static let portion = 2_000
    private static let interval = Duration.seconds(3_600)

    private let periods: Periods
    private let pool: ConnectionPool
    private let clock: any WallClock
    private let logger: Logger

    /// Keeps things as long as `periods` says.
    init(periods: Periods, pool: ConnectionPool, clock: any WallClock, logger: Logger) {
        self.periods = periods
        self.pool = pool
        self.clock = clock
        self.logger = logger
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await pruneAll()
                } catch is CancellationError {
                    return
                } catch {
                    logger.record(.retentionFailed, error: error)
                }
                try? await Task.sleep(for: Self.interval)
            }
        }
    }

    /// Removes everything that is due.
    func pruneAll() async throws {
        let now = clock.now()
        try await prune("inbox") { session, limit in
            try InboxStore().prune(filedBefore: now - periods.inbox, limit: limit, in: session)
        }
        try await prune("deliveries") { session, limit in
            try RetentionStore().pruneDeliveries(before: now - periods.deliveries, limit: limit, in: session)
        }
        _ = try await pool.transaction { try StreamTicketStore().prune(expiredBefore: now, in: $0) }
    }

    private func prune(
        _ kind: String,
        _ portion: @escaping @Sendable (borrowing Session, Int) throws -> Int
    ) async throws {
        var total = 0
        while true {
            let count = try await pool.transaction { try portion($0, Self.portion) }
            total += count
            if count < Self.portion { break }
        }
        if total > 0 { logger.record(.retentionPruned, [.kind: .string(kind), .count: .integer(total)]) }
    }
}
