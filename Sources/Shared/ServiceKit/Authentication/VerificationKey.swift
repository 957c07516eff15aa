import Crypto
import JWTKit
import Model

/// A key that users' tokens of one campus are signed with.
///
/// Its algorithm is pinned: the token's own word for it is only compared.
public struct VerificationKey: Sendable {
    /// The algorithms that a key may be pinned to.
    public enum Algorithm: String, CaseIterable, Sendable {
        /// HMAC with SHA-256; the secret is shared, so it fits development and single operators.
        case hs256 = "HS256"
        /// RSA PKCS #1 v1.5 with SHA-256, keys of 2048 bits or more.
        case rs256 = "RS256"
        /// ECDSA on P-256 with SHA-256.
        case es256 = "ES256"
        /// Ed25519.
        case edDSA = "EdDSA"
    }

    /// Its name in token headers, unique in its campus.
    public let kid: String
    /// The campus whose tokens it verifies.
    public let campus: CampusID
    /// The one algorithm it is used with.
    public let algorithm: Algorithm
    /// When it was withdrawn.
    public let revokedAt: Timestamp?
    /// Of what it verifies with: another key of the same name has another.
    let fingerprint: SHA256Digest
    private let verifier: any JWTAlgorithm

    /// A key from its stored form.
    ///
    /// - `material`: a PEM public key; for HS256 the secret of at least 32 bytes in base64url.
    /// - Throws: ``InvalidVerificationKey`` when it is not one, or weaker than the algorithm asks for.
    public init(
        kid: String,
        campus: CampusID,
        algorithm: Algorithm,
        material: String,
        revokedAt: Timestamp?
    ) async throws(InvalidVerificationKey) {
        self.kid = kid
        self.campus = campus
        self.algorithm = algorithm
        self.revokedAt = revokedAt
        fingerprint = SHA256Digest(of: "\(algorithm.rawValue) \(material)".utf8)
        self.verifier = try await Self.verifier(algorithm, material)
    }

    /// A new HS256 secret: 32 random bytes in base64url.
    package static func newSecret() -> String {
        var generator = SystemRandomNumberGenerator()
        return Base64URL.encode((0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    private static func verifier(
        _ algorithm: Algorithm,
        _ material: String
    ) async throws(InvalidVerificationKey) -> any JWTAlgorithm {
        let keys = JWTKeyCollection()
        do {
            switch algorithm {
            case .hs256:
                guard let secret = Base64URL.decode(material), secret.count >= 32 else {
                    throw InvalidVerificationKey(reason: "an HS256 secret is at least 32 bytes in base64url")
                }
                await keys.add(hmac: HMACKey(from: secret), digestAlgorithm: .sha256)
            case .rs256:
                await keys.add(rsa: try Insecure.RSA.PublicKey(pem: material), digestAlgorithm: .sha256)
            case .es256:
                await keys.add(ecdsa: try ES256PublicKey(pem: material))
            case .edDSA:
                await keys.add(eddsa: try EdDSA.PublicKey(pem: material))
            }
            return try await keys.getKey()
        } catch let error as InvalidVerificationKey {
            throw error
        } catch {
            // What the library says quotes the material.
            throw InvalidVerificationKey(reason: "this is not a PEM public key for \(algorithm.rawValue)")
        }
    }

    /// Whether `signature` signs `text` under this key.
    func verifies(_ signature: [UInt8], of text: [UInt8]) -> Bool {
        (try? verifier.verify(signature, signs: text)) ?? false
    }

    /// Signs for development; works for HS256 only, because only its key can sign.
    func sign(_ text: [UInt8]) throws -> [UInt8] {
        try verifier.sign(text)
    }
}

/// Why something is not a verification key.
public struct InvalidVerificationKey: Error, Hashable, CustomStringConvertible {
    /// In words, without the key.
    public let reason: String

    /// In words, without the key.
    public var description: String { reason }
}
