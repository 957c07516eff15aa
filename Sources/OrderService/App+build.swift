import EventLog
import Model
import Postgres
import ServiceKit
import ServiceLifecycle

/// OrderService: an order's life, the payments reported for it, and its way to the customer.
enum OrderServiceDefinition: ServiceDefinition {
    static let name = "order_service"
    static let title = "OrderService"
    static let summary = "The life of campus delivery orders: placed, paid, cooked, carried, handed over."
    static let stream = EventStream.orders
    static let defaultPort = 8081
    static let settings: [any DeclaredSetting] = [
        Setting.allowLoopbackKeySets, Setting.importBodyLimit, Setting.importsAtOnce, Setting.positionRetention,
        Setting.personalDataRetention,
    ]
    static let problems = ProblemKind.orders + ProblemKind.imports + ProblemKind.administration
    static let events = LoggedEvent.orders + LoggedEvent.imports + LoggedEvent.administration

    static func build(_ foundation: ServiceFoundation) async throws -> ServiceParts {
        let pool = foundation.pool
        let orders = OrderStore()
        let positions = PositionStore()
        let events = EventStore(stream: stream)
        let changeOrders = ChangeOrders(
            pool: pool,
            batch: OrderBatch(
                orders: orders,
                payments: PaymentStore(),
                events: events,
                timers: TimerStore(owner: stream),
                idempotency: foundation.idempotency
            ),
            ticker: foundation.ticker
        )
        let fireOrderTimer = FireOrderTimer(
            changeOrders: changeOrders,
            campuses: foundation.directory,
            logger: foundation.logger
        )
        let eraseOrders = EraseInRounds(
            PersonalOrders(),
            owner: stream,
            pool: pool,
            directory: foundation.directory,
            logger: foundation.logger
        )
        let timers = TimerService(
            owner: stream,
            pool: foundation.background,
            ticker: foundation.ticker,
            logger: foundation.logger
        ) { due in
            if due.kind == EraseInRounds.timer {
                try await eraseOrders(due)
            } else {
                try await fireOrderTimer(due)
            }
        }
        let erasures = learnErasures(foundation, timers)

        foundation.gauges.register("erasure", lagOf: erasures)
        foundation.gauges.register("timers", overdueOf: TimerStore(owner: stream), pool: pool)

        let orderController = OrderController(
            placeOrder: PlaceOrder(pool: pool, orders: orders, ticker: foundation.ticker),
            changeOrders: changeOrders,
            pool: pool,
            orders: orders
        )
        let paymentController = PaymentController(changeOrders: changeOrders)
        let deliveryController = DeliveryController(
            changeOrders: changeOrders,
            recordPositions: RecordPositions(pool: pool, positions: positions),
            pool: pool,
            orders: orders,
            positions: positions
        )
        let clockController = ClockController(
            pool: pool,
            clocks: ClockStore(),
            events: events,
            idempotency: foundation.idempotency,
            ticker: foundation.ticker,
            timers: timers,
            clock: foundation.clock
        )
        let administration = AdministrativeRequests(
            pool: pool,
            idempotency: foundation.idempotency,
            clock: foundation.clock
        )
        let importsAtOnce = try foundation.configuration[.importsAtOnce]
        let importController = ImportController(
            importOrders: ImportOrders(pool: pool),
            pool: pool,
            bodyLimit: try foundation.configuration[.importBodyLimit],
            slots: Slots(perOwner: importsAtOnce, total: importsAtOnce)
        )
        let allowsLoopback = try foundation.configuration[.allowLoopbackKeySets]
        let connections = PublicHTTPClient(KeySetClient.configuration, allowsLoopback: allowsLoopback)
        return ServiceParts(
            operations: orderController.operations + paymentController.operations + deliveryController.operations
                + importController.operations + clockController.operations
                + administration.operations(allowingLoopback: allowsLoopback),
            services: [
                timers,
                erasures,
                RetentionService(
                    try Retention.rules(
                        foundation.configuration,
                        pool: foundation.background,
                        directory: foundation.directory,
                        clock: foundation.clock
                    ),
                    logger: foundation.logger
                ),
                Rounds(
                    WatchOrders(
                        pool: foundation.background,
                        directory: foundation.directory,
                        clock: foundation.clock,
                        logger: foundation.logger
                    ).look
                ),
                connections,
                RefreshKeySets(
                    client: KeySetClient(connections),
                    pool: foundation.background,
                    directory: foundation.directory,
                    clock: foundation.clock,
                    logger: foundation.logger
                ),
                Rounds(
                    every: .seconds(3_600),
                    WatchKeys(pool: foundation.background, clock: foundation.clock, logger: foundation.logger).look
                ),
            ]
        )
    }

    private static func learnErasures(_ foundation: ServiceFoundation, _ timers: TimerService) -> ConsumerGroup<Int> {
        let learn = LearnErasures()
        return ConsumerGroup(
            name: LearnErasures.group,
            owner: stream,
            streams: [.afterSales],
            pool: foundation.background,
            // Among so many events these are few: nothing wakes the group, and it reads a second of them at once.
            options: ConsumerOptions(poll: .seconds(1)),
            logger: foundation.logger,
            handle: { session, events in try learn.handle(events, in: session) },
            afterCommit: { count in if count > 0 { timers.hint() } }
        )
    }
}

extension Setting where Value == Bool {
    /// Whether key sets may lie on this machine.
    static let allowLoopbackKeySets = Setting.flag(
        "ALLOW_LOOPBACK_KEY_SETS",
        default: false,
        "Whether key sets (JWKS) may lie on this machine, without TLS: for development only."
    )
}

extension AdministrativeRequests {
    /// The table of all routes of administration.
    func operations(allowingLoopback: Bool) -> [Operation] {
        CampusController(requests: self).operations + SettingsController(requests: self).operations
            + PlatformKeyController(requests: self).operations
            + VerificationKeyController(requests: self, allowsLoopback: allowingLoopback).operations
    }
}
