import Model
import ServiceKit

extension OrderFilter {
    /// What a call lists: what it asks for, of what the caller sees.
    ///
    /// One more than the page holds tells whether there is a next one.
    init(_ call: Call, _ page: Page) throws(Problem) {
        let actor = call.principal.actor
        self.init(campus: call.campus.id, limit: page.limit + 1)
        externalID = call.query["external_id"]?.string
        customerID = call.query["customer_id"]?.string
        merchantID = call.query["merchant_id"]?.string
        status = call.query["status"]?.string.flatMap(OrderStatus.init)
        updatedSince = call.query["updated_since"]?.string.flatMap(Timestamp.init(rfc3339:))
        after = try page.timeAndID(of: IDSubject.Order.self)
        switch OrderScope(call.principal) {
        case .campus: break
        case .customer(let id): ownerID = id
        case .merchant(let id): shopID = id
        case .rider: riderID = actor.id
        }
    }
}

extension OrderTimelineEntry {
    /// The entry as callers see it.
    var json: JSON {
        [
            "version": .integer(version),
            "type": .string(type),
            "actor": .string(actor),
            "at": .string(at.rfc3339),
            "recorded_at": .string(recordedAt.rfc3339),
            "detail": detail ?? .null,
        ]
    }
}
