import Model

/// Plays one order's story, step by step, with the people it takes.
struct OrderScript: Sendable {
    let plan: OrderPlan
    let cast: Cast
    let campus: CampusAccess
    let till: PaymentDesk
    let agent: Agent
    let board: LunchBoard
    let clock: CampusClock

    private var student: Student { Student(id: cast.student(plan.student), cast: cast, campus: campus) }
    private var merchant: Merchant { Merchant(id: cast.merchant(plan.stall), cast: cast, campus: campus) }
    private var rider: Rider {
        Rider(id: cast.rider(plan.rider), name: "骑手\(plan.rider + 1)", cast: cast, campus: campus)
    }

    /// Plays it to where only a deadline or somebody else's answer can move it on.
    func play() async throws -> PlacedOrder {
        let order = try await student.place(plan, promisedAt: promisedAt())
        board.add(order)
        agent.learn(plan, of: order.id)
        try await pause()
        switch plan.story {
        case .fine:
            try await till.take(order.payableFen, for: order)
            try await bring(order)
            try await student.complete(order)
        case .late:
            try await till.take(order.payableFen, for: order)
            try await bring(order)
            try await ask(order)
        case .notDelivered:
            try await till.take(order.payableFen, for: order)
            try await cook(order)
            try await rider.pickUp(order)
            try await rider.ride(order)
            try await ask(order)
        case .neverAccepted:
            try await till.take(order.payableFen, for: order)
        case .cancelled:
            try await till.take(order.payableFen, for: order)
            try await pause()
            try await student.cancel(order)
        case .rejected:
            try await till.take(order.payableFen, for: order)
            try await pause()
            try await merchant.reject(order)
        case .paidTwice:
            try await till.take(order.payableFen, for: order)
            try await till.take(order.payableFen, for: order, attempt: "double-tap")
            try await till.repeatReport(order.payableFen, for: order)
            try await bring(order)
            try await student.complete(order)
        case .overpaid:
            try await till.take(order.payableFen + 100, for: order)
            try await bring(order)
            try await student.complete(order)
        case .paidLate:
            try await student.cancel(order)
            try await pause()
            try await till.take(order.payableFen, for: order)
        case .neverPaid:
            break
        case .spilled, .missingItem, .changedMind:
            try await till.take(order.payableFen, for: order)
            try await bring(order)
            try await ask(order)
        }
        return order
    }

    private func cook(_ order: PlacedOrder) async throws {
        try await pause()
        try await merchant.accept(order)
        try await pause()
        try await merchant.ready(order)
        try await pause()
    }

    private func bring(_ order: PlacedOrder) async throws {
        try await cook(order)
        try await rider.pickUp(order)
        try await rider.ride(order)
        try await pause()
        try await rider.deliver(order)
        try await pause()
    }

    private func ask(_ order: PlacedOrder) async throws {
        guard let reason = plan.story.reason else { return }
        _ = try await student.askForMoneyBack(order, reason: reason)
    }

    /// In half an hour; for an order that is to be late, forty minutes ago, as if the platform told us late.
    private func promisedAt() -> Timestamp {
        switch plan.story {
        case .late, .notDelivered: clock.now() - .seconds(40 * 60)
        case .fine, .neverAccepted, .cancelled, .rejected, .paidTwice, .overpaid, .paidLate, .neverPaid, .spilled,
            .missingItem, .changedMind:
            clock.now() + .seconds(30 * 60)
        }
    }

    /// The time people take, part of the play and not a wait for anything.
    private func pause() async throws {
        try await Task.sleep(for: plan.pace)
    }
}
