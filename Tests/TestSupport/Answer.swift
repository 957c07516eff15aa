import HTTPTypes
import Model

/// What a service answered.
public struct Answer: Sendable {
    /// The status code.
    public let status: Int
    /// The headers.
    public let headers: HTTPFields
    /// The body as it came.
    public let bytes: [UInt8]
    /// The body; null when there is none, or none in JSON.
    public let body: JSON

    /// Reads an answer.
    public init(status: Int, headers: HTTPFields, bytes: [UInt8]) {
        self.status = status
        self.headers = headers
        self.bytes = bytes
        body = (try? JSON(parsing: bytes)) ?? .null
    }

    /// A member of the body.
    public subscript(_ name: String) -> JSON? { body[name] }

    /// The stable code of the problem.
    public var code: String? { body["code"]?.string }
    /// The pointers of the faults, sorted.
    public var pointers: [String] { (body["errors"]?.array ?? []).compactMap { $0["pointer"]?.string }.sorted() }
    /// The id of what it shows; empty when it shows nothing that has one.
    public var id: String { body["id"]?.string ?? "" }
}
