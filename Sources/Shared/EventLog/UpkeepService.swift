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
    ///   - retention: how long events can be read at least, and dead tasks that keep none waiting are kept; a day or more.
    ///   - premakeDays: for how many days ahead partitions are made; at least 3.
    ///   - interval: how often it runs, give or take a tenth.
    ///   - logger: where it reports.
    public init(
        pool: ConnectionPool,
        retention: Duration,
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
                    self.logger.report(.error, "upkeep.failed", "The log's upkeep failed", error: error)
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
        var findings = try await pool.transaction(options) { session in
            try session.query(
                "select event, subject, amount from campus.upkeep(\(self.retention), \(Int32(clamping: self.premakeDays)))"
            ) { UpkeepFinding(event: try $0[0], subject: try $0[1], amount: try $0[2]) }
        }
        findings.forEach(report)
        while let dropped = try await dropPartition() {
            report(dropped)
            findings.append(dropped)
        }
        return findings
    }

    /// Drops one partition, in a transaction of the server's own, for all writers wait until it ends; nil when there is none to drop.
    private func dropPartition() async throws -> UpkeepFinding? {
        // A reader's position is as old as the last tick before it, and what it has yet to read may be older by that much.
        let retention = retention + FeedReader.slack
        let partition: String? = try await pool.autocommit { session in
            try session.one("select campus.drop_event_partition(\(retention))") { try $0[0] }
        }
        return partition.map { UpkeepFinding(event: "partition.dropped", subject: $0, amount: 0) }
    }

    private func report(_ finding: UpkeepFinding) {
        logger.report(
            finding.isAlarm ? .error : .info,
            finding.event,
            finding.isAlarm ? "Something is wrong with the event log" : "The event log was kept up",
            ["subject": .string(finding.subject), "amount": .number(finding.amount)]
        )
    }
}

/// Something that the upkeep did, or found to be wrong.
public struct UpkeepFinding: Hashable, Sendable {
    /// Its name: `partition.made`, `partition.dropped`, `partition.missing`, `task.forgotten`, `ticker.stalled` or `consumer.lag`.
    public let event: String
    /// The partition, the stream or the group.
    public let subject: String
    /// How many there were, or for how many seconds.
    public let amount: Int64

    /// Whether somebody should look at it.
    public var isAlarm: Bool {
        !["partition.made", "partition.dropped", "task.forgotten"].contains(event)
    }
}
