import HTTPTypes
import Model
import Postgres
import ServiceKit

/// The routes of an order's life.
struct OrderController: Sendable {
    let placeOrder: PlaceOrder
    let changeOrders: ChangeOrders
    let pool: ConnectionPool
    let orders: OrderStore

    private static let tag = "Orders"
    private static let readers: Set<Role> = [.customer, .merchant, .rider, .agent, .supervisor, .admin]

    /// The table of routes.
    var operations: [Operation] {
        [
            Operation(
                "placeOrder",
                .post,
                "/v1/orders",
                summary: "Place an order",
                details: """
                    Discounts are split over lines and fees at once and for good: the payables of lines and fees sum to \
                    `payable_fen`. For the platform's key, for itself or for a stated customer.
                    """,
                tag: Self.tag,
                access: .roles([.customer], scope: .ordersWrite),
                body: OrderSchemas.place,
                responses: [.created("The order.", OrderSchemas.order, headers: [.location, .etag])],
                problems: [.externalIDTaken],
                idempotent: true
            ) { try await placeOrder($0) },
            Operation(
                "listOrders",
                .get,
                "/v1/orders",
                summary: "List orders",
                details: """
                    The newest first. With `updated_since`, in the order of their last change instead, so that a reader who starts again \
                    a minute before the last `updated_at` it saw misses nothing.
                    """,
                tag: Self.tag,
                access: .roles(Self.readers, scope: .ordersRead),
                parameters: Self.listParameters,
                responses: [.json("A page of orders.", OrderSchemas.page)]
            ) { try await list($0) },
            Operation(
                "getOrder",
                .get,
                "/v1/orders/{id}",
                summary: "Read an order",
                tag: Self.tag,
                access: .roles(Self.readers, scope: .ordersRead),
                parameters: [.ifNoneMatch],
                responses: [
                    .json("The order.", OrderSchemas.order, headers: [.etag]), .empty(304, "It has not changed."),
                ]
            ) { try await get($0) },
            Operation(
                "getOrderTimeline",
                .get,
                "/v1/orders/{id}/timeline",
                summary: "Read what happened to an order",
                tag: Self.tag,
                access: .roles(Self.readers, scope: .ordersRead),
                responses: [.json("Every change, first to last.", OrderSchemas.timeline)]
            ) { try await timeline($0) },
            action(.accept, "acceptOrder", "accept", "The merchant takes the order on", OrderSchemas.accept) { _ in
                .accept
            },
            action(.reject, "rejectOrder", "reject", "The merchant will not take the order on", OrderSchemas.reject) {
                .reject(reason: $0.body["reason"]?.string ?? "")
            },
            action(.ready, "markOrderReady", "ready", "The order is ready to be fetched", OrderSchemas.ready) { _ in
                .ready
            },
            action(
                .pickUp,
                "pickUpOrder",
                "pickup",
                "A rider has the order",
                OrderSchemas.pickUp,
                details: "While a rider carries it, naming another hands it over on the way."
            ) { .pickUp(try Self.rider(of: $0)) },
            action(.deliver, "deliverOrder", "deliver", "The order was handed over", OrderSchemas.deliver) { call in
                guard let handover = call.body["handover"].flatMap(Handover.init(json:)) else {
                    throw Problem.validation("/handover", "is missing")
                }
                return .deliver(handover)
            },
            action(.complete, "completeOrder", "complete", "The customer has it and is content", OrderSchemas.complete)
            { _ in
                .complete
            },
            action(
                .cancel,
                "cancelOrder",
                "cancel",
                "Call the order off",
                OrderSchemas.cancel,
                details: """
                    The customer until the merchant accepts, merchant and desk until a rider has it. Later it is an after-sales case: \
                    the problem `after-sales-required` links to it.
                    """,
                problems: [.afterSalesRequired]
            ) { .cancel(reason: $0.body["reason"]?.string ?? "") },
            Operation(
                "stateLineFacts",
                .put,
                "/v1/orders/{id}/lines/{line_no}/facts",
                summary: "Say what became of a line",
                details: "What is left out stays as it is. Facts matter when the line is returned.",
                tag: Self.tag,
                access: .roles(OrderAction.stateLineFacts.users, scope: .ordersWrite),
                parameters: [.path("line_no", .integer(1...100), "The line's number, from 1.")],
                body: OrderSchemas.stateLineFacts,
                responses: [.json("The order.", OrderSchemas.order, headers: [.etag])],
                problems: [.illegalTransition]
            ) { try await stateLineFacts($0) },
        ]
    }

    private static let listParameters: [Parameter] = [
        .query("external_id", OrderSchemas.externalID, "Only the order of this number."),
        .query("customer_id", .actorID, "Only orders of this customer."),
        .query("merchant_id", .actorID, "Only orders of this shop."),
        .query("status", .enumeration(of: OrderStatus.self), "Only orders that stand so."),
        .updatedSince, .limit, .cursor,
    ]

    /// A route that moves an order on.
    private func action(
        _ action: OrderAction,
        _ id: String,
        _ name: String,
        _ summary: String,
        _ body: JSONSchema,
        details: String? = nil,
        problems: [ProblemKind] = [],
        command: @escaping @Sendable (Call) throws -> OrderCommand
    ) -> Operation {
        Operation(
            id,
            .post,
            "/v1/orders/{id}/\(name)",
            summary: summary,
            details: details,
            tag: Self.tag,
            access: .roles(action.users, scope: .ordersWrite),
            bodyRule: .json(body, required: !body.validate([:]).isEmpty),
            responses: [.json("The order.", OrderSchemas.order, headers: [.etag])],
            problems: [.illegalTransition] + problems,
            idempotent: true
        ) { call in
            let key = try OrderKey(call)
            let request = OrderRequest(
                call,
                [OrderRequest.Item(order: key.id, command: try command(call))],
                at: call.reportedAt
            )
            return try await changeOrders(request, logger: call.logger)
        }
    }

    private static func rider(of call: Call) throws(Problem) -> Rider {
        let actor = call.principal.actor
        if let id = call.body["rider"]?["id"]?.string {
            return Rider(id: id, name: call.body["rider"]?["name"]?.string)
        }
        guard actor.role == .rider else { throw .validation("/rider", "is missing: say who has it") }
        return Rider(id: actor.id)
    }

    private func stateLineFacts(_ call: Call) async throws -> Reply {
        let key = try OrderKey(call)
        guard let line = Int(call.path("line_no")) else { throw Problem.notFound }
        let facts = LineFacts(
            used: call.body["used"]?.bool,
            opened: call.body["opened"]?.bool,
            activated: call.body["activated"]?.bool
        )
        guard facts != LineFacts() else { throw Problem.validation("", "states nothing") }
        let request = OrderRequest(
            call,
            [OrderRequest.Item(order: key.id, command: .stateLineFacts(line: line, facts))],
            at: nil
        )
        return try await changeOrders(request, logger: call.logger)
    }

    private func get(_ call: Call) async throws -> Reply {
        let order = try await visible(call)
        guard !call.hasCurrent(order.version) else { return Reply(status: 304).etag(order.version) }
        return Reply.json(order.text(for: call.principal.actor)).etag(order.version)
    }

    private func timeline(_ call: Call) async throws -> Reply {
        let key = try OrderKey(call)
        let scope = OrderScope(call.principal)
        let entries: [OrderTimelineEntry]? = try await pool.autocommit { [orders] session in
            guard let order = try orders.find(key, in: session), scope.contains(order) else { return nil }
            return try orders.timeline(of: key, in: session)
        }
        guard let entries else { throw Problem.notFound }
        return .ok(["items": .array(entries.map(\.json))])
    }

    private func visible(_ call: Call) async throws -> Order {
        let key = try OrderKey(call)
        let order = try await pool.autocommit { [orders] in try orders.find(key, in: $0) }
        guard let order, OrderScope(call.principal).contains(order) else { throw Problem.notFound }
        return order
    }

    private func list(_ call: Call) async throws -> Reply {
        let page = try Page(call)
        let filter = try OrderFilter(call, page)
        let found = try await pool.autocommit { [orders] in try orders.list(filter, in: $0) }
        let shown = page.cut(found) { Cursor(time: $0.updatedAt, id: $0.id) }
        let actor = call.principal.actor
        return .json(
            JSONWriter.text { writer in
                writer.object { writer in
                    writer.name("items")
                    writer.array { writer in
                        for order in shown.items { writer.value(order.text(for: actor)) }
                    }
                    writer.member("next_cursor", shown.next?.text)
                }
            }
        )
    }
}

extension OrderAction {
    /// The roles of users who may ask for it; the platform's key may by its scope.
    var users: Set<Role> {
        Set(Role.allCases.filter { $0 != .platform && isOpen(to: $0) })
    }
}

extension Call {
    /// When it happened, if the body says.
    var reportedAt: Timestamp? { body["at"]?.string.flatMap(Timestamp.init(rfc3339:)) }
}

extension OrderRequest {
    /// What a call asks of orders; the answer is the first order as the caller sees it.
    init(
        _ call: Call,
        _ items: [Item],
        at reportedAt: Timestamp?,
        payment: PaymentReport? = nil
    ) {
        let actor = call.principal.actor
        self.init(
            campus: call.campus.id,
            items: items,
            scope: OrderScope(call.principal),
            context: OrderContext(call, reportedAt: reportedAt, beginsAcceptance: payment != nil),
            payment: payment,
            idempotency: call.idempotency,
            trace: call.trace.description
        ) { transitions in
            guard let order = transitions.first?.order else { return .noContent }
            return Reply.json(order.text(for: actor)).etag(order.version)
        }
    }
}

extension Reply {
    /// An answer of JSON that is written already.
    static func json(status: Int = 200, _ text: JSONText) -> Reply {
        Reply(status: status, headers: [.contentType: "application/json"], body: .bytes(text.bytes))
    }
}
