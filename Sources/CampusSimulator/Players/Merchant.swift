import Model

/// A canteen stall: takes orders or refuses them, and cooks.
struct Merchant: Sendable {
    let id: String
    let cast: Cast
    let campus: CampusAccess

    private var caller: Caller { .user("merchant:\(id)") }

    /// Starts cooking.
    func accept(_ order: PlacedOrder) async throws {
        try await move(order, "accept")
    }

    /// Will not cook it.
    func reject(_ order: PlacedOrder) async throws {
        try await move(order, "reject", ["reason": "out_of_stock"])
    }

    /// Puts it on the counter.
    func ready(_ order: PlacedOrder) async throws {
        try await move(order, "ready")
    }

    private func move(_ order: PlacedOrder, _ verb: String, _ body: JSON = [:]) async throws {
        try await campus.order.post(
            "/v1/orders/\(order.id)/\(verb)",
            body,
            key: cast.key(order.plan, verb),
            as: caller
        )
    }
}
