import EventLog
import Model
import Postgres
import ServiceKit

/// Takes in what a channel said of a refund: takes the step, and sees to it that the channel is asked again unless that
/// was the end.
struct TakeReport: Sendable {
    /// The machine's clock, by which tasks are scheduled.
    let clock: any WallClock

    private let move = MoveRefund()
    private let tasks = TaskStore(owner: .afterSales)

    /// Reports are followed up by that clock.
    init(clock: any WallClock) {
        self.clock = clock
    }

    /// Takes in a report of a refund that is locked for it; `question` is the number of the question that it answers.
    ///
    /// - Throws: ``RefundRefusal`` when the refund is not in a state for it.
    func callAsFunction(
        _ report: ChannelReport,
        of refund: Refund,
        toQuestion question: Int64 = 0,
        on campus: Campus,
        _ cause: Cause,
        in session: borrowing Session
    ) throws -> Refund {
        let next = try move(refund, .report(report), on: campus, cause, in: session)
        let number = next.version == refund.version ? question + 1 : 1
        if let pause = next.status.pause(beforeQuestion: number) {
            let work = RefundTask.ask(next.id, of: next.orderID, version: next.version, number: number)
            try tasks.enqueue([work.stored(for: next, runAt: clock.now() + pause, trace: cause.trace)], in: session)
        }
        return next
    }
}
