import Model

/// The event catalogue as files: a page with a row for each type, and a JSON Schema for each.
enum EventCatalogue {
    /// A file of the catalogue.
    struct File: Hashable, Sendable {
        /// Its path in the folder of the catalogue.
        let path: String
        /// What is in it.
        let text: String
    }

    /// All files.
    static let files: [File] =
        [page]
        + EventDescription.all.map { description in
            File(path: path(of: description), text: pretty(description.document) + "\n")
        }

    private static func path(of description: EventDescription) -> String {
        "events/\(description.type).schema.json"
    }

    private static var page: File {
        let rows = EventDescription.all.map { description in
            let link = "[`\(description.type)`](\(path(of: description)))"
            return "| \(link) | \(description.summary.zhCN) | \(description.summary.en) |"
        }
        return File(path: "events.md", text: introduction + rows.joined(separator: "\n") + "\n")
    }

    private static let introduction = """
        # Events

        What [webhooks](webhooks.md) and the [feed](feed.md) carry: one object, the same to the byte in both.

        ```json
        {"id": "evt_1042", "type": "order.paid", "timestamp": "2026-03-01T04:05:06.789Z", "test": false, "data": {"order_id": "…"}}
        ```

        `id` is the `webhook-id` too: an event that comes twice has the same. `timestamp` is when it happened, by the campus's clock. `test` is true
        in test campuses and nowhere else.

        Each type has a JSON Schema (2020-12) of the whole event, here and at `GET /v1/event-types`. The schemas are exactly what this version
        sends: use them in your tests and to make types from. A later version may add members, types and values of enumerations. So refuse
        nothing at run time because of a schema, read past what you do not know, and answer 2xx to webhooks of types that you do not know.

        This page and the schemas are written by `NotifyService event-catalogue`, and tests hold what is sent to them.

        | type | 含义 | meaning |
        |---|---|---|

        """

    /// JSON for people: two spaces for each level, what fits into a line in one line.
    static func pretty(_ json: JSON, indent: Int = 0) -> String {
        let text = json.text
        guard indent + text.count > 110 else { return text }
        let inner = String(repeating: " ", count: indent + 2)
        let end = "\n" + String(repeating: " ", count: indent)
        switch json {
        case .array(let elements):
            let lines = elements.map { inner + pretty($0, indent: indent + 2) }
            return "[\n" + lines.joined(separator: ",\n") + end + "]"
        case .object(let object):
            let lines = object.members.map { member in
                "\(inner)\(JSON.string(member.name).text): \(pretty(member.value, indent: indent + 2))"
            }
            return "{\n" + lines.joined(separator: ",\n") + end + "}"
        case .null, .bool, .integer, .double, .string: return text
        }
    }
}
