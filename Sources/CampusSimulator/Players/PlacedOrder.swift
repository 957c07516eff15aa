import Model

/// An order after the order service took it.
struct PlacedOrder: Sendable {
    let plan: OrderPlan
    let id: String
    let payableFen: Int64
    /// The campus's own time when it was placed, which a test clock may have moved.
    let placedAt: Timestamp

    init(plan: OrderPlan, answer: JSON) throws {
        guard let id = answer["id"]?.string, let payable = answer["totals"]?["payable_fen"]?.integer,
            let placedAt = answer["times"]?["placed_at"]?.string.flatMap(Timestamp.init(rfc3339:))
        else { throw MissingMember(request: "POST /v1/orders", members: "id, totals.payable_fen, times.placed_at") }
        self.plan = plan
        self.id = id
        self.payableFen = payable
        self.placedAt = placedAt
    }
}

/// An answer without what every such answer has.
struct MissingMember: Error, CustomStringConvertible {
    let request: String
    let members: String

    var description: String { "\(request) answered without \(members)" }
}
