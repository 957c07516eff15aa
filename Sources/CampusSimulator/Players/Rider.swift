import Model

/// Carries orders from the stall to the dormitory, telling where they are.
struct Rider: Sendable {
    let id: String
    let name: String
    let cast: Cast
    let campus: CampusAccess

    private var caller: Caller { .user("rider:\(id)") }

    /// Takes the order from the counter.
    func pickUp(_ order: PlacedOrder) async throws {
        try await campus.order.post(
            "/v1/orders/\(order.id)/pickup",
            ["rider": ["id": .string(id), "name": .string(name)]],
            key: cast.key(order.plan, "pickup"),
            as: caller
        )
    }

    /// Reports a few positions on the way.
    func ride(_ order: PlacedOrder) async throws {
        let track = (0..<3).map { step in
            [
                "lat": .double(40.0100 + Double(step) * 0.0006), "lng": .double(116.3250 + Double(step) * 0.0004),
                "at": .string((order.placedAt + .milliseconds(step)).rfc3339),
            ] as JSON
        }
        try await campus.order.post(
            "/v1/orders/\(order.id)/positions",
            ["positions": .array(track)],
            key: cast.key(order.plan, "positions"),
            as: caller
        )
    }

    /// Hands the order over at the door.
    func deliver(_ order: PlacedOrder) async throws {
        try await campus.order.post(
            "/v1/orders/\(order.id)/deliver",
            ["handover": ["kind": "door"]],
            key: cast.key(order.plan, "deliver"),
            as: caller
        )
    }
}
