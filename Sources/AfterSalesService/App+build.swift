import ArgumentParser
import EventLog
import Model
import Postgres
import ServiceKit
import ServiceLifecycle

/// The after-sales service: what it is, and how it is put together.
enum AfterSales: ServiceDefinition {
    static let name = "after_sales_service"
    static let title = "AfterSalesService"
    static let summary = "Cases, decisions and refunds: everything that goes wrong with an order and is put right."
    static let stream = EventStream.afterSales
    static let defaultPort = 8_082
    static let settings: [any DeclaredSetting] = [
        Setting.sandboxConfirmDelay, Setting.refundRequestLifetime, Setting.reconciliationGrace,
        Setting.personalDataRetention,
    ]
    static let commands: [any ParsableCommand.Type] = [ReconcileCommand.self]
    static let problems = ProblemKind.afterSales
    static let events = LoggedEvent.afterSales

    static func build(_ foundation: ServiceFoundation) async throws -> ServiceParts {
        let pool = foundation.pool
        let directory = foundation.directory
        let ticker = foundation.ticker
        let logger = foundation.logger
        let channels = RefundChannels([
            .sandbox: SandboxChannel(
                pool: pool,
                confirmDelay: try foundation.configuration[.sandboxConfirmDelay],
                clock: foundation.clock
            ),
            .delegated: DelegatedChannel(),
        ])

        let execute = ExecuteRefund(
            pool: pool,
            directory: directory,
            channels: channels,
            clock: foundation.clock,
            logger: logger
        )
        let refundWorker = TaskWorker(
            queue: RefundTask.queue,
            owner: stream,
            pool: pool,
            ticker: ticker,
            concurrency: 8,
            // Less than all, so that a channel that hangs leaves hands for the others; and of those a channel has, one is always
            // left to another campus.
            concurrencyPerDestination: 4,
            concurrencyPerCampus: 3,
            backoff: refundBackoff,
            logger: logger
        ) { task in try await execute.perform(task) }

        let answer = AnswerMoneyDue(pool: pool, directory: directory, channels: channels, logger: logger)
        let moneyDueWorker = TaskWorker(
            queue: MoneyDue.queue,
            owner: stream,
            pool: pool,
            ticker: ticker,
            concurrency: 4,
            concurrencyPerDestination: 4,
            backoff: refundBackoff,
            logger: logger
        ) { task in
            let outcome = try await answer.perform(task)
            refundWorker.hint()
            return outcome
        }

        let moneyDue = MoneyDueConsumer()
        let consumer = ConsumerGroup(
            name: MoneyDueConsumer.group,
            owner: stream,
            streams: [.orders],
            pool: foundation.background,
            wakeup: foundation.listener.signal(for: EventStream.orders.rawValue),
            logger: logger,
            handle: { session, events in try moneyDue.handle(events, in: session) },
            afterCommit: { count in if count > 0 { moneyDueWorker.hint() } }
        )

        let fireCaseTimer = FireCaseTimer(pool: pool, directory: directory, logger: logger)
        let fireRefundTimer = FireRefundTimer(pool: pool, directory: directory, logger: logger)
        let eraseCases = EraseInRounds(
            PersonalCases(),
            owner: stream,
            pool: pool,
            directory: directory,
            logger: logger
        )
        let timers = TimerService(owner: stream, pool: foundation.background, ticker: ticker, logger: logger) { due in
            if due.kind == EraseInRounds.timer {
                try await eraseCases(due)
            } else if RefundTimer(rawValue: due.kind) != nil {
                try await fireRefundTimer(due)
            } else {
                try await fireCaseTimer(due)
            }
        }

        let requests = RequestTransaction(pool: pool, idempotency: foundation.idempotency) {
            ticker.hint()
            refundWorker.hint()
        }
        let voidRefund = VoidRefund(
            pool: pool,
            channels: channels,
            clock: foundation.clock,
            requestLifetime: try foundation.configuration[.refundRequestLifetime]
        )
        let background = foundation.background
        let watch = WatchRefunds(pool: background, clock: foundation.clock, logger: logger)
        let grace = try foundation.configuration[.reconciliationGrace]
        let closeDays = CloseDays(
            pool: background,
            directory: directory,
            closeDay: CloseDay(pool: background, grace: grace),
            logger: logger
        )
        register(consumer, watch, foundation)
        return ServiceParts(
            operations: CaseController(requests: requests, channels: channels).operations
                + DeskController(requests: requests, channels: channels).operations
                + RefundController(requests: requests, voidRefund: voidRefund).operations
                + PartyController(requests: requests, pool: pool).operations
                + ReconciliationController(pool: pool, closeDay: CloseDay(pool: pool, grace: grace)).operations,
            services: [
                refundWorker, moneyDueWorker, consumer, timers, Rounds(watch.look), Rounds(closeDays.look),
                Rounds(WatchLedger(pool: background, clock: foundation.clock, logger: logger).look),
                Rounds(WatchDesk(pool: background, clock: foundation.clock, logger: logger).look),
                RetentionService(
                    try Retention.rules(foundation.configuration, pool: background, directory: directory),
                    logger: logger
                ),
            ]
        )
    }

    private static func register(
        _ moneyDue: ConsumerGroup<Int>,
        _ watch: WatchRefunds,
        _ foundation: ServiceFoundation
    ) {
        let gauges = foundation.gauges
        let tasks = TaskStore(owner: stream)
        gauges.register("refunds") { await watch.gauge() }
        for (name, queue) in [("refund_tasks", RefundTask.queue), ("money_due_tasks", MoneyDue.queue)] {
            gauges.register(name, tasksOf: queue, in: tasks, pool: foundation.pool, clock: foundation.clock)
        }
        gauges.register("money_due", lagOf: moneyDue)
        gauges.register("timers", overdueOf: TimerStore(owner: stream), pool: foundation.pool)
    }

    /// Soon at first, because a lost answer worries its customer; at most every five minutes, because channels limit
    /// questions.
    private static let refundBackoff = Backoff(first: .milliseconds(500), longest: .seconds(300))
}

extension Setting where Value == Duration {
    /// When the sandbox channel confirms.
    static let sandboxConfirmDelay = Setting.seconds(
        "SANDBOX_CONFIRM_DELAY_S",
        default: 0.3,
        0...3_600,
        "How long after the sandbox channel took a refund on the refund is through."
    )
    /// How long a request to a channel may be under way.
    static let refundRequestLifetime = Setting.seconds(
        "REFUND_REQUEST_LIFETIME_S",
        default: 120,
        0...3_600,
        "How long after a refund was sent its channel's not knowing it proves nothing, so that it cannot be given up yet."
    )
    /// When a day's books are closed.
    static let reconciliationGrace = Setting.seconds(
        "RECONCILIATION_GRACE_S",
        default: 900,
        60...86_400,
        "How long after a campus day ended its books are closed."
    )
}
