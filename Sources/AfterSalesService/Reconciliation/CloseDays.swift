import Logging
import Model
import Postgres
import ServiceKit
import ServiceLifecycle

/// Closes the books of every campus soon after each of its days, so that whoever asks for them finds them ready.
///
/// Each instance looks; a day is closed by one of them.
final class CloseDays: Service {
    private let pool: ConnectionPool
    private let directory: CampusDirectory
    private let closeDay: CloseDay
    private let interval: Duration
    private let logger: Logger

    /// Looks at the campuses of that database as often as told.
    init(
        pool: ConnectionPool,
        directory: CampusDirectory,
        closeDay: CloseDay,
        interval: Duration = .seconds(60),
        logger: Logger
    ) {
        self.pool = pool
        self.directory = directory
        self.closeDay = closeDay
        self.interval = interval
        self.logger = logger
    }

    func run() async throws {
        try? await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.look()
                try await Task.sleep(for: self.interval)
            }
        }
    }

    /// Looks at every campus once; one whose books cannot be closed keeps no other waiting.
    func look() async {
        do {
            let campuses = try await pool.transaction { try ReconciliationStore().progress(in: $0) }
            for progress in campuses where !Task.isCancelled { await close(progress) }
        } catch {
            if !Task.isCancelled { logger.record(.reconciliationFailed, error: error) }
        }
    }

    private func close(_ progress: ReconciliationStore.Progress) async {
        var logger = logger
        do {
            guard let campus = try await directory.campus(progress.campus) else { return }
            logger[.campus] = campus.code
            let now = try await directory.now(in: campus)
            let next = progress.lastDay?.next ?? campus.localDay(at: progress.since)
            guard closeDay.closingTime(of: next, on: campus) <= now else { return }
            for day in try await closeDay(campus, at: now) { logger.record(.reconciliationClosed, day.logValues) }
        } catch {
            if !Task.isCancelled { logger.record(.reconciliationFailed, error: error) }
        }
    }
}

extension ReconciliationDay {
    /// What a line about it says.
    var logValues: [LogKey: LogValue] {
        [.subject: .string(day.description), .count: .integer(rowCount), .amountFen: .fen(refundSum)]
    }
}
