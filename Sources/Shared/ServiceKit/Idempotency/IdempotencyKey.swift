import HTTPTypes
import Model

/// Under which an effect is done once: campus, principal, method, path and the client's key, with the digest of the body.
public struct IdempotencyKey: Hashable, Sendable {
    /// The campus of the credential.
    public let campus: CampusID
    /// Credential and actor; see ``Principal/idempotencyName``.
    public let principal: String
    /// The HTTP method.
    public let method: String
    /// The path with its values, without the query.
    public let path: String
    /// What the client sent.
    public let key: String
    /// The digest of the raw body.
    public let bodySHA256: SHA256Digest

    /// A key.
    public init(
        campus: CampusID,
        principal: String,
        method: String,
        path: String,
        key: String,
        bodySHA256: SHA256Digest
    ) {
        self.campus = campus
        self.principal = principal
        self.method = method
        self.path = path
        self.key = key
        self.bodySHA256 = bodySHA256
    }

    /// The number under which the key is locked in PostgreSQL.
    ///
    /// The first eight bytes, big-endian, of the SHA-256 over campus, principal, method, path and key, each followed by a NUL, which
    /// none of them holds. Every process and every version derives the same number.
    public var lockID: Int64 {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(192)
        for part in [campus.description, principal, method, path, key] {
            bytes.append(contentsOf: part.utf8)
            bytes.append(0)
        }
        return SHA256Digest(of: bytes).lockID
    }

    /// The client's key alone tells apart requests of one batch; the body does not.
    public static func == (left: IdempotencyKey, right: IdempotencyKey) -> Bool {
        left.key == right.key && left.principal == right.principal && left.path == right.path
            && left.method == right.method && left.campus == right.campus
    }

    /// Goes with equality.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(campus)
        hasher.combine(principal)
        hasher.combine(path)
        hasher.combine(key)
    }
}

/// An answer as it is stored and replayed: the bytes that were sent, not what they were made from.
public struct StoredReply: Sendable {
    /// The HTTP status.
    public let status: Int
    /// The headers that belong to the answer: `Location`, `ETag`, `Content-Type`.
    public let headers: HTTPFields
    /// The body's bytes.
    public let body: [UInt8]

    /// An answer as it is stored.
    public init(status: Int, headers: HTTPFields, body: [UInt8]) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The stored form of a reply; a stream has none, which is a fault of the program.
    public init(_ reply: Reply) throws(UnstorableReply) {
        var headers = reply.headers
        switch reply.body {
        case .none: body = []
        case .json(let json):
            headers[.contentType] = "application/json"
            body = json.serialized()
        case .bytes(let bytes): body = bytes
        case .stream: throw UnstorableReply()
        }
        self.status = reply.status
        self.headers = headers
    }

    /// The answer to send.
    public var reply: Reply {
        Reply(status: status, headers: headers, body: body.isEmpty ? .none : .bytes(body))
    }

    /// The answer to send once more.
    public var replayed: Reply { reply.with(.idempotentReplayed, "true") }

    /// The headers as they are stored.
    public var headersJSON: JSON {
        .object(JSONObject(headers.map { ($0.name.canonicalName, .string($0.value)) }))
    }

    /// An answer from what is stored of it.
    public init(status: Int, headersJSON: JSON, body: [UInt8]) {
        var headers: HTTPFields = [:]
        for member in headersJSON.object?.members ?? [] {
            if let name = HTTPField.Name(member.name), let value = member.value.string { headers[name] = value }
        }
        self.init(status: status, headers: headers, body: body)
    }
}

/// A stream cannot be stored for replay.
public struct UnstorableReply: Error {}
