import EventLog
import Model
import Postgres
import ServiceKit

/// Carries out requests in one transaction: decided one by one, read and written as sets.
///
/// Two round trips: one claims, locks and reads, the other writes and commits. Locks are taken in the order that holds everywhere:
/// idempotency keys, then orders by their keys, then payments, then timers.
struct OrderBatch: Sendable {
    let orders: OrderStore
    let payments: PaymentStore
    let events: EventStore
    let timers: TimerStore
    let idempotency: IdempotencyStore

    /// Carries out the requests.
    ///
    /// No two may be about one order; one that a timer asks for is run alone. Orders that others have locked are waited for, or come out as
    /// busy. What is thrown, by this or by the commit, undoes all of them; otherwise each has its outcome, in their order.
    func run(_ requests: [OrderRequest], waits: Bool, in session: borrowing Session) throws -> [OrderOutcome] {
        let keys = requests.flatMap(\.keys)
        let timer = requests.first?.timer
        let (claims, locked, consumed, found, parts) = try session.pipeline(
            idempotency.claiming(requests.compactMap(\.idempotency)),
            orders.locking(keys, waits: waits),
            timers.consuming(timer),
            orders.reading(keys),
            payments.knowing(requests.compactMap(\.paymentKey))
        )
        guard timer == nil || !consumed.isEmpty else { return [.moot] }
        let isLocked = Set(locked)
        let standing = Standing(
            orders: Dictionary(
                uniqueKeysWithValues: found.lazy.filter { isLocked.contains($0.key) }.map { ($0.key, $0) }
            ),
            payments: try KnownPayment.assembled(parts),
            isComplete: waits
        )
        var outcomes = settled(claims, of: requests)
        var decided: [Decided] = []
        for index in requests.indices where outcomes[index] == nil {
            switch decide(requests[index], standing) {
            case .decided(let transitions, let isNew):
                let reply = try StoredReply(requests[index].reply(transitions))
                outcomes[index] = .done(reply.reply, transitions)
                decided.append(Decided(request: requests[index], transitions: transitions, isNew: isNew, reply: reply))
            case .settled(let outcome): outcomes[index] = outcome
            }
        }
        try session.enqueue(statements(for: decided))
        return outcomes.map { $0 ?? .busy }
    }

    /// What came of each request that needs no more than its key.
    private func settled(_ claims: [IdempotencyClaim], of requests: [OrderRequest]) -> [OrderOutcome?] {
        var outcomes = [OrderOutcome?](repeating: nil, count: requests.count)
        let keyed = requests.indices.filter { requests[$0].idempotency != nil }
        for (index, claim) in zip(keyed, claims) {
            do throws(Problem) {
                outcomes[index] = try claim.settled().map(OrderOutcome.replayed)
            } catch {
                outcomes[index] = .refused(error)
            }
        }
        return outcomes
    }

    /// What was read under locks.
    private struct Standing {
        var orders: [OrderKey: Order]
        var payments: [PaymentKey: KnownPayment]
        /// Whether an order that is not among them is not there at all.
        var isComplete: Bool
    }

    /// A request that is carried out, and what is to be written of it.
    private struct Decided {
        var request: OrderRequest
        var transitions: [OrderTransition]
        /// Whether its payment, if it has one, was not known before.
        var isNew: Bool
        var reply: StoredReply
    }

    private enum Decision {
        case decided([OrderTransition], isNew: Bool)
        case settled(OrderOutcome)
    }

    private func decide(_ request: OrderRequest, _ standing: Standing) -> Decision {
        var found: [Order] = []
        for (index, key) in request.keys.enumerated() {
            guard let order = standing.orders[key] else {
                return .settled(standing.isComplete ? .refused(request.missing(at: index)) : .busy)
            }
            guard request.scope.contains(order) else { return .settled(.refused(request.missing(at: index))) }
            found.append(order)
        }
        if let key = request.paymentKey, let payment = standing.payments[key], let report = request.payment {
            guard payment.agrees(with: report) else { return .settled(.refused(payment.contradiction)) }
            return .decided(found.map { OrderTransition(order: $0) }, isNew: false)
        }
        var transitions: [OrderTransition] = []
        for (order, item) in zip(found, request.items) {
            do throws(OrderRefusal) {
                transitions.append(try order.applying(item.command, in: request.context))
            } catch {
                return .settled(.refused(request.problem(error, of: transitions.count)))
            }
        }
        return .decided(transitions, isNew: true)
    }

    private func statements(for decided: [Decided]) -> [SQL] {
        let writes = decided.flatMap { entry in
            entry.transitions.map { transition in
                OrderWrite(
                    transition: transition,
                    actor: entry.request.context.actor,
                    trace: entry.request.trace,
                    now: entry.request.context.now
                )
            }
        }
        let reports = decided.filter(\.isNew).compactMap { entry in
            entry.request.payment.map { (campus: entry.request.campus, report: $0, now: entry.request.context.now) }
        }
        let replies = decided.compactMap { entry in entry.request.idempotency.map { (key: $0, reply: entry.reply) } }
        let appended = orders.events(of: writes)
        var statements: [SQL] = []
        if !reports.isEmpty { statements.append(payments.insert(reports)) }
        statements += orders.statements(for: writes)
        if !appended.isEmpty { statements.append(events.appendSQL(appended)) }
        if !replies.isEmpty { statements.append(idempotency.insertSQL(replies)) }
        return statements + timerStatements(for: writes)
    }

    private func timerStatements(for writes: [OrderWrite]) -> [SQL] {
        var statements: [SQL] = []
        for timer in OrderTimer.allCases {
            let moot = writes.filter { $0.transition.disarmed.contains(timer) }
            guard !moot.isEmpty else { continue }
            let subjects = moot.map { $0.transition.order.id.retyped(as: IDSubject.Anything.self) }
            statements.append(timers.cancelSQL(kind: timer.rawValue, subjects: subjects))
        }
        let armed = writes.flatMap { $0.transition.newTimers }
        if !armed.isEmpty { statements.append(timers.armSQL(armed)) }
        return statements
    }
}

extension OrderRequest {
    /// What is said when an order of the request is not there, or not the caller's.
    fileprivate func missing(at index: Int) -> Problem {
        listsOrders ? .validation("/orders/\(index)/order_id", "names no order") : .notFound
    }

    /// What is said when an order of the request refuses.
    fileprivate func problem(_ refusal: OrderRefusal, of index: Int) -> Problem {
        if listsOrders, refusal == .nothingPaid {
            return .validation("/orders/\(index)/amount_fen", "must be at least 1: the order costs something")
        }
        return refusal.problem(of: items[index].order, refusing: items[index].command)
    }
}

extension OrderTransition {
    /// The deadlines that begin, as durable timers.
    var newTimers: [NewTimer] {
        armed.sorted { $0.key.rawValue < $1.key.rawValue }.map { timer, due in
            NewTimer(kind: timer.rawValue, subject: order.id.retyped(), campus: order.campus, dueAt: due, payload: [:])
        }
    }
}

extension KnownPayment {
    /// What is said to somebody who reports it differently.
    fileprivate var contradiction: Problem {
        Problem(
            .paymentContradiction,
            "The transaction was reported before with another amount or for other orders.",
            members: ["payment_id": .string(id.description)]
        )
    }
}
