import HTTPTypes
import Model
import Postgres
import ServiceKit

/// The routes of what happens on the way.
struct DeliveryController: Sendable {
    let changeOrders: ChangeOrders
    let recordPositions: RecordPositions
    let pool: ConnectionPool
    let orders: OrderStore
    let positions: PositionStore

    private static let tag = "Deliveries"

    /// The table of routes.
    var operations: [Operation] {
        [
            Operation(
                "reportPositions",
                .post,
                "/v1/orders/{id}/positions",
                summary: "Report where the rider is",
                details: """
                    For the rider who carries the order, or the platform for them. A position reported twice is one position, so no \
                    Idempotency-Key is needed; only the latest by `at` is shown.
                    """,
                tag: Self.tag,
                access: .roles([.rider], scope: .ordersWrite),
                body: DeliverySchemas.positions,
                responses: [.empty(204, "They are kept.")],
                problems: [.illegalTransition]
            ) { try await recordPositions($0) },
            Operation(
                "getOrderPosition",
                .get,
                "/v1/orders/{id}/position",
                summary: "Read where the rider is",
                details: "For the customer from pick-up to delivery; staff see the last position afterwards too.",
                tag: Self.tag,
                access: .roles([.customer, .merchant, .rider, .agent, .supervisor, .admin], scope: .ordersRead),
                responses: [.json("The last position.", DeliverySchemas.lastPosition)]
            ) { try await position($0) },
            Operation(
                "reportException",
                .post,
                "/v1/orders/{id}/exceptions",
                summary: "Report that something went wrong",
                tag: Self.tag,
                access: .roles(OrderAction.reportException.users, scope: .ordersWrite),
                body: OrderSchemas.reportException,
                responses: [.json(201, "The exception.", OrderSchemas.exception)],
                problems: [.illegalTransition],
                idempotent: true
            ) { try await report($0) },
        ]
    }

    private func position(_ call: Call) async throws -> Reply {
        let key = try OrderKey(call)
        let principal = call.principal
        let scope = OrderScope(principal)
        let json: JSON? = try await pool.autocommit { [orders, positions] session in
            guard let order = try orders.find(key, in: session), scope.contains(order) else { return nil }
            let isShown = order.status == .pickedUp || principal.isStaff
            let last = isShown ? try positions.last(of: key, in: session) : nil
            // After a change of riders the last position may still be the first rider's.
            let isPresent = last?.rider == order.rider?.id || principal.isStaff
            return [
                "order_id": .string(order.id.description),
                "rider_id": .optional(order.rider?.id),
                "position": isPresent ? last?.position.json ?? .null : .null,
            ]
        }
        guard let json else { throw Problem.notFound }
        return .ok(json)
    }

    private func report(_ call: Call) async throws -> Reply {
        let key = try OrderKey(call)
        let actor = call.principal.actor
        let exception = OrderException(
            id: AnyID.make(at: call.now),
            kind: call.body["kind"]?.string.flatMap(OrderExceptionKind.init) ?? .unreachable,
            note: call.body["note"]?.string
        )
        var request = OrderRequest(
            call,
            [OrderRequest.Item(order: key.id, command: .reportException(exception))],
            at: call.reportedAt
        )
        let at = call.reportedAt ?? call.now
        request.reply = { _ in
            Reply(
                status: 201,
                body: .json([
                    "id": .string(exception.id.description),
                    "order_id": .string(key.id.description),
                    "kind": .string(exception.kind.rawValue),
                    "note": .optional(exception.note),
                    "reported_by": .string(actor.description),
                    "at": .string(at.rfc3339),
                ])
            )
        }
        return try await changeOrders(request, logger: call.logger)
    }
}
