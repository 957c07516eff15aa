import EventLog
import Logging
import Model
import Postgres
import ServiceKit

/// Does the tasks of the refund queue: the only place from which money moves, always after the decision was committed.
///
/// Whatever happens, a refund is handed to its channel under one number, and before it is handed over a second time the
/// channel is asked what became of the first.
struct ExecuteRefund: Sendable {
    private let pool: ConnectionPool
    private let directory: CampusDirectory
    private let channels: RefundChannels
    private let logger: Logger
    private let move = MoveRefund()
    private let takeReport: TakeReport

    /// Pays refunds of that database through those channels; tasks are scheduled by the machine's own clock.
    init(
        pool: ConnectionPool,
        directory: CampusDirectory,
        channels: RefundChannels,
        clock: any WallClock,
        logger: Logger
    ) {
        self.pool = pool
        self.directory = directory
        self.channels = channels
        self.logger = logger
        takeReport = TakeReport(clock: clock)
    }

    /// Does one task.
    func perform(_ task: LeasedTask) async throws -> TaskOutcome {
        guard let work = RefundTask(task.payload) else { return .dead(reason: "the task cannot be read") }
        guard let campus = try await directory.campus(task.campus) else {
            return .dead(reason: "there is no such campus")
        }
        let attempt = Attempt(task: task, campus: campus)
        return switch work {
        case .submit(let id, let order, let version): try await submit(id, of: order, asOf: version, attempt)
        case .ask(let id, _, let version, let number):
            try await ask(id, asOf: version, number: number, attempt)
        }
    }

    /// A task in hand, and whose it is.
    private struct Attempt {
        let task: LeasedTask
        let campus: Campus
    }

    /// What a submission begins with.
    private enum Beginning {
        /// It is this refund's turn, and nothing was sent yet.
        case send(Refund, any RefundChannel)
        /// Something may have been sent already.
        case ask(Refund, any RefundChannel)
        /// There is nothing to do any more.
        case nothing
    }

    private func submit(
        _ id: RefundID,
        of order: OrderID,
        asOf version: Int64,
        _ attempt: Attempt
    ) async throws -> TaskOutcome {
        let refund: Refund
        let channel: any RefundChannel
        switch try await begin(id, of: order, asOf: version, attempt) {
        case .nothing: return .settled
        case .send(let begun, let found): (refund, channel) = (begun, found)
        case .ask(let uncertain, let found):
            if let report = try await found.query(RefundInstruction(uncertain)) {
                return try await settle(uncertain, report, attempt)
            }
            (refund, channel) = (try await step(uncertain, .submit, attempt), found)
        }
        let report: ChannelReport?
        do {
            report = try await channel.submit(RefundInstruction(refund))
        } catch {
            if Task.isCancelled { throw error }
            _ = try await step(refund, .loseAnswer, attempt)
            return .retry(after: nil, reason: "the channel's answer was lost")
        }
        guard let report else { return .settled }
        return try await settle(refund, report, attempt)
    }

    private func begin(
        _ id: RefundID,
        of order: OrderID,
        asOf version: Int64,
        _ attempt: Attempt
    ) async throws -> Beginning {
        let cause = try await cause(attempt)
        let campus = attempt.campus.id
        let beginning = try await pool.transaction { [move] session -> Beginning in
            guard let refund = try move.lock(id, of: order, campus: campus, for: .submit, in: session) else {
                return .nothing
            }
            if refund.canBeSubmitted {
                // A submission that was asked for an earlier state is moot.
                guard refund.version == version else { return .nothing }
                // Without a channel nothing is sent, and nothing may look as though it had been.
                let channel = try channel(of: refund, attempt)
                return .send(try move(refund, .submit, on: attempt.campus, cause, in: session), channel)
            }
            // What the platform pays was asked of it in the transaction that began to submit it.
            guard refund.status.isUncertain, !refund.isPaidByPlatform else { return .nothing }
            return .ask(refund, try channel(of: refund, attempt))
        }
        if case .send(let refund, _) = beginning { log(refund) }
        return beginning
    }

    /// Asks on behalf of a version of a refund; one that has changed since has its own questions.
    private func ask(
        _ id: RefundID,
        asOf version: Int64,
        number: Int64,
        _ attempt: Attempt
    ) async throws -> TaskOutcome {
        let campus = attempt.campus.id
        let found = try await pool.transaction { try RefundStore().find(id, campus: campus, in: $0) }
        guard let refund = found, refund.version == version else { return .settled }
        let report = try await channel(of: refund, attempt).query(RefundInstruction(refund))
        guard let report else {
            logger.record(.refundMissing, refund.logValues)
            return .retry(after: nil, reason: "the channel does not know a refund that it took on")
        }
        return try await settle(refund, report, attempt, toQuestion: number)
    }

    /// Stores what the channel said and, where it is not the end, the next question.
    private func settle(
        _ refund: Refund,
        _ report: ChannelReport,
        _ attempt: Attempt,
        toQuestion question: Int64 = 0
    ) async throws -> TaskOutcome {
        let cause = try await cause(attempt)
        let settled = try await pool.transaction { [move, takeReport] session -> Refund? in
            guard
                let locked = try move.lock(
                    refund.id,
                    of: refund.orderID,
                    campus: refund.campus,
                    for: .report(report),
                    in: session
                ),
                locked.status.allows(.report)
            else { return nil }
            return try takeReport(report, of: locked, toQuestion: question, on: attempt.campus, cause, in: session)
        }
        if let settled, settled.version != refund.version { log(settled) }
        return .settled
    }

    private func step(_ refund: Refund, _ step: RefundStep, _ attempt: Attempt) async throws -> Refund {
        let cause = try await cause(attempt)
        let next = try await pool.transaction { [move] session in
            guard
                let locked = try move.lock(
                    refund.id,
                    of: refund.orderID,
                    campus: refund.campus,
                    for: step,
                    in: session
                )
            else {
                throw RefundMissing()
            }
            return try move(locked, step, on: attempt.campus, cause, in: session)
        }
        log(next)
        return next
    }

    private func channel(of refund: Refund, _ attempt: Attempt) throws -> any RefundChannel {
        guard let channel = channels[refund.payment.channel, on: attempt.campus] else { throw ChannelMissing() }
        return channel
    }

    private func cause(_ attempt: Attempt) async throws -> Cause {
        Cause(
            actor: .system("refunds"),
            at: try await directory.now(in: attempt.campus),
            trace: attempt.task.trace
        )
    }

    private func log(_ refund: Refund) {
        logger.record(.refund(refund.status), refund.logValues)
    }
}

/// A refund waits for a channel that its campus has not here.
struct ChannelMissing: Error {}

/// A refund that was there is not there any more, though none is ever deleted.
struct RefundMissing: Error {}
