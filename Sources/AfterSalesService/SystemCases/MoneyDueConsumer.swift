import EventLog
import Model
import Postgres

/// Reads the orders stream for money that is due back, and turns each into a task.
///
/// The cursor moves in the transaction that enqueues, and a task's key is remembered, so an event that is read again
/// enqueues nothing.
struct MoneyDueConsumer: Sendable {
    /// The consumer group's name.
    static let group = "after_sales.money_due"

    private let tasks = TaskStore(owner: .afterSales)

    /// Enqueues a task for each event that says money is due.
    ///
    /// - Returns: how many tasks are new.
    func handle(_ events: [RecordedEvent], in session: borrowing Session) throws -> Int {
        let due = try events.compactMap { event -> NewTask? in
            guard event.type == EventType.orderRefundDue.rawValue else { return nil }
            let order = try OrderEvent(type: .orderRefundDue, json: event.payload)
            guard case .refundDue(let refund) = order.change else { return nil }
            let due = MoneyDue(orderID: order.facts.orderID, refund: refund)
            return due.task(campus: event.campus, trace: event.trace)
        }
        return try tasks.enqueue(due, in: session)
    }
}
