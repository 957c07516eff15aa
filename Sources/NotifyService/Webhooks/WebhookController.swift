import EventLog
import HTTPTypes
import Model
import Postgres
import ServiceKit

/// The routes of webhook endpoints.
struct WebhookController: Sendable {
    private let pool: ConnectionPool
    private let manage: ManageEndpoints
    private let clock: any WallClock
    private let allowsLoopback: Bool
    private let afterEnqueue: @Sendable () -> Void
    private let endpoints = WebhookEndpointStore()
    private let deliveries = WebhookDeliveryStore()
    private let idempotency = IdempotencyStore(owner: .notifications)

    /// Routes over `pool`.
    ///
    /// - `allowsLoopback`: whether endpoints may lie on this machine.
    /// - `afterEnqueue`: told when there is something to deliver.
    init(
        pool: ConnectionPool,
        vault: Vault,
        clock: any WallClock,
        allowsLoopback: Bool,
        afterEnqueue: @escaping @Sendable () -> Void
    ) {
        self.pool = pool
        self.clock = clock
        self.allowsLoopback = allowsLoopback
        self.afterEnqueue = afterEnqueue
        manage = ManageEndpoints(pool: pool, vault: vault, clock: clock)
    }

    /// The route table.
    var operations: [Operation] {
        [
            Operation(
                "createWebhookEndpoint",
                .post,
                "/v1/webhook-endpoints",
                summary: "Have events sent to an address",
                details: """
                    Deliveries follow Standard Webhooks (standardwebhooks.com, scheme `v1`). `secret` verifies them; it is shown in \
                    this answer and in that of a rotation only. Deliveries about one order arrive in order; one that fails is tried \
                    again: about an order for two hours, about a case for a day, about money for three days. \
                    `event_types` are exact types, `order.*` and the like, or `*`.
                    """,
                tag: "Webhooks",
                access: .webhookWriters,
                body: .endpointSettings(name: "NewWebhookEndpoint"),
                responses: [
                    .created("The endpoint with its secret.", .endpoint(name: "CreatedWebhookEndpoint", revealed: true))
                ],
                problems: [.tooManyEndpoints],
                idempotent: true,
                handler: create
            ),
            Operation(
                "listWebhookEndpoints",
                .get,
                "/v1/webhook-endpoints",
                summary: "List webhook endpoints",
                details: "All of them: a campus has \(WebhookEndpoint.limit) at most.",
                tag: "Webhooks",
                access: .webhookReaders,
                responses: [.json("The endpoints, the oldest first.", .page(name: "WebhookEndpoints", of: .endpoint))],
                handler: list
            ),
            Operation(
                "getWebhookEndpoint",
                .get,
                "/v1/webhook-endpoints/{id}",
                summary: "Read a webhook endpoint",
                tag: "Webhooks",
                access: .webhookReaders,
                responses: [.json("The endpoint.", .endpoint, headers: [.etag])],
                handler: get
            ),
            Operation(
                "updateWebhookEndpoint",
                .put,
                "/v1/webhook-endpoints/{id}",
                summary: "Change a webhook endpoint",
                details: """
                    `status` `active` brings back an endpoint that was disabled. What was on its way to it then can be replayed; what happened \
                    while it was disabled was never owed to it: read that from the feed.
                    """,
                tag: "Webhooks",
                access: .webhookWriters,
                parameters: [.ifMatch],
                body: .endpointSettings(name: "WebhookEndpointSettings"),
                responses: [.json("The endpoint as it is now.", .endpoint, headers: [.etag])],
                problems: [.versionMismatch, .versionRequired],
                handler: update
            ),
            Operation(
                "deleteWebhookEndpoint",
                .delete,
                "/v1/webhook-endpoints/{id}",
                summary: "Delete a webhook endpoint",
                details: "What is on its way to it is not tried again.",
                tag: "Webhooks",
                access: .webhookWriters,
                responses: [.empty(204, "It is gone.")],
                handler: delete
            ),
            Operation(
                "rotateWebhookSecret",
                .post,
                "/v1/webhook-endpoints/{id}/rotate-secret",
                summary: "Replace an endpoint's secret",
                details: "For 24 hours deliveries are signed with both, so that the receiver can change over.",
                tag: "Webhooks",
                access: .webhookWriters,
                responses: [.json("The new secret.", .rotatedSecret)],
                problems: [.tooManySecrets],
                idempotent: true,
                handler: rotate
            ),
        ] + deliveryOperations
    }

    private func create(_ call: Call) async throws -> Reply {
        let settings = try settings(of: call)
        let reply = try await manage.create(settings, try call.requireIdempotency(), in: call.principal.campus)
        call.logger.record(.webhookEndpointCreated)
        return reply
    }

    private func list(_ call: Call) async throws -> Reply {
        let found = try await pool.autocommit { try endpoints.all(of: call.principal.campus, in: $0) }
        return .page(Listing(items: found), \.json)
    }

    private func get(_ call: Call) async throws -> Reply {
        let id: WebhookEndpointID = try call.id()
        let found = try await pool.autocommit { try endpoints.find(id, of: call.principal.campus, in: $0) }
        guard let found else { throw Problem.notFound }
        return Reply.ok(found.json).etag(found.version)
    }

    private func update(_ call: Call) async throws -> Reply {
        let id: WebhookEndpointID = try call.id()
        let updated = try await manage.update(id, to: try settings(of: call), in: call.principal.campus) { version in
            try call.requireMatch(version)
        }
        call.logger.record(
            .webhookEndpointChanged,
            [.endpointID: .id(id), .status: .string(updated.status.rawValue), .version: .integer(updated.version)]
        )
        return Reply.ok(updated.json).etag(updated.version)
    }

    private func delete(_ call: Call) async throws -> Reply {
        let id: WebhookEndpointID = try call.id()
        let isDeleted = try await pool.transaction { session in
            try endpoints.delete(id, of: call.principal.campus, in: session)
        }
        guard isDeleted else { throw Problem.notFound }
        call.logger.record(.webhookEndpointDeleted, [.endpointID: .id(id)])
        return .noContent
    }

    private func rotate(_ call: Call) async throws -> Reply {
        let id: WebhookEndpointID = try call.id()
        let reply = try await manage.rotate(id, try call.requireIdempotency(), in: call.principal.campus)
        call.logger.record(.webhookSecretRotated, [.endpointID: .id(id)])
        return reply
    }

    private func settings(of call: Call) throws(Problem) -> ManageEndpoints.Settings {
        let url: PublicURL
        do {
            url = try PublicURL(call.body["url"]?.string ?? "", allowsLoopback: allowsLoopback)
        } catch {
            throw Problem.validation("/url", error.detail)
        }
        let types = (call.body["event_types"]?.array ?? []).compactMap(\.string)
        return ManageEndpoints.Settings(
            url: url,
            eventTypes: Array(Set(types)).sorted(),
            description: call.body["description"]?.string ?? "",
            status: call.body["status"]?.string.flatMap(WebhookEndpoint.Status.init(rawValue:))
        )
    }
}

// What was delivered, and delivering it again.
extension WebhookController {
    private var deliveryOperations: [Operation] {
        [
            Operation(
                "testWebhookEndpoint",
                .post,
                "/v1/webhook-endpoints/{id}/test",
                summary: "Try an endpoint out",
                details: "Sends an event of type `webhook.test`, once; what came of it is among the deliveries.",
                tag: "Webhooks",
                access: .webhookWriters,
                responses: [.json(202, "The event that is sent.", .testEvent)],
                problems: [.illegalTransition],
                idempotent: true,
                handler: test
            ),
            Operation(
                "listWebhookDeliveries",
                .get,
                "/v1/webhook-endpoints/{id}/deliveries",
                summary: "List what was sent to an endpoint",
                details: "The newest event first, each with its attempts. Kept for 30 days.",
                tag: "Webhooks",
                access: .webhookReaders,
                parameters: [
                    .query(
                        "status",
                        .enumeration(of: WebhookDelivery.Status.self),
                        "Only deliveries that stand there."
                    ),
                    .limit, .cursor,
                ],
                responses: [.json("The deliveries.", .page(name: "WebhookDeliveries", of: .delivery))],
                handler: listDeliveries
            ),
            Operation(
                "replayWebhookDeliveries",
                .post,
                "/v1/webhook-endpoints/{id}/replay",
                summary: "Send events again",
                details: """
                    One event (`event_id`), or everything that happened since a time (`since`), up to \
                    \(WebhookDeliveryStore.replayLimit) at once; `more` says that there may be more. Each keeps its `webhook-id`, so that a \
                    receiver knows it; attempts that are still planned stay planned.
                    """,
                tag: "Webhooks",
                access: .webhookWriters,
                body: .replay,
                responses: [.json(202, "What is sent.", .replayed)],
                problems: [.illegalTransition],
                idempotent: true,
                handler: replay
            ),
        ]
    }

    private func test(_ call: Call) async throws -> Reply {
        let id: WebhookEndpointID = try call.id()
        let now = call.now
        let reply = try await pool.idempotent(try call.requireIdempotency(), idempotency) { session in
            let endpoint = try active(id, of: call, in: session)
            let event = try deliveries.oweTest(to: endpoint, at: now, trace: call.trace.description, in: session)
            return Reply(status: 202, body: .json(["event_id": .string(event.text)]))
        }
        afterEnqueue()
        return reply
    }

    private func listDeliveries(_ call: Call) async throws -> Reply {
        let id: WebhookEndpointID = try call.id()
        let page = try Page(call)
        var before: EventName?
        if let cursor = page.cursor {
            guard cursor.values.count == 1, let event = cursor.values[0].string.flatMap(EventName.init) else {
                throw Page.foreign
            }
            before = event
        }
        let status = call.query["status"]?.string.flatMap(WebhookDelivery.Status.init(rawValue:))
        let campus = call.principal.campus
        let found = try await pool.transaction { [before] session -> [ListedDelivery]? in
            guard try endpoints.find(id, of: campus, in: session) != nil else { return nil }
            return try deliveries.list(
                of: id,
                in: campus,
                before: before,
                status: status,
                limit: page.limit + 1,
                session: session
            )
        }
        guard let found else { throw Problem.notFound }
        return .page(page.cut(found) { Cursor([.string($0.delivery.event.text)]) }, \.json)
    }

    private func replay(_ call: Call) async throws -> Reply {
        let id: WebhookEndpointID = try call.id()
        let choice = try replayChoice(of: call)
        let request = AnyID.make(at: clock.now())
        let reply = try await pool.idempotent(try call.requireIdempotency(), idempotency) { session in
            let endpoint = try active(id, of: call, in: session)
            let sent = try deliveries.replay(choice, to: endpoint, request: request, in: session)
            if case .event = choice, sent.isEmpty {
                throw Problem.validation("/event_id", "was never sent to this endpoint")
            }
            return Reply(
                status: 202,
                body: .json([
                    "replayed": .integer(Int64(sent.count)),
                    "more": .bool(sent.count == WebhookDeliveryStore.replayLimit),
                    "last_event_id": .optional(sent.last?.event.text),
                ])
            )
        }
        afterEnqueue()
        call.logger.record(.webhookReplayed, [.endpointID: .id(id)])
        return reply
    }

    private func replayChoice(of call: Call) throws(Problem) -> WebhookDeliveryStore.Choice {
        let event = call.body["event_id"]?.string
        let since = call.body["since"]?.string.flatMap(Timestamp.init(rfc3339:))
        switch (event, since) {
        case (let event?, nil):
            guard let name = EventName(event) else { throw Problem.validation("/event_id", "is not an event's id") }
            return .event(name)
        case (nil, let since?): return .since(since, onlyDead: call.body["only_dead"]?.bool ?? false)
        case (nil, nil), (_?, _?): throw Problem.validation("", "must have either event_id or since")
        }
    }

    /// The endpoint, which must be one that is sent to.
    private func active(_ id: WebhookEndpointID, of call: Call, in session: borrowing Session) throws -> WebhookEndpoint
    {
        guard let endpoint = try endpoints.lock(id, of: call.principal.campus, in: session) else {
            throw Problem.notFound
        }
        guard endpoint.status == .active else {
            throw Problem.illegalTransition(state: "disabled", allowed: ["update"])
        }
        return endpoint
    }
}
