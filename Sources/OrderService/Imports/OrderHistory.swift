import EventLog
import Model
import ServiceKit

/// Tells an order's past as the commands that made it what it is, so that the rules of its life are those of every other order.
///
/// What would be news is not kept: events, money found to be due, deadlines that have passed.
struct OrderHistory {
    /// For whom, by whom and when it is told.
    let context: ImportContext
    /// The order as far as it is told.
    private(set) var order: Order
    /// What happened so far.
    private(set) var steps: [OrderStep] = []
    /// What does not go.
    private(set) var faults: [Fault] = []
    private var deadlines: [OrderTimer: Timestamp] = [:]

    /// Begins with the order's placing.
    init(_ terms: OrderTerms, id: OrderID, in context: ImportContext) {
        self.context = context
        let campus = context.campus
        let transition = Order.placed(
            terms,
            id: id,
            campus: campus.id,
            in: OrderContext(
                actor: context.actor,
                now: terms.placedAt,
                deadlines: OrderDeadlines(campus: campus, now: terms.placedAt, beginsAcceptance: false),
                isTest: campus.isTest
            )
        )
        order = transition.order
        keep(transition)
    }

    /// Goes on with what was done then; the member at `pointer` says so.
    mutating func take(_ command: OrderCommand, at time: Timestamp, _ pointer: String, waits: Bool = false) {
        guard faults.isEmpty else { return }
        guard time >= order.terms.placedAt else {
            faults.append(Fault(pointer, "lies before `placed_at`"))
            return
        }
        let asking = OrderContext(
            actor: context.actor,
            now: context.now,
            reportedAt: time,
            deadlines: OrderDeadlines(campus: context.campus, now: time, beginsAcceptance: waits),
            isTest: context.campus.isTest
        )
        do throws(OrderRefusal) {
            let transition = try order.applying(command, in: asking)
            order = transition.order
            keep(transition)
        } catch {
            let problem = error.problem(of: order.id, refusing: command)
            faults.append(Fault(pointer, problem.faults.first?.detail ?? problem.detail))
        }
    }

    /// Goes on with a step whose time nobody knows: it leaves no trace but where the order stands.
    mutating func takeUnseen(_ command: OrderCommand, after time: Timestamp, _ pointer: String) {
        let told = steps.count
        take(command, at: time, pointer)
        steps.removeLast(steps.count - told)
    }

    /// Notes who called the order off.
    mutating func noteCanceller(by actor: Actor) {
        order.cancellation?.actor = actor
    }

    /// Ends the story: the order stands so from now on, its last version is that it was imported.
    mutating func settle(readyAt: Timestamp?) {
        order.times.ready = readyAt
        order.version = Int64(steps.count + 1)
        order.updatedAt = context.now
    }

    /// The deadlines that are still to come, of the order as it stands.
    var timers: [NewTimer] {
        deadlines.filter { $0.value > context.now }.sorted { $0.key.rawValue < $1.key.rawValue }.map { timer, due in
            NewTimer(kind: timer.rawValue, subject: order.id.retyped(), campus: order.campus, dueAt: due, payload: [:])
        }
    }

    private mutating func keep(_ transition: OrderTransition) {
        for timer in transition.disarmed { deadlines[timer] = nil }
        deadlines.merge(transition.armed) { $1 }
        steps += transition.steps.filter { step in
            if case .event(.refundDue) = step.kind { false } else { true }
        }
    }
}
