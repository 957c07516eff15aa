import Logging
import Model

/// A whole lunch on a running campus: everybody plays, then everything that was seen is gathered.
struct Lunch: Sendable {
    /// What may differ from one lunch to the next.
    struct Options: Sendable {
        /// How long to wait, when all have played, for everything that they are owed.
        var settling = Duration.seconds(60)
        /// One in so many webhook events is refused at its first attempt; 0 refuses none.
        var webhookRefusesOneIn = 40
        /// How far the campus's clock is advanced at the end, past every deadline of an unanswered order.
        var deadlinePasses = Duration.seconds(20 * 60)
    }

    let plan: LunchPlan
    let cast: Cast
    let campus: CampusAccess
    let board: LunchBoard
    let options: Options
    let logger: Logger

    init(
        plan: LunchPlan,
        cast: Cast,
        campus: CampusAccess,
        board: LunchBoard = LunchBoard(),
        options: Options = Options(),
        logger: Logger
    ) {
        self.plan = plan
        self.cast = cast
        self.campus = campus
        self.board = board
        self.options = options
        self.logger = logger
    }

    /// Plays it all and gathers what was seen.
    func play() async throws -> Account {
        let testClock = TestClock(campus: campus, run: cast.run)
        let clock = CampusClock(campusNow: try await testClock.now())
        let people = LunchPeople(plan: plan, cast: cast, campus: campus, board: board)
        let till = PaymentDesk(cast: cast, campus: campus)
        let agent = Agent(cast: cast, campus: campus)
        let subscription = WebhookSubscription(
            receiver: WebhookReceiver(refusesOneIn: options.webhookRefusesOneIn, logger: logger),
            campus: campus,
            run: cast.run
        )
        let scripts = plan.orders.map { order in
            OrderScript(
                plan: order,
                cast: cast,
                campus: campus,
                till: till,
                agent: agent,
                board: board,
                clock: clock
            )
        }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            for reader in people.readers { group.addTask { await reader.run() } }
            group.addTask { await agent.run() }
            let endpoint = try await subscription.open(in: &group)
            let account = await Self.result(of: {
                try await people.waitUntilConnected(by: .now + options.settling)
                let orders = try await Self.play(scripts, onFault: campus.mishaps)
                // From here on people only wait for what they are owed, all of them until then.
                let deadline = ContinuousClock.now + options.settling
                // What waits for nothing but time is over before time is moved, so that the clock moves no one else.
                await settle(orders.filter { !$0.plan.story.waitsForDeadline }, by: deadline)
                try await testClock.advance(by: options.deadlinePasses)
                await settle(orders, by: deadline)
                let gathering = Gathering(
                    campus: campus,
                    orders: orders,
                    people: people,
                    till: till,
                    agent: agent,
                    subscription: subscription,
                    endpoint: endpoint
                )
                return try await gather(gathering, by: deadline)
            })
            // On every way out, in a task of its own that nothing has cancelled: else the service would send to nobody for days.
            let closing = await Task { try await subscription.close(endpoint) }.result
            group.cancelAll()
            try closing.get()
            return try account.get()
        }
    }

    private static func result(of body: () async throws -> Account) async -> Result<Account, any Error> {
        do {
            return .success(try await body())
        } catch {
            return .failure(error)
        }
    }

    /// Gathers until all adds up, for the last notices may be on their way still; what does not add up in time does not.
    private func gather(_ gathering: Gathering, by deadline: ContinuousClock.Instant) async throws -> Account {
        while true {
            let account = try await gathering.account()
            if Reckoning(account).balances || ContinuousClock.now > deadline { return account }
            try await Task.sleep(for: .milliseconds(500))
        }
    }

    /// Each script begins at its time; one that fails spoils the reckoning, not the lunch of the others.
    private static func play(_ scripts: [OrderScript], onFault mishaps: Mishaps) async throws -> [PlacedOrder] {
        let start = ContinuousClock.now
        return try await withThrowingTaskGroup(of: PlacedOrder?.self) { group in
            for script in scripts {
                group.addTask {
                    try await Task.sleep(until: start + script.plan.startsAfter)
                    do {
                        return try await script.play()
                    } catch is CancellationError {
                        throw CancellationError()
                    } catch {
                        mishaps.note("order \(script.plan.number) (\(script.plan.story.rawValue)): \(error)")
                        return nil
                    }
                }
            }
            return try await group.reduce(into: []) { orders, order in
                if let order { orders.append(order) }
            }.sorted { $0.plan.number < $1.plan.number }
        }
    }

    /// Waits until everybody was told how these orders end; what is missing then, the reckoning will name.
    private func settle(_ orders: [PlacedOrder], by deadline: ContinuousClock.Instant) async {
        let areAllEnded = await board.wait(atMost: deadline - .now) { rows in
            orders.allSatisfy { order in rows[order.id].map { $0.hasEnded(order.plan.story) } ?? false }
        }
        guard !areAllEnded else { return }
        for row in board.rows.values where !row.hasEnded(row.story) {
            logger.warning(
                "An order has not ended in time",
                metadata: [
                    "number": "\(row.number)", "story": "\(row.story.rawValue)", "status": "\(row.orderStatus)",
                    "refunds": "\(row.refunds.values.map(\.status))",
                ]
            )
        }
    }
}

extension LunchBoard.Row {
    /// Whether its people know how it ended.
    func hasEnded(_ story: Story) -> Bool {
        guard orderStatus == story.orderEnding else { return false }
        let settled = refunds.values.filter { $0.status == "succeeded" || $0.status == "closed" }.count
        switch story.money {
        case .kept: return true
        case .granted(.nothing): return true
        case .returned, .excessReturned, .granted: return settled > 0 && settled == refunds.count
        }
    }
}
