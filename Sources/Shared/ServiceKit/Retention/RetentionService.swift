import Logging
import Model
import Postgres
import ServiceLifecycle

/// Something that is kept for a time only.
public struct RetentionRule: Sendable {
    /// What one small transaction did.
    public struct Portion: Sendable {
        /// How much it removed or erased.
        public let count: Int
        /// Whether nothing is left that is due.
        public let isLast: Bool

        /// That much, and perhaps more to come.
        public init(count: Int, isLast: Bool) {
            self.count = count
            self.isLast = isLast
        }
    }

    let kind: String
    let nextPortion: @Sendable () async throws -> Portion

    /// A rule.
    ///
    /// - Parameters:
    ///   - kind: what it is about, as the log calls it.
    ///   - nextPortion: removes a portion of what is due, in a transaction of its own.
    public init(_ kind: String, nextPortion: @escaping @Sendable () async throws -> Portion) {
        self.kind = kind
        self.nextPortion = nextPortion
    }

    /// A rule that removes what is older than a time, at most so much at once.
    ///
    /// - Parameters:
    ///   - kind: what it is about, as the log calls it.
    ///   - period: how long it is kept.
    ///   - portion: how much one transaction removes at most.
    ///   - pool: where it is.
    ///   - clock: what tells its age.
    ///   - remove: removes at most so much of what lies before that time; says how much it was.
    public init(
        _ kind: String,
        after period: Duration,
        portion: Int,
        pool: ConnectionPool,
        clock: any WallClock,
        remove: @escaping @Sendable (Timestamp, Int, borrowing Session) throws -> Int
    ) {
        self.init(kind) {
            let time = clock.now() - period
            let count = try await pool.transaction { try remove(time, portion, $0) }
            return Portion(count: count, isLast: count < portion)
        }
    }
}

/// Removes, hour by hour and in small transactions, what was kept long enough.
///
/// Every instance of a service does so; what one has in hand, others pass over or find done.
public struct RetentionService: Service {
    private static let interval = Duration.seconds(3_600)

    private let rules: [RetentionRule]
    private let logger: Logger

    /// Follows these rules.
    public init(_ rules: [RetentionRule], logger: Logger) {
        self.rules = rules
        self.logger = logger
    }

    /// Follows them each hour, until shut down.
    public func run() async throws {
        await Rounds(every: Self.interval) { await followAll() }.run()
    }

    /// Follows all rules once, to their end.
    ///
    /// One that fails is logged and does not keep the others from it.
    public func followAll() async {
        for rule in rules { await follow(rule) }
    }

    private func follow(_ rule: RetentionRule) async {
        var total = 0
        do {
            var isDone = false
            while !isDone {
                let portion = try await rule.nextPortion()
                total += portion.count
                isDone = portion.isLast
            }
        } catch is CancellationError {
            return
        } catch {
            logger.record(.retentionFailed, [.kind: .string(rule.kind)], error: error)
        }
        if total > 0 { logger.record(.retentionPruned, [.kind: .string(rule.kind), .count: .integer(total)]) }
    }
}

extension LoggedEvent {
    static let retentionPruned = LoggedEvent("retention.pruned", .info, "What was kept long enough was removed")
    static let retentionFailed = LoggedEvent(
        "retention.failed",
        .warning,
        "What was kept long enough could not be removed"
    )
}
