import HTTPTypes
import Model

/// An operation's answer.
public struct Reply: Sendable {
    /// What the answer carries.
    public enum Body: Sendable {
        /// Nothing.
        case none
        /// JSON.
        case json(JSON)
        /// Bytes, with their type in the headers.
        case bytes([UInt8])
        /// A body written bit by bit until the writer returns or the client is gone.
        case stream(StreamBody)
    }

    /// The HTTP status, 200 to 399.
    public var status: Int
    /// Headers beyond those of every answer.
    public var headers: HTTPFields
    /// What it carries.
    public var body: Body

    /// An answer.
    public init(status: Int, headers: HTTPFields = [:], body: Body = .none) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// 200 with JSON.
    public static func ok(_ json: JSON) -> Reply {
        Reply(status: 200, body: .json(json))
    }

    /// 201 with the new resource.
    ///
    /// - `location`: its path.
    public static func created(_ json: JSON, location: String) -> Reply {
        Reply(status: 201, headers: [.location: location], body: .json(json))
    }

    /// 204.
    public static let noContent = Reply(status: 204)

    /// 200 with a body that is written bit by bit.
    public static func stream(_ body: StreamBody) -> Reply {
        Reply(
            status: 200,
            headers: [.contentType: body.contentType, .cacheControl: "no-store", .accelBuffering: "no"],
            body: .stream(body)
        )
    }

    /// The same answer with the version as its `ETag`.
    public func etag(_ version: Int64) -> Reply {
        etag(ETag(version: version))
    }

    /// The same answer with that `ETag`.
    public func etag(_ tag: ETag) -> Reply {
        with(.eTag, tag.text)
    }

    /// The same answer with one more header.
    public func with(_ name: HTTPField.Name, _ value: String) -> Reply {
        var copy = self
        copy.headers[name] = value
        return copy
    }
}

/// A body that is written bit by bit, for example Server-Sent Events.
public struct StreamBody: Sendable {
    /// Writes the body.
    ///
    /// Returning ends it; being cancelled means that the client is gone or the service is shutting down.
    public typealias Write = @Sendable (any StreamWriter) async throws -> Void

    let contentType: String
    let farewell: [UInt8]
    let write: Write

    /// A streamed body.
    ///
    /// - Parameters:
    ///   - contentType: its media type.
    ///   - farewell: sent last when the service shuts down while the stream is open, so that the client knows to come back.
    ///   - write: writes the body.
    public init(contentType: String = "text/event-stream", farewell: [UInt8] = [], write: @escaping Write) {
        self.contentType = contentType
        self.farewell = farewell
        self.write = write
    }
}

/// Where a streamed body goes.
public protocol StreamWriter: Sendable {
    /// Sends bytes; waits while the client reads slower than they come; throws when it is gone.
    func write(_ bytes: [UInt8]) async throws
    /// Breaks the stream off at once, also while a write waits for a client that does not read: the body is cancelled and the connection
    /// closed.
    func cut()
}
