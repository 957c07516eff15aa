import HTTPTypes
import Model
import Synchronization

/// Turns the headers of a request into a principal.
///
/// What a credential proves is cached: a key by the digest of its secret, a token by its own digest. Whether the key behind it still
/// holds is asked of the directory each time, which answers at most five seconds late; the end of a token is compared with the clock
/// each time. A credential that never was found to hold costs a look into the database or a signature's check, so only so many of these
/// are looked at: whoever tries many takes nothing from those who are known.
public final class Authenticator: Sendable {
    /// The longest credential looked at, in bytes.
    static let longestCredential = 8_192
    /// How long a token's signature is believed before it is checked again.
    private static let tokenLifetime = Duration.seconds(60)

    /// 9999-12-31T23:59:59Z: a token may name a later end than any time that can be written.
    private static let lastSecond: Int64 = 253_402_300_799

    private struct CachedToken {
        let token: UserToken
        /// The fingerprint of the key that verified it.
        let key: SHA256Digest
        let verifiedAt: ContinuousClock.Instant
    }

    private let directory: CampusDirectory
    private let clock: any WallClock
    private let strangers: RateLimit
    private let strangerMeter = Mutex(RateMeter(now: .now))
    private let tokens = Mutex(LeastRecentlyUsed<SHA256Digest, CachedToken>(capacity: 16_384))

    /// An authenticator over a directory.
    ///
    /// - `clock`: the machine's own clock; test campuses' clocks do not move the end of tokens and keys.
    /// - `strangers`: how many credentials are looked at that are not known here yet.
    public init(directory: CampusDirectory, clock: any WallClock, strangers: RateLimit) {
        self.directory = directory
        self.clock = clock
        self.strangers = strangers
    }

    /// Who sent these headers, and their campus.
    ///
    /// - Throws: ``Problem`` `unauthenticated`; `validation` when `X-Actor` is not an actor; `rate-limited` when there are too many strangers.
    func authenticate(_ headers: HTTPFields) async throws -> (principal: Principal, campus: Campus) {
        guard let header = headers[.authorization] else {
            throw Self.refusal("The Authorization header is missing.", error: nil)
        }
        guard let credential = Self.bearer(header), credential.utf8.count <= Self.longestCredential else {
            throw Self.refusal("The Authorization header is not a bearer credential.")
        }
        let stated = headers[.actor]
        let principal =
            credential.hasPrefix(PlatformKeySecret.marker)
            ? try await platform(credential, actingFor: stated) : try await user(credential, actingFor: stated)
        guard let campus = try await directory.campus(principal.campus) else {
            throw Self.refusal("The campus of the credential no longer exists.")
        }
        return (principal, campus)
    }

    private func platform(_ secret: Substring, actingFor stated: String?) async throws -> Principal {
        let digest = SHA256Digest(of: secret.utf8)
        if !directory.knowsPlatformKey(sha256: digest) { try await admitStranger() }
        guard let key = try await directory.platformKey(sha256: digest), key.isValid(at: clock.now()) else {
            throw Self.refusal("The platform key is unknown, expired or revoked.")
        }
        var actor = Actor(role: .platform, id: key.name)
        if let stated {
            guard let user = Actor(stated), UnverifiedToken.roles.contains(user.role) else {
                throw Problem.validation([
                    Fault("/X-Actor", "must be a role of users and an id, for example customer:stu_1", in: .header)
                ])
            }
            actor = user
        }
        return Principal(
            campus: key.campus,
            actor: actor,
            key: key.id,
            merchantID: actor.role == .merchant ? actor.id : nil,
            scopes: key.scopes,
            expiresAt: key.expiresAt
        )
    }

    private func user(_ text: Substring, actingFor stated: String?) async throws -> Principal {
        let token = try await verified(text)
        if stated != nil {
            throw Problem.validation([Fault("/X-Actor", "is for platform keys only", in: .header)])
        }
        return Principal(
            campus: token.campus,
            actor: token.actor,
            merchantID: token.merchantID,
            expiresAt: Timestamp(seconds: min(token.expiresAt, Self.lastSecond))
        )
    }

    private func verified(_ text: Substring) async throws -> UserToken {
        let digest = SHA256Digest(of: text.utf8)
        let now = ContinuousClock.now
        let known = tokens.withLock { $0[digest] }
        if let cached = known, cached.verifiedAt.advanced(by: Self.tokenLifetime) > now {
            // The key may have been withdrawn since, or there is another of its name.
            let key = try await directory.verificationKey(cached.token.kid, of: cached.token.campus)
            if let key, key.revokedAt == nil, key.fingerprint == cached.key {
                try checkTime(cached.token.expiresAt, notBefore: .min)
                return cached.token
            }
        }
        guard let unverified = UnverifiedToken(text) else { throw Self.refusal("The token cannot be read.") }
        if known == nil { try await admitStranger() }
        // The campus that the token names decides which keys are looked at: another campus's key of the same name is no key here.
        guard let campus = try await directory.campus(named: unverified.campus),
            let key = try await self.key(of: unverified, campus),
            let token = unverified.verified(by: key, campusCode: campus.code)
        else { throw Self.refusal("The token is not signed by a key of its campus, or its claims are not complete.") }
        try checkTime(token.expiresAt, notBefore: unverified.notBefore)
        tokens.withLock { $0[digest] = CachedToken(token: token, key: key.fingerprint, verifiedAt: now) }
        return token
    }

    /// The key that a token names; when there is none, the campus's key sets may have it by now.
    private func key(of token: UnverifiedToken, _ campus: Campus) async throws -> VerificationKey? {
        let key = try await directory.verificationKey(token.kid, of: campus.id)
        if key == nil { directory.keySetDemand.note(campus.id) }
        return key
    }

    /// Counts a credential that is not known here yet.
    private func admitStranger() async throws {
        let wait = strangerMeter.withLock { $0.take(strangers, now: .now) }
        guard let wait else { return }
        try await RateLimit.holdBack()
        throw Problem(
            .rateLimited,
            "More credentials came than can be looked at that are not known here yet.",
            headers: [.retryAfter: wait.wholeSecondsRoundedUp]
        )
    }

    private func checkTime(_ expiresAt: Int64, notBefore: Int64) throws(Problem) {
        let now = clock.now().seconds
        guard now < expiresAt else { throw Self.refusal("The token has expired.") }
        guard now >= notBefore else { throw Self.refusal("The token does not hold yet.") }
    }

    /// The credential of a `Bearer` header (RFC 6750 §2.1).
    private static func bearer(_ header: String) -> Substring? {
        guard header.utf8.count > 7, header.prefix(7).lowercased() == "bearer " else { return nil }
        let credential = header.dropFirst(7).trimmingBlanks
        return credential.isEmpty || credential.utf8.contains(0x20) ? nil : credential
    }

    /// - `error`: the RFC 6750 error code; none when no credential was sent.
    private static func refusal(_ detail: String, error: String? = "invalid_token") -> Problem {
        let challenge = error.map { #"Bearer realm="campus", error="\#($0)""# } ?? #"Bearer realm="campus""#
        return Problem(.unauthenticated, detail, headers: [.wwwAuthenticate: challenge])
    }
}
