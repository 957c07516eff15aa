import Model
import Postgres

/// Who administers a campus, and what they may hand on.
package struct Administrator: Hashable, Sendable {
    /// Who acts.
    let actor: Actor
    /// The platform key, when that is the credential.
    let key: KeyID?
    /// What they may hand on: what the key itself may do, or all within the campus for its people; nil for operators, whom no scope binds.
    private let scopes: Set<Scope>?

    /// Whoever asks over HTTP.
    package init(_ principal: Principal) {
        actor = principal.actor
        key = principal.key
        scopes = principal.key == nil ? Set(Scope.withinCampus) : principal.scopes
    }

    /// Whoever runs a command.
    init(operator actor: Actor) {
        self.actor = actor
        key = nil
        scopes = nil
    }

    /// Throws `forbidden` when a platform key would hand on what it does not have itself, or people what reaches beyond their campus.
    func requireHaving(_ granted: Set<Scope>) throws(Problem) {
        guard let scopes else { return }
        let missing = granted.subtracting(scopes).map(\.rawValue).sorted().joined(separator: ", ")
        guard missing.isEmpty else {
            throw Problem(
                .forbidden,
                key == nil
                    ? "Administrators of a campus cannot hand on \(missing)."
                    : "The platform key itself lacks \(missing)."
            )
        }
    }
}

/// What administrators do to a campus: each act is one function, to be called in a transaction, and is noted in the same one.
///
/// Commands and the API both go through here, so that neither can do what the other would refuse.
package struct Administration: Sendable {
    /// How many platform keys, verification keys, and key sets of each kind a campus can have at once.
    static let credentialLimit = 100

    let campus: CampusID
    let administrator: Administrator
    let now: Timestamp

    /// Acts of one administrator on one campus.
    ///
    /// - `now`: by the machine's clock, which credentials end by, not by the campus's.
    package init(of campus: CampusID, by administrator: Administrator, at now: Timestamp) {
        self.campus = campus
        self.administrator = administrator
        self.now = now
    }

    /// Notes an act.
    ///
    /// - `before`, `after`: what it changed, without secrets; null where there was or is nothing.
    func note(
        _ action: String,
        _ subject: String,
        before: JSON = .null,
        after: JSON = .null,
        in session: borrowing Session
    ) throws {
        var detail: JSONObject = ["before": before, "after": after]
        if let key = administrator.key { detail["key_id"] = .string(key.description) }
        try AuditStore().note(
            action,
            subject: subject,
            campus: campus,
            actor: administrator.actor,
            at: now,
            detail: .object(detail),
            in: session
        )
    }

    /// Throws `too-many-credentials` when a campus would have more of a kind than it can have.
    static func requireRoom(_ count: Int64, adding more: Int = 1, _ name: String) throws(Problem) {
        guard count + Int64(more) <= credentialLimit else {
            throw Problem(.tooManyCredentials, "A campus can have \(credentialLimit) \(name) that hold at once.")
        }
    }
}

// What only administrators meet.
extension ProblemKind {
    /// The campus has a verification key of that name.
    public static let verificationKeyTaken = ProblemKind(
        "verification-key-taken",
        status: 409,
        title: "The campus has a verification key of this name",
        meaning: """
            A `kid` stands for one key of a campus for ever, also after it was revoked; an address is a key set once at a time. Publish the \
            new key under a new `kid`.
            """,
        chinese: ProblemWords(
            "本校园已有同名的验证密钥",
            "一个 `kid` 在一个校园内永远只代表一把密钥，撤销之后也是；一个地址同时只能是一个密钥集。请用新的 `kid` 发布新密钥。"
        )
    )
    /// The campus has enough of them.
    public static let tooManyCredentials = ProblemKind(
        "too-many-credentials",
        status: 409,
        title: "The campus has too many credentials",
        meaning:
            "A campus can have 100 platform keys, verification keys or key sets that hold. Revoke what is not used.",
        chinese: ProblemWords(
            "本校园的凭证过多",
            "一个校园最多可有 100 个有效的平台密钥、验证密钥或密钥集。请撤销不用的。"
        )
    )
    /// There is a campus of that code.
    public static let campusCodeTaken = ProblemKind(
        "campus-code-taken",
        status: 409,
        title: "There is a campus with this code",
        meaning: """
            A code stands for one campus for ever. Choose another; a request that may have been lost is repeated under its own \
            `Idempotency-Key` and answered as the first time.
            """,
        chinese: ProblemWords(
            "已有使用此代码的校园",
            "一个代码永远只代表一个校园。请另选一个；若先前的请求可能已丢失，请用原来的 `Idempotency-Key` 重发，会得到与第一次相同的响应。"
        )
    )

    /// Every kind that administrating campuses adds.
    public static let administration: [ProblemKind] = [.verificationKeyTaken, .tooManyCredentials, .campusCodeTaken]
}
