import ArgumentParser
import EventLog
import Logging
import Model
import Postgres
import ServiceKit
import ServiceLifecycle

/// Tells everyone: inboxes, live streams, webhooks.
enum NotifyServiceDefinition: ServiceDefinition {
    static let name = "notify_service"
    static let title = "NotifyService"
    static let summary =
        "Tells students, merchants, riders and the desk what happens to orders and cases, and platforms by webhook."
    static let stream = EventStream.notifications
    static let defaultPort = 8083
    static let settings: [any DeclaredSetting] = [
        Setting.encryptionKey, Setting.contactKeys, Setting.allowLoopbackWebhooks, Setting.webhookConcurrency,
        Setting.streamLimit, Setting.inboxRetention, Setting.deliveryRetention,
    ]
    static let problems = ProblemKind.notify
    static let events = LoggedEvent.notify
    static let commands: [any ParsableCommand.Type] = [EventCatalogueCommand.self]

    static func build(_ foundation: ServiceFoundation) async throws -> ServiceParts {
        try build(foundation, limits: StreamLimits(), schedule: WebhookTiming())
    }

    /// Puts the service together with other limits than usual, as tests do.
    static func build(
        _ foundation: ServiceFoundation,
        limits: StreamLimits,
        schedule: WebhookTiming
    ) throws -> ServiceParts {
        let (configuration, pool, logger) = (foundation.configuration, foundation.pool, foundation.logger)
        guard let secretKey = KeyRing(base64Key: try configuration[.encryptionKey]) else {
            throw EncryptionKeyInvalid()
        }
        let vault = Vault(secretKey)
        let contactVault = Vault(try configuration[.contactKeys])
        let resealing = ResealContacts(vault: contactVault, pool: pool, logger: logger)
        var limits = limits
        limits.total = try configuration[.streamLimit]
        let slots = limits.slots
        let hub = StreamHub(limits: limits, slots: slots, logger: logger) { places, limit in
            try await pool.autocommit { try InboxStore().lines(after: places, limit: limit, in: $0) }
        }
        let connections = PublicHTTPClient(
            WebhookSender.clientConfiguration(concurrency: try configuration[.webhookConcurrency]),
            allowsLoopback: try configuration[.allowLoopbackWebhooks]
        )
        let worker = try worker(foundation, connections, vault, schedule)
        let fanOut = fanOut(foundation, hub, worker)
        let waker = StreamWaker(
            hub: hub,
            announcements: Tail(
                stream: .notifications,
                pool: foundation.background,
                wakeup: foundation.listener.signal(for: EventStream.notifications.rawValue)
            ),
            logger: logger
        )
        let room = waitingRoom(foundation, slots)
        let erasure = erasure(foundation)
        register(fanOut, erasure, in: foundation)
        let webhooks = WebhookController(
            pool: pool,
            vault: vault,
            clock: foundation.clock,
            allowsLoopback: try configuration[.allowLoopbackWebhooks],
            afterEnqueue: worker.hint
        )
        return ServiceParts(
            operations: StreamController(pool: pool, hub: hub, clock: foundation.clock).operations
                + InboxController(pool: pool, hub: hub, clock: foundation.clock).operations
                + FeedController(pool: pool, room: room).operations + EventTypeController().operations
                + webhooks.operations
                + ContactController(pool: pool, vault: contactVault, idempotency: foundation.idempotency).operations,
            services: [
                connections, hub, waker, room, worker, fanOut, erasure, resealing,
                RetentionService(
                    try Retention.rules(configuration, pool: pool, clock: foundation.clock),
                    logger: logger
                ),
            ],
            obstacle: resealing.obstacle
        )
    }

    private static func worker(
        _ foundation: ServiceFoundation,
        _ connections: PublicHTTPClient,
        _ vault: Vault,
        _ timing: WebhookTiming
    ) throws -> TaskWorker {
        let deliver = DeliverWebhook(
            pool: foundation.pool,
            sender: WebhookSender(client: connections, clock: foundation.clock, deadline: timing.deadline),
            vault: vault,
            clock: foundation.clock,
            timing: timing,
            logger: foundation.logger
        )
        let concurrency = try foundation.configuration[.webhookConcurrency]
        return TaskWorker(
            queue: WebhookDelivery.queue,
            owner: .notifications,
            pool: foundation.pool,
            concurrency: concurrency,
            concurrencyPerDestination: concurrency / 16,
            concurrencyPerCampus: concurrency / 2,
            attemptLimit: timing.deadline + .seconds(15),
            logger: foundation.logger,
            whenDead: { session, task, _ in try deliver.bury(task, in: session) },
            perform: { try await deliver($0) }
        )
    }

    private static func fanOut(
        _ foundation: ServiceFoundation,
        _ hub: StreamHub,
        _ worker: TaskWorker
    ) -> ConsumerGroup<FanOut.Effect> {
        let fanOut = FanOut()
        let streams: [EventStream] = [.orders, .afterSales]
        return ConsumerGroup(
            name: FanOut.group,
            owner: .notifications,
            streams: streams,
            pool: foundation.background,
            wakeup: foundation.listener.signal(for: streams.map(\.rawValue)),
            options: ConsumerOptions(leastGap: .milliseconds(5)),
            logger: foundation.logger,
            handle: { session, events in try fanOut.handle(events, in: session) },
            afterCommit: { effect in
                hub.advance(effect.advanced)
                if effect.owed > 0 { worker.hint() }
            }
        )
    }

    private static func waitingRoom(_ foundation: ServiceFoundation, _ slots: Slots) -> FeedWaitingRoom {
        let (background, reader) = (foundation.background, FeedReader(streams: ReadFeed.streams))
        let room = FeedWaitingRoom(
            slots: slots,
            wakeup: foundation.listener.signal(for: ReadFeed.streams.map(\.rawValue)),
            logger: foundation.logger
        ) { campuses, position in
            try await background.autocommit { try reader.advance(of: campuses, since: position, in: $0) }
        }
        foundation.gauges.register("waiting_feed_readers") { .integer(room.waiting) }
        return room
    }

    private static func erasure(_ foundation: ServiceFoundation) -> ConsumerGroup<[ErasureRequest]> {
        let erase = ErasePersons(clock: foundation.clock)
        let logger = foundation.logger
        return ConsumerGroup(
            name: ErasePersons.group,
            owner: .notifications,
            streams: [.afterSales],
            pool: foundation.background,
            // Among so many events these are few: nothing wakes the group, and it reads a second of them at once.
            options: ConsumerOptions(poll: .seconds(1)),
            logger: logger,
            handle: { session, events in try erase.handle(events, in: session) },
            afterCommit: { requests in
                for request in requests { logger.record(.erasureDone, [.erasureID: .id(request.id)]) }
            }
        )
    }

    private static func register(
        _ fanOut: ConsumerGroup<FanOut.Effect>,
        _ erasure: ConsumerGroup<[ErasureRequest]>,
        in foundation: ServiceFoundation
    ) {
        foundation.gauges.register("fan_out", lagOf: fanOut)
        foundation.gauges.register("erasure", lagOf: erasure)
        foundation.gauges.register(
            "webhook_tasks",
            tasksOf: WebhookDelivery.queue,
            in: TaskStore(owner: .notifications),
            pool: foundation.pool,
            clock: foundation.clock
        )
    }
}

/// How long webhooks take and wait; shorter in tests.
struct WebhookTiming: Sendable {
    /// The longest that one attempt may take.
    var deadline = WebhookSender.deadline
    /// By how much every wait between attempts is divided.
    var haste = 1.0
}
