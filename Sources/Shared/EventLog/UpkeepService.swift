import Logging
import Model
import Postgres
import ServiceLifecycle

/// Keeps the log in shape: makes partitions for days to come, drops those that all have read, and reports what is wrong.
///
/// Every process runs one; an advisory lock lets one at a time do it.
public final class UpkeepService: Service {
    private let pool: ConnectionPool
    private let retention: Duration
    private let premakeDays: Int
    private let interval: Duration
    private let logger: Logger

    /// Describes the upkeep.
    ///
    /// - Parameters:
    ///   - pool: where it runs.
    ///   - retention: how long events are kept at least; a day or more.
    ///   - premakeDays: for how many days ahead partitions are made; at least 3.
    ///   - interval: how often it runs, give or take a tenth.
    ///   - logger: where it reports.
    public init(
        pool: ConnectionPool,
        retention: Duration = .seconds(30 * 86_400),
        premakeDays: Int = 4,
        interval: Duration = .seconds(60),
        logger: Logger
    ) {
        self.pool = pool
        self.retention = retention
        self.premakeDays = max(3, premakeDays)
        self.interval = interval
        self.logger = logger
    }

    /// Runs at once, and then at intervals until shut down.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                do {
                    try await self.runOnce()
                } catch {
                    if Task.isCancelled { return }
                    self.logger.report(.error, "upkeep.failed", "The log's upkeep failed", ["error": .failure(error)])
                }
                try? await Task.sleep(for: self.interval * Double.random(in: 0.9...1.1))
            }
        }
    }

    /// Runs once, and logs what it did and what it found.
    ///
    /// - Returns: what it logged; nothing when another process is at it.
    @discardableResult
    public func runOnce() async throws -> [UpkeepFinding] {
        let options = TransactionOptions(statementTimeout: .seconds(30))
        let findings = try await pool.transaction(options) { session in
            try session.query(
                "select event, subject, amount from campus.upkeep(\(self.retention), \(Int32(clamping: self.premakeDays)))"
            ) { UpkeepFinding(event: try $0[0], subject: try $0[1], amount: try $0[2]) }
        }
        for finding in findings {
            logger.report(
                finding.isAlarm ? .error : .info,
                finding.event,
                finding.isAlarm ? "Something is wrong with the event log" : "The event log was kept up",
                ["subject": .string(finding.subject), "amount": .number(finding.amount)]
            )
        }
        return findings
    }
}

/// Something that the upkeep did, or found to be wrong.
public struct UpkeepFinding: Hashable, Sendable {
    /// Its name: `partition.made`, `partition.dropped`, `partition.missing`, `ticker.stalled` or `consumer.lag`.
    public let event: String
    /// The partition, the stream or the group.
    public let subject: String
    /// For how many seconds, where it is about time.
    public let amount: Int64

    /// Whether somebody should look at it.
    public var isAlarm: Bool {
        event != "partition.made" && event != "partition.dropped"
    }
}
