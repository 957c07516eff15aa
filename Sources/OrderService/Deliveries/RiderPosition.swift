import Model

/// Where a rider was at a moment.
struct RiderPosition: Hashable, Sendable {
    /// Degrees north, -90 to 90.
    var latitude: Double
    /// Degrees east, -180 to 180.
    var longitude: Double
    var at: Timestamp

    /// The position as callers see it.
    var json: JSON {
        ["lat": .double(latitude), "lng": .double(longitude), "at": .string(at.rfc3339)]
    }
}

/// Positions that one rider reports for one order.
struct PositionReport: Hashable, Sendable {
    var order: OrderKey
    /// Whose report it is; nil is the platform's, for whoever carries the order.
    var rider: String?
    /// At least one.
    var positions: [RiderPosition]
}

/// What became of a report of positions.
enum PositionOutcome: Hashable, Sendable {
    /// They are kept.
    case recorded
    /// The caller has no such order.
    case notFound
    /// Nobody carries the order now.
    case notOnItsWay(OrderStatus)
}
