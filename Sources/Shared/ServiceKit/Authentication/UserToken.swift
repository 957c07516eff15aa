import Model

/// What a user's JWT says, once its signature held.
struct UserToken: Sendable {
    let kid: String
    let campus: CampusID
    let actor: Actor
    let merchantID: String?
    /// Seconds since 1970 at which it ends.
    let expiresAt: Int64
}

/// The three parts of a JWT in JWS Compact Serialization (RFC 7515 §7.1), parsed strictly and not yet believed.
struct UnverifiedToken: Sendable {
    let kid: String
    let algorithm: String
    /// The campus that it says it is for, by code or by id.
    let campus: String
    let claims: JSON
    let signature: [UInt8]
    let signedBytes: [UInt8]

    /// Reads a token; nil when it is not one, names no campus, or its header asks for what is not supported (`crit`, no `kid`).
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let headerBytes = Base64URL.decode(parts[0]),
            let claimBytes = Base64URL.decode(parts[1]),
            let signature = Base64URL.decode(parts[2]), !signature.isEmpty,
            let header = try? JSON(parsing: headerBytes), let claims = try? JSON(parsing: claimBytes),
            let kid = header["kid"]?.string, JWK.isKID(kid), let algorithm = header["alg"]?.string,
            header["crit"] == nil, !claims.holdsNUL, let campus = claims["campus"]?.string, campus.utf8.count <= 64
        else { return nil }
        self.kid = kid
        self.algorithm = algorithm
        self.campus = campus
        self.claims = claims
        self.signature = signature
        self.signedBytes = Array("\(parts[0]).\(parts[1])".utf8)
    }

    /// The token's words when the key signed them and they are what a user's token must say; nil otherwise.
    ///
    /// - `key`: the key of its `kid`.
    /// - `campusCode`: the code of the key's campus; `campus` may name it by code or by id.
    func verified(by key: VerificationKey, campusCode: String) -> UserToken? {
        guard key.kid == kid, key.revokedAt == nil, algorithm == key.algorithm.rawValue,
            key.verifies(signature, of: signedBytes),
            let subject = claims["sub"]?.string, Actor.isValidID(subject),
            let role = claims["role"]?.string.flatMap(Role.init), Self.roles.contains(role),
            campus == campusCode || CampusID(campus) == key.campus,
            let expiry = claims["exp"]?.number, expiry.isFinite, expiry.magnitude < 1e15
        else { return nil }
        let merchant = claims["merchant_id"]?.string
        if role == .merchant { guard let merchant, Actor.isValidID(merchant) else { return nil } }
        if let notBefore = claims["nbf"] {
            guard let seconds = notBefore.number, seconds.isFinite, seconds.magnitude < 1e15 else { return nil }
        }
        return UserToken(
            kid: kid,
            campus: key.campus,
            actor: Actor(role: role, id: subject),
            merchantID: role == .merchant ? merchant : nil,
            expiresAt: Int64(expiry.rounded(.up))
        )
    }

    /// Seconds since 1970 before which it does not hold.
    var notBefore: Int64 {
        guard let seconds = claims["nbf"]?.number, seconds.isFinite, seconds.magnitude < 1e15 else { return .min }
        return Int64(seconds.rounded(.down))
    }

    /// The roles a user can have; the platform has keys, and `system` is ours alone.
    static let roles: Set<Role> = [.customer, .merchant, .rider, .agent, .supervisor, .admin]
}
