import Logging
import Model
import Postgres
import ServiceLifecycle
import Synchronization

/// Campuses of which a token named a `kid` that nobody knows: perhaps their identity provider has a new key.
///
/// Requests only leave a note here. Once a second the notes become one statement, which has the key sets of those campuses fetched
/// earlier than they were due, and none sooner than half a minute after its last time. So no request waits for an identity provider,
/// and no number of requests makes us ask it more often.
final class KeySetDemand: Service, Sendable {
    /// The most campuses noted at once; more are noted again by their next such token.
    private static let limit = 1_024

    private let wanted = Mutex<Set<CampusID>>([])
    private let pool: ConnectionPool
    private let logger: Logger

    /// Notes for the sets of one database.
    init(pool: ConnectionPool, logger: Logger) {
        self.pool = pool
        self.logger = logger
    }

    /// Leaves a note.
    func note(_ campus: CampusID) {
        wanted.withLock { wanted in
            if wanted.count < Self.limit { wanted.insert(campus) }
        }
    }

    /// Hands notes on until shut down.
    func run() async throws {
        await Rounds(every: .seconds(1)) { await self.handOn() }.run()
    }

    /// Hands on what was noted since the last time.
    func handOn() async {
        let campuses = wanted.withLock { wanted in
            defer { wanted.removeAll() }
            return Array(wanted)
        }
        guard !campuses.isEmpty else { return }
        do {
            try await pool.autocommit { try KeySetStore().want(campuses, in: $0) }
        } catch is CancellationError {
            return
        } catch {
            // They are fetched when they are due, if not earlier.
            logger.record(.keySetDemandLost, error: error)
        }
    }
}
