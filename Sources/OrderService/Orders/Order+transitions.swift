import Model

/// One change of an order: a row of its timeline, and most often an event.
struct OrderStep: Hashable, Sendable {
    /// What the change is.
    enum Kind: Hashable, Sendable {
        /// One that the world hears of.
        case event(OrderChange)
        /// Part of the price was paid.
        case partPaid(PaymentID, Money)
        /// Somebody said what became of a line.
        case lineFactsStated(line: Int, LineFacts)
    }

    var kind: Kind
    /// When it happened: as reported, else our clock.
    var at: Timestamp
    /// The order as this step left it.
    var facts: OrderFacts
}

/// What a command makes of an order.
struct OrderTransition: Hashable, Sendable {
    var order: Order
    /// In their order, one for each version.
    var steps: [OrderStep] = []
    /// Deadlines that begin, with the campus time at which they pass.
    var armed: [OrderTimer: Timestamp] = [:]
    /// Deadlines that no longer matter.
    var disarmed: Set<OrderTimer> = []
    /// Parts of the reported payment, as they fall to this order.
    var shares: [PaymentShare] = []
    /// The line whose facts changed.
    var statedLine: Int?
    var exception: OrderException?
}

/// How far ahead of our clock a reported time may lie; and how far behind, when the platform does not report it.
let reportedTimeTolerance = Duration.seconds(60)
/// What lies before 2000-01-01 is a mix-up of units, not a report.
let earliestReportedTime = Timestamp(seconds: 946_684_800)

extension Order {
    /// What the command makes of this order; refusing changes nothing.
    func applying(_ command: OrderCommand, in context: OrderContext) throws(OrderRefusal) -> OrderTransition {
        if let reported = context.reportedAt { try check(reported, context) }
        var transition = OrderTransition(order: self)
        switch command {
        case .pay(let payment, let amount): try pay(payment, amount, context, &transition)
        case .accept: try accept(context, &transition)
        case .reject(let reason): try reject(reason, context, &transition)
        case .ready: try makeReady(context, &transition)
        case .pickUp(let rider): try pickUp(rider, context, &transition)
        case .deliver(let handover): try deliver(handover, context, &transition)
        case .complete: try complete(context, &transition)
        case .cancel(let reason): try cancel(reason, context, &transition)
        case .reportException(let exception): try report(exception, context, &transition)
        case .stateLineFacts(let line, let facts): try state(facts, ofLine: line, context, &transition)
        case .timeOut(let timer): try timeOut(timer, context, &transition)
        }
        return transition
    }

    private func check(_ reported: Timestamp, _ context: OrderContext) throws(OrderRefusal) {
        guard reported <= context.now + reportedTimeTolerance else { throw .timeAhead(at: reported, now: context.now) }
        guard reported >= earliestReportedTime else { throw .timeTooEarly }
        // Whoever is late must not be able to say that they were not.
        guard context.mayReportLate || reported >= context.now - reportedTimeTolerance else {
            throw .timeBehind(at: reported, now: context.now)
        }
    }

    /// The first step of an order's life.
    static func placed(
        _ terms: OrderTerms,
        id: OrderID,
        campus: CampusID,
        in context: OrderContext
    ) -> OrderTransition {
        var transition = OrderTransition(
            order: Order(
                campus: campus,
                id: id,
                terms: terms,
                status: .placed,
                version: 0,
                paid: .zero,
                payments: [],
                times: OrderTimes(),
                lineFacts: [:],
                updatedAt: context.now
            )
        )
        if terms.isPaidHere { transition.armed[.payment] = context.deadlines.payment }
        transition.take(.event(.placed), at: context.now, context)
        return transition
    }

    // MARK: Money

    private func pay(
        _ payment: ReportedPayment,
        _ amount: Money,
        _ context: OrderContext,
        _ transition: inout OrderTransition
    ) throws(OrderRefusal) {
        guard terms.isPaidHere else { throw .paidElsewhere(terms.source) }
        guard amount > .zero || (terms.bill.payable == .zero && status == .placed) else { throw .nothingPaid }
        switch status {
        case .placed:
            let missing = Money(fen: terms.bill.payable.fen - paid.fen)
            guard amount >= missing else {
                transition.share(payment, .partial, amount)
                transition.order.paid = Money(fen: paid.fen + amount.fen)
                transition.take(.partPaid(payment.id, amount), at: payment.paidAt, context)
                return
            }
            transition.share(payment, .settles, missing)
            transition.order.paid = terms.bill.payable
            transition.order.status = .paid
            let paidAt = transition.order.payments.map(\.paidAt).max() ?? payment.paidAt
            transition.order.times.paid = paidAt
            transition.order.lastReported = ReportedTime(step: .pay, at: paidAt)
            transition.disarmed.insert(.payment)
            transition.armed[.acceptance] = context.deadlines.acceptance
            transition.take(.event(.paid(payment: payment.id, channel: payment.channel)), at: paidAt, context)
            if amount > missing {
                transition.owe(payment, .excess, Money(fen: amount.fen - missing.fen), .excess, context)
            }
        case .paid, .accepted, .ready, .pickedUp, .delivered, .completed:
            transition.owe(payment, .duplicate, amount, .duplicate, context)
        case .cancelled:
            transition.owe(payment, .late, amount, .late, context)
        }
    }

    // MARK: Merchant

    private func accept(_ context: OrderContext, _ transition: inout OrderTransition) throws(OrderRefusal) {
        switch status {
        case .placed where !terms.isPaidHere, .paid: break
        case .placed, .accepted, .ready, .pickedUp, .delivered, .completed, .cancelled:
            throw illegal(.accept, context)
        }
        let at = try transition.report(.accept, context)
        transition.order.status = .accepted
        transition.order.times.accepted = at
        transition.disarmed.insert(.acceptance)
        transition.take(.event(.accepted), at: at, context)
    }

    private func reject(
        _ reason: String,
        _ context: OrderContext,
        _ transition: inout OrderTransition
    ) throws(OrderRefusal) {
        switch status {
        case .placed where !terms.isPaidHere, .paid: break
        case .placed, .accepted, .ready, .pickedUp, .delivered, .completed, .cancelled:
            throw illegal(.reject, context)
        }
        try transition.callOff(.reject, .rejected(reason: reason), reason: reason, context)
    }

    private func makeReady(_ context: OrderContext, _ transition: inout OrderTransition) throws(OrderRefusal) {
        switch status {
        case .accepted: break
        case .placed, .paid, .ready, .pickedUp, .delivered, .completed, .cancelled: throw illegal(.ready, context)
        }
        let at = try transition.report(.ready, context)
        transition.order.status = .ready
        transition.order.times.ready = at
        transition.take(.event(.ready), at: at, context)
    }

    // MARK: Rider

    private func pickUp(
        _ rider: Rider,
        _ context: OrderContext,
        _ transition: inout OrderTransition
    ) throws(OrderRefusal) {
        switch status {
        case .ready:
            guard context.actor.role != .rider || context.actor.id == rider.id else { throw .otherRider }
        case .pickedUp:
            // The same rider twice is no change of riders.
            guard rider.id != self.rider?.id else { throw illegal(.pickUp, context) }
        case .placed, .paid, .accepted, .delivered, .completed, .cancelled: throw illegal(.pickUp, context)
        }
        let at = try transition.report(.pickUp, context)
        transition.order.status = .pickedUp
        transition.order.rider = rider
        transition.order.times.pickedUp = at
        transition.take(.event(.pickedUp), at: at, context)
    }

    private func deliver(
        _ handover: Handover,
        _ context: OrderContext,
        _ transition: inout OrderTransition
    ) throws(OrderRefusal) {
        switch status {
        case .pickedUp: break
        case .placed, .paid, .accepted, .ready, .delivered, .completed, .cancelled: throw illegal(.deliver, context)
        }
        let at = try transition.report(.deliver, context)
        transition.order.status = .delivered
        transition.order.handover = handover
        transition.order.times.delivered = at
        transition.armed[.completion] = context.deadlines.completion
        transition.take(.event(.delivered(handover: handover.kind)), at: at, context)
    }

    // MARK: Ends

    private func complete(_ context: OrderContext, _ transition: inout OrderTransition) throws(OrderRefusal) {
        switch status {
        case .delivered: break
        case .placed, .paid, .accepted, .ready, .pickedUp, .completed, .cancelled: throw illegal(.complete, context)
        }
        let at = try transition.report(.complete, context)
        transition.order.status = .completed
        transition.order.times.completed = at
        transition.disarmed.insert(.completion)
        transition.take(.event(.completed), at: at, context)
    }

    private func cancel(
        _ reason: String,
        _ context: OrderContext,
        _ transition: inout OrderTransition
    ) throws(OrderRefusal) {
        switch status {
        case .placed, .paid:
            // A merchant who does not want an order rejects it.
            guard context.actor.role != .merchant else { throw illegal(.cancel, context) }
        case .accepted, .ready:
            guard context.actor.role != .customer else { throw .opensCase(status: status) }
        case .pickedUp, .delivered, .completed:
            guard context.actor.role != .customer else { throw .opensCase(status: status) }
            throw illegal(.cancel, context)
        case .cancelled: throw illegal(.cancel, context)
        }
        try transition.callOff(.cancel, .cancelled(reason: reason, by: context.actor), reason: reason, context)
    }

    private func timeOut(
        _ timer: OrderTimer,
        _ context: OrderContext,
        _ transition: inout OrderTransition
    ) throws(OrderRefusal) {
        transition.disarmed.insert(timer)
        switch (timer, status) {
        case (.payment, .placed), (.acceptance, .paid):
            let reason = timer.rawValue
            try transition.callOff(.cancel, .cancelled(reason: reason, by: context.actor), reason: reason, context)
        case (.completion, .delivered): try complete(context, &transition)
        case (.payment, .paid), (.payment, .accepted), (.payment, .ready), (.payment, .pickedUp),
            (.payment, .delivered),
            (.payment, .completed), (.payment, .cancelled),
            (.acceptance, .placed), (.acceptance, .accepted), (.acceptance, .ready), (.acceptance, .pickedUp),
            (.acceptance, .delivered), (.acceptance, .completed), (.acceptance, .cancelled),
            (.completion, .placed), (.completion, .paid), (.completion, .accepted), (.completion, .ready),
            (.completion, .pickedUp), (.completion, .completed), (.completion, .cancelled):
            throw .illegal(action: nil, status: status, allowed: [])
        }
    }

    // MARK: What does not move it

    private func report(
        _ exception: OrderException,
        _ context: OrderContext,
        _ transition: inout OrderTransition
    ) throws(OrderRefusal) {
        switch status {
        case .placed, .paid, .accepted, .ready, .pickedUp, .delivered: break
        case .completed, .cancelled: throw illegal(.reportException, context)
        }
        transition.exception = exception
        let change = OrderChange.exceptionReported(kind: exception.kind, by: context.actor)
        transition.take(.event(change), at: context.reportedAt ?? context.now, context)
    }

    private func state(
        _ facts: LineFacts,
        ofLine line: Int,
        _ context: OrderContext,
        _ transition: inout OrderTransition
    ) throws(OrderRefusal) {
        guard terms.bill.lines.contains(where: { $0.number == line }) else { throw .noSuchLine(line) }
        switch status {
        case .placed, .paid, .accepted, .ready, .pickedUp, .delivered, .completed: break
        case .cancelled: throw illegal(.stateLineFacts, context)
        }
        let merged = (lineFacts[line] ?? LineFacts()).updated(with: facts)
        guard merged != lineFacts[line] else { return }
        transition.order.lineFacts[line] = merged
        transition.statedLine = line
        transition.take(.lineFactsStated(line: line, facts), at: context.now, context)
    }

    private func illegal(_ action: OrderAction, _ context: OrderContext) -> OrderRefusal {
        .illegal(action: action, status: status, allowed: allowedActions(for: context.actor))
    }
}
