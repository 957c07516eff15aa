import Model
import Postgres

/// Where a platform wants to be told of events.
struct WebhookEndpoint: Hashable, Sendable {
    /// Whether it is sent to.
    enum Status: String, CaseIterable, Hashable, Sendable, PostgresCodable {
        /// Events go there.
        case active
        /// No event goes there until it is made active again.
        case disabled
    }

    /// Why it is disabled.
    enum DisabledReason: String, CaseIterable, Hashable, Sendable, PostgresCodable {
        /// It answered 410.
        case gone
        /// Its owner asked for it.
        case requested
    }

    /// Which one.
    let id: WebhookEndpointID
    /// Whose it is.
    let campus: CampusID
    /// Where to send.
    var url: String
    /// What to send: event types, `order.*` and the like, or `*`.
    var eventTypes: [String]
    /// Its owner's words for it.
    var description: String
    /// Why it is not sent to; nil while it is.
    var disabledReason: DisabledReason?
    /// Counts its changes, from 1.
    var version: Int64
    /// When it was made.
    let createdAt: Timestamp
    /// When it was last changed.
    var updatedAt: Timestamp

    /// Whether it is sent to.
    var status: Status { disabledReason == nil ? .active : .disabled }

    /// How many endpoints a campus can have.
    static let limit = 20

    /// Everything that can be subscribed to: all events, all of one noun, each type.
    static let subscribableTypes: [String] =
        ["*"] + Array(Set(publicTypes.map(\.wildcard))).sorted() + publicTypes.map(\.rawValue)

    private static let publicTypes = EventType.allCases.filter(\.isPublic)

    /// The endpoint as clients get it; without its secret.
    var json: JSON {
        [
            "id": .string(id.description),
            "url": .string(url),
            "event_types": .array(eventTypes.map(JSON.string)),
            "description": .string(description),
            "status": .string(status.rawValue),
            "disabled_reason": .optional(disabledReason?.rawValue),
            "version": .integer(version),
            "created_at": .string(createdAt.rfc3339),
            "updated_at": .string(updatedAt.rfc3339),
        ]
    }
}

/// What an endpoint wants to be sent.
struct WebhookSubscription: Hashable, Sendable {
    /// Which endpoint.
    let endpoint: WebhookEndpointID
    /// Whose it is.
    let campus: CampusID
    /// Event types, `order.*` and the like, or `*`.
    let eventTypes: [String]

    /// Whether events of that type go there.
    func includes(_ type: String) -> Bool {
        let noun = type.prefix { $0 != "." }
        return eventTypes.contains { $0 == type || $0 == "*" || $0 == "\(noun).*" }
    }
}

/// The pretend event by which an endpoint is tried out.
enum WebhookTest {
    /// Its type.
    static let type = "webhook.test"
    /// Its data.
    static let data: JSON = ["message": "This endpoint works."]
}

extension EventType {
    /// All types of the same noun, for example `order.*`.
    fileprivate var wildcard: String { rawValue.prefix { $0 != "." } + ".*" }
}
