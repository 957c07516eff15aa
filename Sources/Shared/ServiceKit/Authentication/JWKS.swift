import JWTKit
import Model

/// The usable keys of a JSON Web Key Set (RFC 7517 §5).
///
/// A key is used when it has a `kid` and is meant for signatures of one of our algorithms; others are passed over, because sets hold
/// keys for all kinds of purposes (RFC 7517 §5 asks for that). A set of which nothing can be used is a fault.
package struct JWKS: Sendable {
    /// A key of a set.
    package struct Key: Hashable, Sendable {
        let kid: String
        let algorithm: VerificationKey.Algorithm
        /// As ``VerificationKey`` takes it.
        let material: String
    }

    /// The most keys that a set can have: ten times what providers have while they rotate.
    static let limit = 100
    /// The most characters of an RSA modulus in base64url: 8192 bits.
    ///
    /// Larger ones make each verification slow.
    private static let longestModulus = 1_366

    /// In the order of the set, each `kid` once.
    package let keys: [Key]

    /// Reads a set.
    ///
    /// - `admitsSecrets`: whether symmetric keys count; never where a set was published.
    /// - Throws: ``InvalidVerificationKey`` saying what is wrong, without the keys.
    package init(_ json: JSON, admitsSecrets: Bool) throws(InvalidVerificationKey) {
        guard let members = json["keys"]?.array else {
            throw InvalidVerificationKey(reason: "this is not a JSON Web Key Set")
        }
        guard members.count <= Self.limit else {
            throw InvalidVerificationKey(reason: "the set has more than \(Self.limit) keys")
        }
        let keys = members.compactMap { Self.key($0, admitsSecrets: admitsSecrets) }
        guard !keys.isEmpty else {
            throw InvalidVerificationKey(reason: "the set has no key that has a kid and is for RS256, ES256 or EdDSA")
        }
        guard Set(keys.map(\.kid)).count == keys.count else {
            throw InvalidVerificationKey(reason: "the set has two keys of one kid")
        }
        self.keys = keys
    }

    private static func key(_ json: JSON, admitsSecrets: Bool) -> Key? {
        guard let kid = json["kid"]?.string, isKID(kid), json["use"]?.string ?? "sig" == "sig", isForVerifying(json),
            let (algorithm, material) = material(json, admitsSecrets: admitsSecrets),
            json["alg"]?.string ?? algorithm.rawValue == algorithm.rawValue
        else { return nil }
        return Key(kid: kid, algorithm: algorithm, material: material)
    }

    /// Whether a text can be the name of a key: 1 to 128 visible ASCII characters.
    static func isKID(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }

    private static func isForVerifying(_ json: JSON) -> Bool {
        json["key_ops"]?.array?.contains("verify") ?? true
    }

    /// The one algorithm that a key of its type is used with here, and the key in PEM (RFC 7518 §6, RFC 8037 §2).
    private static func material(_ json: JSON, admitsSecrets: Bool) -> (VerificationKey.Algorithm, String)? {
        func text(_ name: String) -> String { json[name]?.string ?? "" }
        do {
            switch (json["kty"]?.string, json["crv"]?.string) {
            case ("RSA", nil):
                guard text("n").utf8.count <= longestModulus else { return nil }
                return (.rs256, try Insecure.RSA.PublicKey(modulus: text("n"), exponent: text("e")).pemRepresentation)
            case ("EC", "P-256"):
                return (.es256, try ES256PublicKey(parameters: (text("x"), text("y"))).pemRepresentation)
            case ("OKP", "Ed25519"):
                return (.edDSA, try EdDSA.PublicKey(x: text("x"), curve: .ed25519).pemRepresentation)
            case ("oct", nil) where admitsSecrets:
                guard let secret = Base64URL.decode(text("k")), secret.count >= 32 else { return nil }
                return (.hs256, text("k"))
            default:
                return nil
            }
        } catch {
            return nil
        }
    }
}
