import EventLog
import Model
import Postgres

/// One event owed to one endpoint.
struct WebhookDelivery: Hashable, Sendable {
    /// How far it has got.
    enum Status: String, CaseIterable, Hashable, Sendable, PostgresCodable {
        /// To be sent, for the first time or again.
        case pending
        /// The endpoint took it.
        case delivered
        /// It is not tried any more, until somebody asks for it again.
        case dead
    }

    /// Whose endpoint.
    let campus: CampusID
    /// Which endpoint.
    let endpoint: WebhookEndpointID
    /// Which event.
    let event: EventName
    /// The event's type.
    let type: String
    /// When the event happened, in campus time.
    let occurredAt: Timestamp
    /// What the event carries.
    let data: JSON
    /// What it belongs to, mostly the order: what belongs together goes out in order.
    let root: AnyID
    /// The `traceparent` of the request that caused the event.
    let trace: String?
    /// How far it has got.
    let status: Status

    /// The queue of deliveries.
    static let queue = "webhook"
}

/// What a task of the queue says: which delivery to make, and why.
struct WebhookTask: Hashable, Sendable {
    /// Whose endpoint.
    let campus: CampusID
    /// Which endpoint.
    let endpoint: WebhookEndpointID
    /// Which event.
    let event: EventName
    /// Why it is made.
    let reason: WebhookAttempt.Reason
    /// Whether another task goes on trying whatever comes of this one.
    let isExtra: Bool
    /// Whether it is made although the endpoint has taken the event before.
    let isRepeat: Bool

    /// The task of that delivery.
    init(
        campus: CampusID,
        endpoint: WebhookEndpointID,
        event: EventName,
        reason: WebhookAttempt.Reason,
        isExtra: Bool = false,
        isRepeat: Bool = false
    ) {
        self.campus = campus
        self.endpoint = endpoint
        self.event = event
        self.reason = reason
        self.isExtra = isExtra
        self.isRepeat = isRepeat
    }

    /// Reads a task's payload; nil when it is none of ours.
    init?(_ task: LeasedTask) {
        guard let endpoint = WebhookEndpointID(task.destination),
            let event = task.payload["event_id"]?.string.flatMap(EventName.init),
            let reason = task.payload["reason"]?.string.flatMap(WebhookAttempt.Reason.init(rawValue:)),
            let isExtra = task.payload["extra"]?.bool, let isRepeat = task.payload["repeat"]?.bool
        else { return nil }
        self.init(
            campus: task.campus,
            endpoint: endpoint,
            event: event,
            reason: reason,
            isExtra: isExtra,
            isRepeat: isRepeat
        )
    }

    private var payload: JSON {
        [
            "event_id": .string(event.text), "reason": .string(reason.rawValue), "extra": .bool(isExtra),
            "repeat": .bool(isRepeat),
        ]
    }

    /// The first sending of an event: behind earlier ones of the same order, tried as long as its type is worth.
    static func first(_ delivery: WebhookDelivery) -> NewTask {
        let task = WebhookTask(
            campus: delivery.campus,
            endpoint: delivery.endpoint,
            event: delivery.event,
            reason: delivery.type == WebhookTest.type ? .test : .schedule
        )
        return NewTask(
            queue: WebhookDelivery.queue,
            destination: delivery.endpoint.description,
            orderKey: delivery.root.description,
            dedupeKey: "\(delivery.endpoint):\(delivery.event.text)",
            campus: delivery.campus,
            payload: task.payload,
            maxAttempts: RetrySchedule(for: delivery.type).attempts,
            trace: delivery.trace
        )
    }

    /// Another sending of an event, at once, beside whatever is still planned for it.
    ///
    /// - `request`: tells this request for it from others.
    static func replay(_ delivery: WebhookDelivery, request: AnyID) -> NewTask {
        let isExtra = delivery.status == .pending
        let task = WebhookTask(
            campus: delivery.campus,
            endpoint: delivery.endpoint,
            event: delivery.event,
            reason: .replay,
            isExtra: isExtra,
            isRepeat: delivery.status == .delivered
        )
        return NewTask(
            queue: WebhookDelivery.queue,
            destination: delivery.endpoint.description,
            orderKey: nil,
            dedupeKey: "\(delivery.endpoint):\(delivery.event.text):\(request)",
            campus: delivery.campus,
            payload: task.payload,
            // While the schedule still runs, this is one attempt more; otherwise a new run of the schedule.
            maxAttempts: isExtra ? 1 : RetrySchedule(for: delivery.type).attempts,
            trace: delivery.trace
        )
    }
}
