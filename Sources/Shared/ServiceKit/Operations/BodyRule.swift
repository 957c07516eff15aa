/// What body an operation takes.
public struct BodyRule: Sendable {
    enum Content: Sendable {
        /// `application/json`, checked by the schema.
        case json(JSONSchema)
        /// Bytes of one of these types, handed on as they are.
        case bytes(types: [String])
        /// Lines of JSON, handed on as they arrive.
        case lines(of: JSONSchema)
    }

    let content: Content
    /// Whether a missing body is a fault.
    ///
    /// A missing JSON body that may be missing reads as `{}`.
    let isRequired: Bool
    /// The most bytes, at least 1.
    let limit: Int

    /// 64 KiB, the limit of most bodies.
    public static let standardLimit = 65_536

    /// A JSON body.
    ///
    /// - `schema`: what it must be like.
    /// - `required`: whether it must be there; when not, a missing body reads as `{}`.
    /// - `limit`: the most bytes.
    public static func json(_ schema: JSONSchema, required: Bool = true, limit: Int = standardLimit) -> BodyRule {
        BodyRule(content: .json(schema), isRequired: required, limit: limit)
    }

    /// A body of one of these media types, not looked into: ``Call/rawBody``.
    public static func bytes(_ types: [String], limit: Int) -> BodyRule {
        BodyRule(content: .bytes(types: types), isRequired: true, limit: limit)
    }

    /// Lines of JSON (``linesType``) that are not held: the handler reads them from ``Call/lines`` while they arrive.
    ///
    /// - `schema`: what each is like, for the document; whoever reads them checks them.
    /// - `limit`: the most bytes of all of them; one has at most ``standardLimit``.
    public static func lines(of schema: JSONSchema, limit: Int) -> BodyRule {
        BodyRule(content: .lines(of: schema), isRequired: true, limit: limit)
    }

    /// The media type of lines of JSON.
    public static let linesType = "application/x-ndjson"

    /// Whether the body is handed on as it arrives.
    var isStreamed: Bool {
        if case .lines = content { true } else { false }
    }
}
