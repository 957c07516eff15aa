import EventLog
import Model
import Postgres
import ServiceKit

/// Gives a refund up, on a person's word, once its channel says that no money moves under its number.
///
/// The channel is asked outside any transaction. The refund's version is the fence: a submission that begins meanwhile
/// changes it, and then nothing is given up. After it was given up, a submission finds it closed and sends nothing.
struct VoidRefund: Sendable {
    /// Where refunds are kept.
    let pool: ConnectionPool
    /// The channels that can be asked.
    let channels: RefundChannels
    /// How long a request to a channel may be on its way: before that, its not knowing the refund proves nothing.
    let requestLifetime: Duration

    private let refunds = RefundStore()
    private let tasks = TaskStore(owner: .afterSales)
    private let move = MoveRefund()
    private let takeReport: TakeReport

    /// Gives refunds of that database up; the clock is the machine's.
    init(
        pool: ConnectionPool,
        channels: RefundChannels,
        clock: any WallClock,
        requestLifetime: Duration = .seconds(60)
    ) {
        self.pool = pool
        self.channels = channels
        self.requestLifetime = requestLifetime
        takeReport = TakeReport(clock: clock)
    }

    /// Asks the channel, and stores what it knows.
    ///
    /// - Returns: the refund, closed when the channel closed it, otherwise ready for ``conclude(_:campus:_:in:)``.
    /// - Throws: ``AfterSalesRefusal`` when the channel knows the refund and has not closed it, cannot be asked, or may
    ///   yet be reached by an earlier request.
    func examine(_ id: RefundID, campus: Campus, _ cause: Cause) async throws -> Refund {
        let refund = try await pool.transaction { [refunds] session -> Refund in
            guard let refund = try refunds.find(id, campus: campus.id, in: session) else {
                throw AfterSalesRefusal.notFound
            }
            return refund
        }
        guard refund.status.allows(.void) || refund.status == .abnormal else {
            throw RefundRefusal(step: .void, status: refund.status)
        }
        guard let channel = channels[refund.payment.channel, on: campus] else {
            throw AfterSalesRefusal.channelUnavailable([refund.payment.channel])
        }
        let report: ChannelReport?
        do {
            report = try await channel.query(RefundInstruction(refund))
        } catch is AnswerOutstanding {
            // The platform was not asked for it yet, or has itself said that it does not pay it; nothing else proves that.
            guard refund.status == .created || refund.status == .failed else {
                throw AfterSalesRefusal.platformSilent
            }
            return refund
        } catch {
            throw AfterSalesRefusal.channelSilent
        }
        switch report {
        case nil, .failed:
            try checkNothingIsOnItsWay(refund, cause)
            return refund
        case .processing?, .succeeded?, .abnormal?, .closed?:
            guard let report else { return refund }
            let known = try await store(report, of: refund, campus: campus, cause)
            guard known.status == .closed else { throw AfterSalesRefusal.channelKnowsRefund(report) }
            return known
        }
    }

    /// Gives the refund up that was examined, in the transaction of the request; what waits for it finds it closed.
    func conclude(
        _ examined: Refund,
        campus: Campus,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> Refund {
        guard examined.status != .closed else { return examined }
        guard
            let refund = try move.lock(
                examined.id,
                of: examined.orderID,
                campus: examined.campus,
                for: .void,
                in: session
            ),
            refund.version == examined.version
        else { throw AfterSalesRefusal.refundMoved }
        let closed = try move(refund, .void, on: campus, cause, in: session)
        _ = try tasks.resume(closed, in: session)
        return closed
    }

    private func checkNothingIsOnItsWay(_ refund: Refund, _ cause: Cause) throws {
        guard refund.status.allows(.void) else { throw RefundRefusal(step: .void, status: refund.status) }
        guard refund.status == .unknown, let sentAt = refund.submittedAt else { return }
        let age = cause.at.duration(since: sentAt)
        guard age >= requestLifetime else {
            throw AfterSalesRefusal.tooEarlyToVoid(retryAfter: requestLifetime - age)
        }
    }

    /// Stores what the channel said.
    ///
    /// What waits for the refund goes on, because it waits for an answer that is here now and may hold up the next
    /// question.
    private func store(
        _ report: ChannelReport,
        of seen: Refund,
        campus: Campus,
        _ cause: Cause
    ) async throws -> Refund {
        try await pool.transaction { [move, tasks, takeReport] session -> Refund in
            guard
                let refund = try move.lock(
                    seen.id,
                    of: seen.orderID,
                    campus: seen.campus,
                    for: .report(report),
                    in: session
                ),
                refund.version == seen.version,
                refund.status.allows(.report)
            else { throw AfterSalesRefusal.refundMoved }
            let known = try takeReport(report, of: refund, on: campus, cause, in: session)
            if known.version != refund.version { _ = try tasks.resume(known, in: session) }
            return known
        }
    }
}
