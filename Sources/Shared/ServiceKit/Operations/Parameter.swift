import HTTPTypes
import Model

/// A parameter of an operation in the query, the path or the headers.
public struct Parameter: Sendable {
    /// Its name as it is sent.
    public let name: String
    let location: Fault.Location
    let schema: JSONSchema
    let isRequired: Bool
    let summary: String

    /// A query parameter.
    ///
    /// A schema of type array is sent comma-separated.
    public static func query(
        _ name: String,
        _ schema: JSONSchema,
        required: Bool = false,
        _ summary: String
    ) -> Parameter {
        Parameter(name: name, location: .query, schema: schema, isRequired: required, summary: summary)
    }

    /// A path parameter.
    ///
    /// Those not declared are UUIDs.
    public static func path(_ name: String, _ schema: JSONSchema, _ summary: String) -> Parameter {
        Parameter(name: name, location: .path, schema: schema, isRequired: true, summary: summary)
    }

    /// A header.
    public static func header(
        _ name: String,
        _ schema: JSONSchema,
        required: Bool = false,
        _ summary: String
    ) -> Parameter {
        Parameter(name: name, location: .header, schema: schema, isRequired: required, summary: summary)
    }

    /// `limit`: how many items a page holds.
    public static let limit = Parameter.query(
        "limit",
        .integer(1...Int64(Page.largestLimit)),
        "How many items at most; \(Page.standardLimit) when not given."
    )
    /// `cursor`: where a page goes on.
    public static let cursor = Parameter.query(
        "cursor",
        .string(length: 1...1_024, pattern: .ascii("A-Za-z0-9_-")),
        "`next_cursor` of the page before; opaque."
    )
    /// `updated_since`: only what changed at or after a time.
    public static let updatedSince = Parameter.query(
        "updated_since",
        .timestamp,
        "Only what changed at or after this time."
    )
    /// `If-Match`: the version that was read; without it 428, with another version 412.
    public static let ifMatch = Parameter.header(
        "If-Match",
        .string(length: 1...256, pattern: .oneLine),
        required: true,
        "The `ETag` of the version that was read."
    )
    /// `If-None-Match`: the version at hand; the same version answers 304.
    public static let ifNoneMatch = Parameter.header(
        "If-None-Match",
        .string(length: 1...256, pattern: .oneLine),
        "The `ETag` at hand; 304 when it is still the present one."
    )

    static let idempotencyKey = Parameter.header(
        "Idempotency-Key",
        .string(length: 1...255, pattern: .visibleASCII),
        required: true,
        "New for each intention, the same for each retry. Kept for 24 hours."
    )
    static let actor = Parameter.header(
        "X-Actor",
        .actor,
        "For platform keys only: the user on whose behalf this is asked, for example `customer:stu_1`. Audited."
    )
    static let requestID = Parameter.header(
        "X-Request-Id",
        .string(length: 1...64, pattern: .ascii("A-Za-z0-9._-")),
        "The client's own name for this request, returned and logged. Anything else is replaced."
    )
    static let traceparent = Parameter.header(
        "traceparent",
        .string(length: 0...1_024, pattern: .oneLine),
        "W3C trace context, carried into events, tasks and webhooks. Ignored when not valid."
    )
}
