import HTTPTypes
import Logging
import Model

/// A request that has passed the edge: authenticated, allowed, and as its operation declares it.
public struct Call: Sendable {
    /// Who asks.
    public let principal: Principal
    /// The campus of the credential, with its settings.
    public let campus: Campus
    /// Campus time when the request arrived: the service's clock, and for a test campus its offset.
    public let now: Timestamp
    /// The query's values by name, each as its schema says; what was not sent is not there.
    public let query: JSONObject
    /// The body as its schema says; `{}` when an optional body was not sent, `null` when the operation takes none.
    public let body: JSON
    /// The body's bytes; empty for lines.
    public let rawBody: [UInt8]
    /// The body's lines as they arrive, of an operation that takes lines.
    public let lines: BodyLines?
    /// Under which the effect is stored; there for operations that declare themselves idempotent.
    public let idempotency: IdempotencyKey?
    /// What `X-Request-Id` says in the answer.
    public let requestID: String
    /// The W3C trace context to carry into events, tasks and webhooks.
    public let trace: Traceparent

    let pathValues: [(name: String, value: String)]
    let headers: HTTPFields
    let baseLogger: Logger

    /// Whether the request came without a credential, with a ticket that the handler is to judge: see ``Access/orTicket(in:)``.
    public var isByTicket: Bool { principal.actor.role == .system }

    /// A path parameter by its name, percent-decoded.
    public func path(_ name: String) -> String {
        pathValues.first { $0.name == name }?.value ?? ""
    }

    /// A path parameter that is an id; 404 when it cannot be one, because then there is no such thing.
    public func id<Subject>(
        _ name: String = "id",
        as subject: Subject.Type = Subject.self
    ) throws(Problem) -> ID<Subject> {
        guard let id = ID<Subject>(path(name)) else { throw .notFound }
        return id
    }

    /// A header's value.
    public func header(_ name: HTTPField.Name) -> String? {
        headers[name]
    }

    /// Which of these media types the client likes best: the first when it says nothing.
    ///
    /// - `types`: those that the operation declares, of which the edge has found one to be acceptable.
    public func preferredType(among types: [String]) -> String? {
        ContentNegotiation.preferred(types, by: headers[.accept])
    }

    /// A logger that names this request; made when asked for, because most requests log nothing.
    public var logger: Logger {
        var logger = baseLogger
        logger[.requestID] = requestID
        logger[.traceID] = trace.traceID
        logger[.campus] = campus.code
        return logger
    }

    /// Under which the effect is stored.
    ///
    /// Throws when the operation does not declare itself idempotent, which is a fault of the program.
    public func requireIdempotency() throws -> IdempotencyKey {
        guard let idempotency else { throw UndeclaredIdempotency() }
        return idempotency
    }

    /// Checks `If-Match` against the present version (RFC 9110 §13.1.1): 428 without it, 412 when it names another.
    public func requireMatch(_ version: Int64) throws(Problem) {
        guard let condition = headers[.ifMatch] else {
            throw Problem(.versionRequired, "Editing needs If-Match with the ETag of the version that was read.")
        }
        guard ETag(version: version).isNamed(by: condition) else {
            throw Problem(
                .versionMismatch,
                "The present version is \(version).",
                headers: [.eTag: ETag(version: version).text]
            )
        }
    }

    /// Whether `If-None-Match` names the present version, so that 304 is the answer.
    public func hasCurrent(_ version: Int64) -> Bool {
        hasCurrent(ETag(version: version))
    }

    /// Whether `If-None-Match` names the present tag, so that 304 is the answer.
    public func hasCurrent(_ tag: ETag) -> Bool {
        headers[.ifNoneMatch].map(tag.isNamed) ?? false
    }
}

/// A handler used an Idempotency-Key that its operation does not declare.
struct UndeclaredIdempotency: Error {}
