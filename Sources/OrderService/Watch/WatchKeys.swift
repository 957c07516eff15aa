import Logging
import Model
import Postgres
import ServiceKit

/// Says of each platform key that ends soon that it does, so that it is rotated before.
struct WatchKeys: Sendable {
    /// How long before its end a key is worth a line.
    static let notice = Duration.days(14)

    let pool: ConnectionPool
    let clock: any WallClock
    let logger: Logger

    /// Looks once.
    func look() async throws {
        let now = clock.now()
        for key in try await pool.autocommit({ try EndingKeyStore().keys(from: now, to: now + Self.notice, in: $0) }) {
            logger.record(
                .keyExpiring,
                [
                    .keyID: .id(key.id), .campus: .string(key.campus),
                    .expiresInSeconds: .seconds(key.expiresAt.duration(since: now)),
                ]
            )
        }
    }
}
