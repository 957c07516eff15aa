import Model
import ServiceKit

/// What reports from the way must look like, and what answers do.
enum DeliverySchemas {
    static let positions = JSONSchema.object(
        name: "ReportPositions",
        [.required("positions", .array(of: position, count: 1...100))]
    )

    static let lastPosition = JSONSchema.object(
        name: "OrderPosition",
        [
            .required("order_id", .id),
            .required("rider_id", .nullable(.actorID)),
            .required("position", .nullable(position), "`null` until the rider reports one."),
        ]
    )

    private static let position = JSONSchema.object(
        name: "Position",
        [
            .required("lat", .number(-90...90)),
            .required("lng", .number(-180...180)),
            .required("at", .timestamp),
        ]
    )
}
