import EventLog
import Model
import ServiceKit
import ServiceLifecycle

/// OrderService: an order's life, the payments reported for it, and its way to the customer.
enum OrderServiceDefinition: ServiceDefinition {
    static let name = "order_service"
    static let title = "OrderService"
    static let summary = "The life of campus delivery orders: placed, paid, cooked, carried, handed over."
    static let stream = EventStream.orders
    static let defaultPort = 8081
    static let problems = ProblemKind.orders
    static let events = LoggedEvent.orders

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
        let timers = TimerService(
            owner: stream,
            pool: foundation.background,
            ticker: foundation.ticker,
            logger: foundation.logger
        ) { try await fireOrderTimer($0) }

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
        return ServiceParts(
            operations: orderController.operations + paymentController.operations + deliveryController.operations
                + clockController.operations,
            services: [timers]
        )
    }
}
