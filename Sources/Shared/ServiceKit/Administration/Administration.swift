import Model
import Postgres

/// Who administers a campus, and what they may hand on.
package struct Administrator: Hashable, Sendable {
    /// Who acts.
    let actor: Actor
    /// The platform key, when that is the credential.
    let key: KeyID?
    /// What the key may do; nil for people, whom no scope binds.
    private let scopes: Set<Scope>?

    /// Whoever asks over HTTP.
    package init(_ principal: Principal) {
        actor = principal.actor
        key = principal.key
        scopes = principal.key == nil ? nil : principal.scopes
    }

    /// Whoever runs a command.
    init(operator actor: Actor) {
        self.actor = actor
        key = nil
        scopes = nil
    }

    /// Throws `forbidden` when a platform key would hand on what it does not have itself.
    func requireHaving(_ granted: Set<Scope>) throws(Problem) {
        guard let scopes else { return }
        let missing = granted.subtracting(scopes).map(\.rawValue).sorted()
        guard missing.isEmpty else {
            throw Problem(.forbidden, "The platform key itself lacks \(missing.joined(separator: ", ")).")
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

    /// Throws `too-many-credentials` when a campus has as many of a kind as it can have.
    static func requireRoom(_ count: Int64, _ name: String) throws(Problem) {
        guard count < credentialLimit else {
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

    /// Every kind that administrating a campus adds.
    public static let administration: [ProblemKind] = [.verificationKeyTaken, .tooManyCredentials]
}
