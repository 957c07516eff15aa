/// One entry of the error catalogue: what a client can rely on when something is refused.
///
/// The edge declares its own kinds here; each service declares more as static members beside the operations that use them.
/// `code` never changes once published.
public struct ProblemKind: Hashable, Sendable {
    /// The stable name, in kebab case; the last segment of the problem's `type`.
    public let code: String
    /// The HTTP status it is sent with, 400 to 599.
    public let status: Int
    /// The same short words for every occurrence.
    public let title: String
    /// For the catalogue page: what happened, and what the client can do about it.
    ///
    /// Markdown.
    public let meaning: String

    /// A kind of problem.
    public init(_ code: String, status: Int, title: String, meaning: String) {
        self.code = code
        self.status = status
        self.title = title
        self.meaning = meaning
    }

    /// The `type` of RFC 9457: a reference, relative to the service's origin, to a page that each service serves.
    public var type: String { "/problems/\(code)" }

    /// Kinds are told apart by their codes.
    public static func == (left: ProblemKind, right: ProblemKind) -> Bool { left.code == right.code }

    /// Goes with equality.
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}

// What was sent is not a request.
extension ProblemKind {
    /// The HTTP message itself is broken.
    public static let malformedRequest = ProblemKind(
        "malformed-request",
        status: 400,
        title: "The HTTP request cannot be read",
        meaning: "The request line, a header or a percent-encoding breaks the rules of HTTP. Correct the client."
    )
    /// The body is not JSON as RFC 8259 defines it.
    public static let malformedJSON = ProblemKind(
        "malformed-json",
        status: 400,
        title: "The body is not valid JSON",
        meaning: """
            The body breaks RFC 8259, nests deeper than 32 levels, names a member twice in one object, or has lone surrogates. \
            `detail` says at which byte.
            """
    )
    /// The operation needs an Idempotency-Key.
    public static let idempotencyKeyRequired = ProblemKind(
        "idempotency-key-required",
        status: 400,
        title: "The Idempotency-Key header is missing",
        meaning: """
            This operation creates or moves something, so it can only be asked for under a key that makes repeating it safe. \
            Send `Idempotency-Key` with a value that is new for each intention (a UUID, say) and the same for each retry of it.
            """
    )
    /// The headers are in time, the body is not.
    public static let requestTimeout = ProblemKind(
        "request-timeout",
        status: 408,
        title: "The request took too long to arrive",
        meaning:
            "The body did not arrive in time and the connection is closed. Nothing was done; send the request again."
    )
    /// The body is larger than the operation takes.
    public static let bodyTooLarge = ProblemKind(
        "body-too-large",
        status: 413,
        title: "The body is too large",
        meaning: "The body is larger than this operation takes; `detail` names the limit. Split the work or send less."
    )
    /// The request target is too long.
    public static let uriTooLong = ProblemKind(
        "uri-too-long",
        status: 414,
        title: "The URI is too long",
        meaning: "Path and query together are longer than 4096 bytes. Ask for less at once."
    )
    /// The body has a type the operation does not take.
    public static let unsupportedMediaType = ProblemKind(
        "unsupported-media-type",
        status: 415,
        title: "The body has the wrong content type",
        meaning: "Send the `Content-Type` that the operation documents, for most of them `application/json` in UTF-8."
    )
    /// The headers are too large.
    public static let headersTooLarge = ProblemKind(
        "headers-too-large",
        status: 431,
        title: "The request headers are too large",
        meaning:
            "One header field exceeds 16 KiB, all of them 32 KiB, or there are more than 100. Send fewer or smaller headers."
    )
}

// The request is understood and refused.
extension ProblemKind {
    /// No credential, or none that holds.
    public static let unauthenticated = ProblemKind(
        "unauthenticated",
        status: 401,
        title: "The credential is missing or not valid",
        meaning: """
            Send `Authorization: Bearer` with a platform key (`ck_…`) or a user's JWT signed by a key of the campus. A key may be \
            revoked or expired; a token may be expired, signed by another key or algorithm, or name another campus than its key's.
            """
    )
    /// The credential holds but does not allow this.
    public static let forbidden = ProblemKind(
        "forbidden",
        status: 403,
        title: "The credential does not allow this",
        meaning: """
            The role or the key's scopes do not include this operation. `detail` names what would. What belongs to another person or \
            campus answers `not-found` instead.
            """
    )
    /// There is no such thing for this caller.
    public static let notFound = ProblemKind(
        "not-found",
        status: 404,
        title: "There is nothing here",
        meaning: "The path is unknown, or what it names does not exist, or belongs to another person or campus."
    )
    /// The resource exists, the method does not.
    public static let methodNotAllowed = ProblemKind(
        "method-not-allowed",
        status: 405,
        title: "The resource does not have this method",
        meaning: "The `Allow` header lists the methods it has."
    )
    /// The client takes nothing that could be sent.
    public static let notAcceptable = ProblemKind(
        "not-acceptable",
        status: 406,
        title: "No acceptable representation",
        meaning: "The `Accept` header excludes what this operation answers with."
    )
    /// The same key is at work in another request.
    public static let idempotencyInFlight = ProblemKind(
        "idempotency-in-flight",
        status: 409,
        title: "The same request is being worked on",
        meaning:
            "Another request with this Idempotency-Key has not finished. Repeat after `Retry-After` to get its answer."
    )
    /// If-Match does not hold.
    public static let versionMismatch = ProblemKind(
        "version-mismatch",
        status: 412,
        title: "The resource has changed",
        meaning: "`If-Match` names another version than the present one. Read it again, decide again, send again."
    )
    /// Some of the request is not acceptable; each fault is listed.
    public static let validation = ProblemKind(
        "validation",
        status: 422,
        title: "The request has faults",
        meaning: """
            `errors` lists every fault at once: `in` says where (body, query, header, path), `pointer` which value (RFC 6901), \
            `detail` what is wrong with it. Nothing was done.
            """
    )
    /// The key was used for something else.
    public static let idempotencyMismatch = ProblemKind(
        "idempotency-mismatch",
        status: 422,
        title: "The Idempotency-Key was used for another body",
        meaning: "Within 24 hours a key stands for one request. Use a new key for a new intention."
    )
    /// If-Match is needed.
    public static let versionRequired = ProblemKind(
        "version-required",
        status: 428,
        title: "The If-Match header is missing",
        meaning: "Editing needs `If-Match` with the `ETag` of the version that was read, so that no change is lost."
    )
    /// The present state does not allow the transition.
    public static let illegalTransition = ProblemKind(
        "illegal-transition",
        status: 409,
        title: "The present state does not allow this",
        meaning:
            "`state` names the present state, `allowed` what can be done in it. Read the resource again and decide again."
    )
    /// Too many requests.
    public static let rateLimited = ProblemKind(
        "rate-limited",
        status: 429,
        title: "Too many requests",
        meaning: """
            The credential, or all credentials of its campus together, have used up their allowance. `Retry-After` says when to go on; \
            `RateLimit-Remaining` on every answer says how much is left, so that a client can slow down before.
            """
    )
}

// The service is at fault.
extension ProblemKind {
    /// A fault of ours.
    public static let internalError = ProblemKind(
        "internal-error",
        status: 500,
        title: "Something went wrong here",
        meaning:
            "A fault of the service; it is logged under `request_id`. Repeating under the same Idempotency-Key is safe."
    )
    /// Not now.
    public static let unavailable = ProblemKind(
        "unavailable",
        status: 503,
        title: "The service cannot answer now",
        meaning: """
            The database is unreachable, overloaded, or its answer to a commit was lost. Repeat after `Retry-After` under the same \
            Idempotency-Key: what was done is not done again.
            """
    )

    /// Every kind that the edge itself answers with.
    public static let edge: [ProblemKind] = [
        .malformedRequest, .malformedJSON, .idempotencyKeyRequired, .unauthenticated, .forbidden, .notFound,
        .methodNotAllowed, .notAcceptable, .requestTimeout, .idempotencyInFlight, .illegalTransition, .versionMismatch,
        .bodyTooLarge, .uriTooLong, .unsupportedMediaType, .validation, .idempotencyMismatch, .versionRequired,
        .rateLimited,
        .headersTooLarge, .internalError, .unavailable,
    ]
}
