import Logging
import Model
import Postgres
import ServiceKit
import ServiceLifecycle

/// Keeps the campuses' key sets as their identity providers publish them.
///
/// All instances look, and each set that is due is taken by one: it moves on when it is due before it is fetched. What was fetched is
/// stored, and every service verifies with what is stored, so that no request ever waits for a provider and a provider that is away is
/// not missed: its last keys go on holding.
struct RefreshKeySets: Service {
    /// How many sets one look takes.
    private static let batch = 16
    /// Longer than a fetch takes.
    private static let lease = Duration.seconds(60)
    /// How long a set holds when its provider does not say.
    private static let standardAge = Duration.seconds(300)
    /// The bounds of what a provider may say.
    private static let ages = Duration.seconds(60)...Duration.seconds(3_600)
    /// After how long without success somebody should look.
    private static let stale = Duration.seconds(3_600)

    private let client: KeySetClient
    private let pool: ConnectionPool
    private let directory: CampusDirectory
    private let clock: any WallClock
    private let logger: Logger
    private let store = KeySetStore()

    /// Looks at the sets in that database.
    ///
    /// - `client`: fetches.
    /// - `directory`: knows the campuses by name.
    /// - `clock`: the machine's clock.
    init(
        client: KeySetClient,
        pool: ConnectionPool,
        directory: CampusDirectory,
        clock: any WallClock,
        logger: Logger
    ) {
        self.client = client
        self.pool = pool
        self.directory = directory
        self.clock = clock
        self.logger = logger
    }

    /// Fetches what is due until shut down.
    func run() async throws {
        await Rounds(every: .seconds(1), round).run()
    }

    /// Fetches what is due now.
    func round() async {
        do {
            let due = try await pool.transaction { [store, clock] session in
                try store.claimDue(at: clock.now(), lease: Self.lease, limit: Self.batch, in: session)
            }
            await withTaskGroup { group in
                for set in due { group.addTask { await refresh(set) } }
            }
        } catch is CancellationError {
            return
        } catch {
            logger.record(.keySetRoundFailed, error: error)
        }
    }

    private func refresh(_ set: KeySet) async {
        let answer = await client.fetch(set)
        let now = clock.now()
        let next = now + Self.pause(after: answer, failures: set.failures)
        do {
            try await pool.transaction { [store] session in
                try store.settle(set, answer.outcome, at: now, next: next, in: session)
            }
            await log(set, answer, at: now)
        } catch is CancellationError {
            return
        } catch {
            // The lease runs out, and somebody fetches it again.
            logger.record(.keySetRoundFailed, error: error)
        }
    }

    /// How long until the set is asked for again: as long as its provider says, or longer with each failure.
    static func pause(after answer: KeySetClient.Answer, failures: Int) -> Duration {
        switch answer.outcome {
        case .unchanged, .changed:
            min(max(answer.maxAge ?? standardAge, ages.lowerBound), ages.upperBound)
        case .failed:
            .seconds(60) * (1 << min(failures, 4))
        }
    }

    private func log(_ set: KeySet, _ answer: KeySetClient.Answer, at now: Timestamp) async {
        var logger = logger
        logger[.campus] = try? await directory.campus(set.campus)?.code
        switch answer.outcome {
        case .unchanged:
            return
        case .changed(let jwks, _):
            logger.record(.keySetFetched, [.keyID: .id(set.id), .count: .integer(jwks.keys.count)])
        case .failed(let reason):
            let isStale = now.duration(since: set.fetchedAt ?? set.createdAt) > Self.stale
            logger.record(
                isStale ? .keySetStale : .keySetFailed,
                [.keyID: .id(set.id), .reason: .string(answer.detail ?? reason), .attempts: .integer(set.failures + 1)]
            )
        }
    }
}
