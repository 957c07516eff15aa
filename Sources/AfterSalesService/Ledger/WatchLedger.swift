import Logging
import Model
import Postgres
import ServiceKit

/// Holds the ledger against the refunds, again and again, and says in the log when they differ.
struct WatchLedger: Sendable {
    /// How far back it looks: many times its interval, so that nothing slips through a pause.
    private static let span = Duration.seconds(3_600)

    let pool: ConnectionPool
    let clock: any WallClock
    let logger: Logger

    /// Looks once.
    func look() async throws {
        let now = clock.now()
        let found = try await pool.autocommit { session in
            try LedgerWatchStore().differences(within: Self.span, of: now, in: session)
        }
        for difference in found {
            logger.record(
                .ledgerNonzero,
                [
                    .campus: .string(difference.campus), .count: .integer(difference.count),
                    .amountFen: .fen(difference.amount),
                ]
            )
        }
    }
}
