import Logging
import Model
import Postgres
import ServiceKit

/// Closes the books of every campus soon after each of its days, so that whoever asks for them finds them ready.
///
/// Each instance looks; a day is closed by one of them.
struct CloseDays: Sendable {
    /// Requests wait for none of it: this is the background's.
    let pool: ConnectionPool
    let directory: CampusDirectory
    let closeDay: CloseDay
    let logger: Logger

    /// Looks at every campus, and closes a day of each in turn until none is behind: one with many days to close, or whose books
    /// cannot be closed, keeps no other waiting.
    func look() async {
        do {
            var open = try await pool.transaction { try ReconciliationStore().progress(in: $0) }
            while !open.isEmpty {
                var behind: [ReconciliationStore.Progress] = []
                for progress in open where !Task.isCancelled {
                    if await close(progress) { behind.append(progress) }
                }
                open = behind
            }
        } catch {
            if !Task.isCancelled { logger.record(.reconciliationFailed, error: error) }
        }
    }

    /// Closes the next day of a campus.
    ///
    /// - Returns: whether one was closed, so that there may be another.
    private func close(_ progress: ReconciliationStore.Progress) async -> Bool {
        var logger = logger
        do {
            guard let campus = try await directory.campus(progress.campus) else { return false }
            logger[.campus] = campus.code
            let now = try await directory.now(in: campus)
            guard closeDay.closingTime(of: progress.nextDay(on: campus), on: campus) <= now,
                let day = try await closeDay(campus, at: now)
            else { return false }
            logger.record(.reconciliationClosed, day.logValues)
            return true
        } catch {
            if !Task.isCancelled { logger.record(.reconciliationFailed, error: error) }
            return false
        }
    }
}

extension ReconciliationDay {
    /// What a line about it says.
    var logValues: [LogKey: LogValue] {
        [.subject: .string(day.description), .count: .integer(rowCount), .amountFen: .fen(refundSum)]
    }
}
