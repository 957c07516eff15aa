import Model

/// Who asks, as their credential proves it.
public struct Principal: Hashable, Sendable {
    /// The campus of the credential; the only campus the request can see.
    public let campus: CampusID
    /// Who acts: the user, the user that a platform key states, or the platform itself.
    public let actor: Actor
    /// The platform key, when that is the credential.
    public let key: KeyID?
    /// The shop that a merchant's user works for.
    public let merchantID: String?
    /// What the platform key may do; empty for users.
    public let scopes: Set<Scope>
    /// When the credential ends by the real clock; nil when it does not by itself.
    public let expiresAt: Timestamp?

    /// Somebody of a campus.
    public init(
        campus: CampusID,
        actor: Actor,
        key: KeyID? = nil,
        merchantID: String? = nil,
        scopes: Set<Scope> = [],
        expiresAt: Timestamp? = nil
    ) {
        self.campus = campus
        self.actor = actor
        self.key = key
        self.merchantID = merchantID
        self.scopes = scopes
        self.expiresAt = expiresAt
    }

    /// Whether the platform acts for itself, not for a stated user.
    public var isPlatform: Bool { actor.role == .platform }

    /// Whether the actor is desk staff of the campus, or the platform.
    public var isStaff: Bool {
        switch actor.role {
        case .agent, .supervisor, .admin, .platform: true
        case .customer, .merchant, .rider, .system: false
        }
    }

    /// One text for each (credential, actor), by which idempotency keys are kept apart.
    public var idempotencyName: String {
        guard let key else { return actor.description }
        return isPlatform ? "key:\(key)" : "key:\(key)/\(actor)"
    }
}
