import EventLog
import Model

/// An event as platforms get it: the body of its webhook, and an item of the feed, the same to the byte.
struct PublishedEvent: Hashable, Sendable {
    /// By what name everybody knows it.
    let name: EventName
    /// What happened.
    let type: String
    /// When it happened, in campus time.
    let occurredAt: Timestamp
    /// Whether its campus is a test campus.
    let isTest: Bool
    /// What it carries.
    let data: JSON

    /// The event as it is sent.
    var json: JSON {
        [
            "id": .string(name.text), "type": .string(type), "timestamp": .string(occurredAt.rfc3339),
            "test": .bool(isTest), "data": data,
        ]
    }

    /// Types that are the services' own; all others are published, also those that only newer services know.
    static let ownTypes = EventType.allCases.filter { !$0.isPublic }.map(\.rawValue)
}

extension PublishedEvent {
    /// An event of the log.
    ///
    /// - `isTest`: whether its campus is a test campus.
    ///
    /// Throws when its payload cannot be read.
    init(_ event: RecordedEvent, isTest: Bool) throws(JSONSyntaxError) {
        self.init(
            name: EventName(event.id),
            type: event.type,
            occurredAt: event.occurredAt,
            isTest: isTest,
            data: try event.payload
        )
    }
}
