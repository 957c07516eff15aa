import Logging
import Model
import Postgres
import ServiceKit

/// Closes the books of every campus soon after each of its days, so that whoever asks for them finds them ready.
///
/// Each instance looks; a day is closed by one of them.
struct CloseDays: Sendable {
    let pool: ConnectionPool
    let directory: CampusDirectory
    let closeDay: CloseDay
    let logger: Logger

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
