/// What body an operation takes.
public struct BodyRule: Sendable {
    enum Content: Sendable {
        /// `application/json`, checked by the schema.
        case json(JSONSchema)
        /// Bytes of one of these types, handed on as they are.
        case bytes(types: [String])
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
}
