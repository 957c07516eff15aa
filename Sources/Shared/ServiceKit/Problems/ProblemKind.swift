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
    /// Title and meaning in Chinese, for the catalogue page.
    public let chinese: ProblemWords?

    /// A kind of problem.
    ///
    /// Leave no `chinese` out: a test asks every service for it.
    public init(_ code: String, status: Int, title: String, meaning: String, chinese: ProblemWords? = nil) {
        self.code = code
        self.status = status
        self.title = title
        self.meaning = meaning
        self.chinese = chinese
    }

    /// The `type` of RFC 9457: a reference, relative to the service's origin, to a page that each service serves.
    public var type: String { "/problems/\(code)" }

    /// Kinds are told apart by their codes.
    public static func == (left: ProblemKind, right: ProblemKind) -> Bool { left.code == right.code }

    /// Goes with equality.
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}

/// The words of a catalogue page in one language.
public struct ProblemWords: Sendable {
    /// The same short words for every occurrence.
    public let title: String
    /// What happened, and what the client can do about it; Markdown.
    public let meaning: String

    /// A title and a meaning.
    public init(_ title: String, _ meaning: String) {
        self.title = title
        self.meaning = meaning
    }
}

// What was sent is not a request.
extension ProblemKind {
    /// The HTTP message itself is broken.
    public static let malformedRequest = ProblemKind(
        "malformed-request",
        status: 400,
        title: "The HTTP request cannot be read",
        meaning: "The request line, a header or a percent-encoding breaks the rules of HTTP. Correct the client.",
        chinese: ProblemWords(
            "无法读取该 HTTP 请求",
            "请求行、请求头或百分号编码不符合 HTTP 规则。请修正客户端。"
        )
    )
    /// The body is not JSON as RFC 8259 defines it.
    public static let malformedJSON = ProblemKind(
        "malformed-json",
        status: 400,
        title: "The body is not valid JSON",
        meaning: """
            The body breaks RFC 8259, nests deeper than 32 levels, names a member twice in one object, or has lone surrogates. \
            `detail` says at which byte.
            """,
        chinese: ProblemWords(
            "请求体不是有效的 JSON",
            "请求体不符合 RFC 8259、嵌套超过 32 层、同一对象里有重名成员，或含有孤立的代理字符。`detail` 指出在第几个字节。"
        )
    )
    /// The operation needs an Idempotency-Key.
    public static let idempotencyKeyRequired = ProblemKind(
        "idempotency-key-required",
        status: 400,
        title: "The Idempotency-Key header is missing",
        meaning: """
            This operation creates something or changes a state, so it needs a key that makes repeating it safe. \
            Send `Idempotency-Key` with a value that is new for each intention (a UUID, say) and the same for each retry of it.
            """,
        chinese: ProblemWords(
            "缺少 Idempotency-Key 请求头",
            "该操作会创建资源或变更状态，必须带一个使重试安全的键。请发送 `Idempotency-Key`：每个新意图用新值（例如 UUID），同一意图的每次重试用同一个值。"
        )
    )
    /// The headers are in time, the body is not.
    public static let requestTimeout = ProblemKind(
        "request-timeout",
        status: 408,
        title: "The request took too long to arrive",
        meaning:
            "The body did not arrive in time and the connection is closed. Nothing was done; send the request again.",
        chinese: ProblemWords(
            "请求体接收超时",
            "请求体没有及时到齐，连接已关闭。未执行任何操作；请重新发送。"
        )
    )
    /// The body is larger than the operation takes.
    public static let bodyTooLarge = ProblemKind(
        "body-too-large",
        status: 413,
        title: "The body is too large",
        meaning: "The body is larger than this operation takes; `detail` names the limit. Split the work or send less.",
        chinese: ProblemWords(
            "请求体过大",
            "请求体超过该操作的上限，`detail` 写明上限。请拆分或少发一些。"
        )
    )
    /// The request target is too long.
    public static let uriTooLong = ProblemKind(
        "uri-too-long",
        status: 414,
        title: "The URI is too long",
        meaning: "Path and query together are longer than 4096 bytes. Ask for less at once.",
        chinese: ProblemWords(
            "URI 过长",
            "路径与查询合计超过 4096 字节。请一次少查一些。"
        )
    )
    /// The body has a type the operation does not take.
    public static let unsupportedMediaType = ProblemKind(
        "unsupported-media-type",
        status: 415,
        title: "The body has the wrong content type",
        meaning: "Send the `Content-Type` that the operation documents, for most of them `application/json` in UTF-8.",
        chinese: ProblemWords(
            "请求体的内容类型不对",
            "请按该操作的文档发送 `Content-Type`，多数操作是 UTF-8 的 `application/json`。"
        )
    )
    /// The headers are too large.
    public static let headersTooLarge = ProblemKind(
        "headers-too-large",
        status: 431,
        title: "The request headers are too large",
        meaning:
            "One header field exceeds 16 KiB, all of them 32 KiB, or there are more than 100. Send fewer or smaller headers.",
        chinese: ProblemWords(
            "请求头过大",
            "单个请求头超过 16 KiB、合计超过 32 KiB，或多于 100 个。请减少或缩短请求头。"
        )
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
            """,
        chinese: ProblemWords(
            "凭证缺失或无效",
            """
            请发送 `Authorization: Bearer`，带平台密钥（`ck_…`）或由本校园密钥签名的用户 JWT。密钥可能已撤销或过期；令牌可能已过期、由别的密钥或算法签名，\
            或写着与其密钥不同的校园。
            """
        )
    )
    /// The credential holds but does not allow this.
    public static let forbidden = ProblemKind(
        "forbidden",
        status: 403,
        title: "The credential does not allow this",
        meaning: """
            The role or the key's scopes do not include this operation. `detail` names what would. What belongs to another person or \
            campus answers `not-found` instead.
            """,
        chinese: ProblemWords(
            "该凭证不允许此操作",
            "角色或密钥的权限范围不含此操作，`detail` 写明需要什么。对属于他人或其他校园的资源则响应 `not-found`。"
        )
    )
    /// There is no such thing for this caller.
    public static let notFound = ProblemKind(
        "not-found",
        status: 404,
        title: "There is nothing here",
        meaning: """
            The path is unknown, or what it names does not exist, or belongs to another person or campus. Check the path, the id, of \
            which campus the credential is, and whom `X-Actor` names.
            """,
        chinese: ProblemWords(
            "资源不存在",
            "路径未知，或它所指的资源不存在，或属于他人或其他校园。请检查路径、编号、凭证所属的校园，以及 `X-Actor` 指定的用户。"
        )
    )
    /// The resource exists, the method does not.
    public static let methodNotAllowed = ProblemKind(
        "method-not-allowed",
        status: 405,
        title: "The resource does not have this method",
        meaning: "The `Allow` header lists the methods it has.",
        chinese: ProblemWords(
            "该资源没有这个方法",
            "`Allow` 响应头列出它有的方法。"
        )
    )
    /// The client takes nothing that could be sent.
    public static let notAcceptable = ProblemKind(
        "not-acceptable",
        status: 406,
        title: "No acceptable representation",
        meaning: "The `Accept` header excludes what this operation answers with. Send `Accept: */*`, or leave it out.",
        chinese: ProblemWords(
            "无法按 Accept 要求的格式响应",
            "`Accept` 请求头排除了该操作的响应格式。请发送 `Accept: */*`，或不发送该请求头。"
        )
    )
    /// The same key is at work in another request.
    public static let idempotencyInFlight = ProblemKind(
        "idempotency-in-flight",
        status: 409,
        title: "The same request is being worked on",
        meaning:
            "Another request with this Idempotency-Key has not finished. Repeat after `Retry-After` to get its answer.",
        chinese: ProblemWords(
            "同一请求正在处理",
            "另一个带同一 Idempotency-Key 的请求还没有结束。请在 `Retry-After` 之后重试，以取得它的响应。"
        )
    )
    /// If-Match does not hold.
    public static let versionMismatch = ProblemKind(
        "version-mismatch",
        status: 412,
        title: "The resource has changed",
        meaning: "`If-Match` names another version than the present one. Read it again, decide again, send again.",
        chinese: ProblemWords(
            "资源已被修改",
            "`If-Match` 写的不是当前版本。请重新读取、重新判断、再发送。"
        )
    )
    /// Some of the request is not acceptable; each fault is listed.
    public static let validation = ProblemKind(
        "validation",
        status: 422,
        title: "The request has faults",
        meaning: """
            `errors` lists every fault at once: `in` says where (body, query, header, path), `pointer` which value (RFC 6901), \
            `detail` what is wrong with it. Nothing was done.
            """,
        chinese: ProblemWords(
            "请求有错误",
            """
            `errors` 一次列出全部错误：`in` 说明在哪里（body、query、header、path），`pointer` 指出哪个值（RFC 6901），`detail` 说明错在哪里。\
            未执行任何操作。
            """
        )
    )
    /// The key was used for something else.
    public static let idempotencyMismatch = ProblemKind(
        "idempotency-mismatch",
        status: 422,
        title: "The Idempotency-Key was used for another body",
        meaning: "Within 24 hours a key stands for one request. Use a new key for a new intention.",
        chinese: ProblemWords(
            "Idempotency-Key 曾用于另一个请求体",
            "一个键在 24 小时内只代表一个请求。新的意图请用新的键。"
        )
    )
    /// If-Match is needed.
    public static let versionRequired = ProblemKind(
        "version-required",
        status: 428,
        title: "The If-Match header is missing",
        meaning: "Editing needs `If-Match` with the `ETag` of the version that was read, so that no change is lost.",
        chinese: ProblemWords(
            "缺少 If-Match 请求头",
            "修改时须带 `If-Match`，值为读取时的 `ETag`，以免丢失他人的修改。"
        )
    )
    /// The present state does not allow the transition.
    public static let illegalTransition = ProblemKind(
        "illegal-transition",
        status: 409,
        title: "The present state does not allow this",
        meaning: """
            `state` names the present state, `allowed` what can be done in it. Read the resource again and decide again. With \
            `Retry-After` the state is about to change by itself: send the same request again then.
            """,
        chinese: ProblemWords(
            "当前状态不允许此操作",
            "`state` 是当前状态，`allowed` 列出此时可以做的事。请重新读取并重新判断。若有 `Retry-After`，说明状态即将自行变化，请届时重发同一请求。"
        )
    )
    /// Too many requests.
    public static let rateLimited = ProblemKind(
        "rate-limited",
        status: 429,
        title: "Too many requests",
        meaning: """
            The credential, or all credentials of its campus together, have used up their allowance. `Retry-After` says when to go on; \
            `RateLimit-Remaining` on every answer says how much is left, so that a client can slow down before. A case can be urged once \
            in five minutes; there too `Retry-After` says when again. So it does when more credentials come at once that the service does \
            not know yet than it can look at. Nothing was done.
            """,
        chinese: ProblemWords(
            "请求过多",
            """
            该凭证，或本校园的全部凭证合计，已用完额度。`Retry-After` 说明何时可以继续；每个响应的 `RateLimit-Remaining` 说明还剩多少，客户端可以提前放慢。\
            同一售后单每五分钟只能催办一次，短时间内涌入的陌生凭证过多时也会被拒绝，`Retry-After` 同样说明何时重试。未执行任何操作。
            """
        )
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
            "A fault of the service; it is logged under `request_id`. Repeating under the same Idempotency-Key is safe.",
        chinese: ProblemWords(
            "服务内部出错",
            "这是服务的故障，已按 `request_id` 记入日志。用同一 Idempotency-Key 重试是安全的。"
        )
    )
    /// Not now.
    public static let unavailable = ProblemKind(
        "unavailable",
        status: 503,
        title: "The service cannot answer now",
        meaning: """
            The database is unreachable, overloaded, or its answer to a commit was lost. Repeat after `Retry-After` under the same \
            Idempotency-Key: what was done is not done again.
            """,
        chinese: ProblemWords(
            "服务暂不可用",
            "数据库不可达、过载，或提交的结果丢失。请在 `Retry-After` 之后用同一 Idempotency-Key 重试：做过的事不会再做一遍。"
        )
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
