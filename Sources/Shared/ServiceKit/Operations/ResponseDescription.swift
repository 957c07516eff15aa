import HTTPTypes
import Model

/// One answer an operation gives when all is well, for the document.
public struct ResponseDescription: Sendable {
    enum Content: Sendable {
        case none
        case json(JSONSchema)
        case other(type: String, summary: String)
    }

    /// The HTTP status.
    public let status: Int
    let summary: String
    let content: Content
    let headers: [Header]

    /// The type of its body; nil when it has none.
    var contentType: String? {
        switch content {
        case .none: nil
        case .json: "application/json"
        case .other(let type, _): type
        }
    }

    /// A response header worth naming.
    public struct Header: Sendable {
        let name: String
        let summary: String

        /// `ETag`: the version.
        public static let etag = Header(name: "ETag", summary: "The version, for `If-Match`.")
        /// `Location`: where the new resource is.
        public static let location = Header(name: "Location", summary: "The path of the new resource.")

        /// Another header.
        public init(name: String, summary: String) {
            self.name = name
            self.summary = summary
        }
    }

    /// 200 with JSON.
    public static func json(_ summary: String, _ schema: JSONSchema, headers: [Header] = []) -> ResponseDescription {
        .json(200, summary, schema, headers: headers)
    }

    /// A JSON answer.
    public static func json(
        _ status: Int,
        _ summary: String,
        _ schema: JSONSchema,
        headers: [Header] = []
    ) -> ResponseDescription {
        ResponseDescription(status: status, summary: summary, content: .json(schema), headers: headers)
    }

    /// 201 with the new resource and its `Location`.
    public static func created(
        _ summary: String,
        _ schema: JSONSchema,
        headers: [Header] = [.location]
    ) -> ResponseDescription {
        .json(201, summary, schema, headers: headers)
    }

    /// 204.
    public static func empty(_ summary: String) -> ResponseDescription {
        .empty(204, summary)
    }

    /// An answer without a body.
    public static func empty(_ status: Int, _ summary: String) -> ResponseDescription {
        ResponseDescription(status: status, summary: summary, content: .none, headers: [])
    }

    /// 200 with what is not JSON, for example `text/event-stream`.
    public static func other(type: String, _ summary: String, headers: [Header] = []) -> ResponseDescription {
        ResponseDescription(
            status: 200,
            summary: summary,
            content: .other(type: type, summary: summary),
            headers: headers
        )
    }
}
