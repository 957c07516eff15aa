import EventLog
import Model
import Postgres
import ServiceKit

/// Carries out requests in one transaction: decided one by one, read and written as sets.
///
/// Locks are taken in the order that holds everywhere: idempotency keys, then orders by their keys, then payments, then timers.
struct OrderBatch: Sendable {
    let orders: OrderStore
    let payments: PaymentStore
    let events: EventStore
    let timers: TimerStore
    let idempotency: IdempotencyStore

    /// Carries out the requests.
    ///
    /// No two may be about one order. Orders that others have locked are waited for, or come out as busy. What is thrown undoes all of
    /// them; otherwise each has its outcome, in their order.
    func run(_ requests: [OrderRequest], waits: Bool, in session: borrowing Session) throws -> [OrderOutcome] {
        var outcomes = try replays(of: requests, in: session)
        let open = requests.indices.filter { outcomes[$0] == nil }
        let locked = try orders.lock(open.flatMap { requests[$0].keys }, waits: waits, in: session)
        let known = try payments.known(open.compactMap { requests[$0].paymentKey }, in: session)

        var decided: [(index: Int, transitions: [OrderTransition], isNew: Bool)] = []
        for index in open {
            let request = requests[index]
            if let timer = request.timer, try !timers.consume(timer, in: session) {
                outcomes[index] = .moot
                continue
            }
            switch decide(request, locked, known, waits: waits) {
            case .decided(let transitions, let isNew): decided.append((index, transitions, isNew))
            case .settled(let outcome): outcomes[index] = outcome
            }
        }
        var replies: [(key: IdempotencyKey, reply: StoredReply)] = []
        for (index, transitions, _) in decided {
            let reply = try StoredReply(requests[index].reply(transitions))
            if let key = requests[index].idempotency { replies.append((key, reply)) }
            outcomes[index] = .done(reply.reply, transitions)
        }
        try store(decided.map { (requests[$0.index], $0.transitions, $0.isNew) }, replies, in: session)
        return outcomes.map { $0 ?? .busy }
    }

    private func replays(of requests: [OrderRequest], in session: borrowing Session) throws -> [OrderOutcome?] {
        var outcomes = [OrderOutcome?](repeating: nil, count: requests.count)
        let keyed = requests.indices.filter { requests[$0].idempotency != nil }
        guard !keyed.isEmpty else { return outcomes }
        let claims = try idempotency.claim(keyed.compactMap { requests[$0].idempotency }, in: session)
        for (index, claim) in zip(keyed, claims) {
            do throws(Problem) {
                outcomes[index] = try claim.settled().map(OrderOutcome.replayed)
            } catch {
                outcomes[index] = .refused(error)
            }
        }
        return outcomes
    }

    private enum Decision {
        case decided([OrderTransition], isNew: Bool)
        case settled(OrderOutcome)
    }

    private func decide(
        _ request: OrderRequest,
        _ locked: [OrderKey: Order],
        _ known: [PaymentKey: KnownPayment],
        waits: Bool
    ) -> Decision {
        var found: [Order] = []
        for (index, key) in request.keys.enumerated() {
            guard let order = locked[key] else {
                return .settled(waits ? .refused(request.missing(at: index)) : .busy)
            }
            guard request.scope.contains(order) else { return .settled(.refused(request.missing(at: index))) }
            found.append(order)
        }
        if let key = request.paymentKey, let payment = known[key], let report = request.payment {
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

    private func store(
        _ decided: [(request: OrderRequest, transitions: [OrderTransition], isNew: Bool)],
        _ replies: [(key: IdempotencyKey, reply: StoredReply)],
        in session: borrowing Session
    ) throws {
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
        var statements: [SQL] = []
        if let first = reports.first {
            statements.append(payments.insert(reports.map { ($0.campus, $0.report) }, at: first.now))
        }
        statements += orders.statements(for: writes)
        let appended = orders.events(of: writes)
        if !replies.isEmpty { statements.append(idempotency.insertSQL(replies)) }
        if !statements.isEmpty {
            let counts = try session.pipeline(statements)
            if !reports.isEmpty, counts[0] != reports.count { throw PaymentReportedMeanwhile() }
        }
        try events.append(appended, in: session)
        try settleTimers(writes, in: session)
    }

    private func settleTimers(_ writes: [OrderWrite], in session: borrowing Session) throws {
        for timer in OrderTimer.allCases {
            let moot = writes.filter { $0.transition.disarmed.contains(timer) }
            try timers.cancel(
                kind: timer.rawValue,
                subjects: moot.map { $0.transition.order.id.retyped() },
                in: session
            )
        }
        try timers.arm(writes.flatMap { $0.transition.newTimers }, in: session)
    }
}

/// Another transaction reported one of the batch's payments first: everything is undone, and tried again one by one.
struct PaymentReportedMeanwhile: Error {}

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
