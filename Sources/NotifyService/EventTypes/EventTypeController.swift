import HTTPTypes
import Model
import ServiceKit

/// The route of the event catalogue.
struct EventTypeController: Sendable {
    /// The route table.
    var operations: [Operation] {
        [
            Operation(
                "listEventTypes",
                .get,
                "/v1/event-types",
                summary: "List the types of events",
                details: """
                    Every type that webhooks and the feed carry, with a JSON Schema (2020-12) of the whole event. A later version may add \
                    members, and its schemas then say so: read past what you do not know.
                    """,
                tag: "Events",
                access: .anyone,
                responses: [.json("The types.", .page(name: "EventTypes", of: .eventType))],
                handler: list
            )
        ]
    }

    private func list(_ call: Call) async throws -> Reply {
        .page(Listing(items: EventDescription.all), \.json)
    }
}

extension EventDescription {
    fileprivate var json: JSON {
        ["type": .string(type), "summary": summary.json, "schema": document]
    }
}

extension JSONSchema {
    fileprivate static let eventType = JSONSchema.object(
        name: "EventType",
        [
            .required("type", .string(length: 1...64)),
            .required("summary", .localizedText, "What it says happened."),
            .required("schema", .map(of: .any), "A JSON Schema of the whole event."),
        ]
    )
}
