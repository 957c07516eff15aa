import JWTKit
import Model

/// Reads one JSON Web Key (RFC 7517 §4).
enum JWK {
    /// What a member of a set turns out to be.
    enum Reading {
        /// A key that tokens can be verified with.
        case key(JWKS.Key)
        /// A key that says it is for something else, which is no fault of it.
        case forSomethingElse
        /// All that is wrong with it.
        case faulty([Fault])
    }

    /// The most characters of an RSA modulus in base64url: 8192 bits.
    ///
    /// Larger ones make each verification slow.
    private static let longestModulus = 1_366
    /// The most characters of a secret in base64url.
    private static let longestSecret = 1_024

    /// The types of keys that are used here, each with one algorithm (RFC 7518 §6, RFC 8037 §2).
    private enum KeyType: String, CaseIterable {
        case rsa = "RSA"
        case elliptic = "EC"
        case edwards = "OKP"
        case secret = "oct"

        var algorithm: VerificationKey.Algorithm {
            switch self {
            case .rsa: .rs256
            case .elliptic: .es256
            case .edwards: .edDSA
            case .secret: .hs256
            }
        }

        /// The one curve of it that is used here; nil where it has none.
        var curve: String? {
            switch self {
            case .rsa, .secret: nil
            case .elliptic: "P-256"
            case .edwards: "Ed25519"
            }
        }

        /// The members that make the key.
        var members: [String] {
            switch self {
            case .rsa: ["n", "e"]
            case .elliptic: ["x", "y"]
            case .edwards: ["x"]
            case .secret: ["k"]
            }
        }
    }

    /// Reads a member of a set.
    ///
    /// - `pointer`: where it lies.
    static func read(_ json: JSON, at pointer: String) -> Reading {
        guard json.object != nil else { return .faulty([Fault(pointer, "must be an object")]) }
        guard json["use"]?.string ?? "sig" == "sig", json["key_ops"]?.array?.contains("verify") ?? true else {
            return .forSomethingElse
        }
        var faults: [Fault] = []
        let kid = text("kid", of: json, at: pointer, &faults)
        if let kid, !isKID(kid) {
            faults.append(Fault(pointer + "/kid", "must have 1 to 128 visible ASCII characters"))
        }
        guard let name = text("kty", of: json, at: pointer, &faults) else { return .faulty(faults) }
        guard let type = KeyType(rawValue: name) else {
            let known = KeyType.allCases.map(\.rawValue).joined(separator: ", ")
            return .faulty(faults + [Fault(pointer + "/kty", "must be one of \(known)")])
        }
        if let algorithm = json["alg"], algorithm.string != type.algorithm.rawValue {
            faults.append(Fault(pointer + "/alg", "must be \(type.algorithm.rawValue) for a key of this type"))
        }
        let material = material(of: json, type, at: pointer, &faults)
        guard let kid, let material, faults.isEmpty else { return .faulty(faults) }
        return .key(JWKS.Key(kid: kid, algorithm: type.algorithm, material: material, pointer: pointer))
    }

    /// Whether a text can be the name of a key: 1 to 128 visible ASCII characters.
    static func isKID(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    }

    private static func text(_ name: String, of json: JSON, at pointer: String, _ faults: inout [Fault]) -> String? {
        if let text = json[name]?.string { return text }
        faults.append(Fault("\(pointer)/\(name)", json[name] == nil ? "is missing" : "must be a string"))
        return nil
    }

    /// The key as it is stored; nil, and faults, when there is none.
    private static func material(
        of json: JSON,
        _ type: KeyType,
        at pointer: String,
        _ faults: inout [Fault]
    ) -> String? {
        if let curve = type.curve, let given = text("crv", of: json, at: pointer, &faults), given != curve {
            faults.append(Fault(pointer + "/crv", "must be \(curve)"))
        }
        if type != .secret, json["d"] != nil {
            faults.append(Fault(pointer + "/d", "belongs to a private key, which must stay with whoever signs"))
        }
        let parts = type.members.compactMap { text($0, of: json, at: pointer, &faults) }
        guard parts.count == type.members.count, faults.allSatisfy({ $0.pointer != pointer + "/crv" }) else {
            return nil
        }
        do {
            switch type {
            case .rsa:
                guard parts[0].utf8.count <= longestModulus else {
                    faults.append(Fault(pointer + "/n", "must have at most 8192 bits"))
                    return nil
                }
                return try Insecure.RSA.PublicKey(modulus: parts[0], exponent: parts[1]).pemRepresentation
            case .elliptic:
                return try ES256PublicKey(parameters: (parts[0], parts[1])).pemRepresentation
            case .edwards:
                return try EdDSA.PublicKey(x: parts[0], curve: .ed25519).pemRepresentation
            case .secret:
                guard let secret = Base64URL.decode(parts[0]), secret.count >= 32,
                    parts[0].utf8.count <= longestSecret
                else {
                    faults.append(
                        Fault(
                            pointer + "/k",
                            "must be 32 bytes or more in base64url, \(longestSecret) characters at most"
                        )
                    )
                    return nil
                }
                return parts[0]
            }
        } catch {
            // What the library says quotes the key.
            let members = type.members.joined(separator: " and ")
            faults.append(Fault(pointer, "is no \(type.algorithm.rawValue) key that can be used: see \(members)"))
            return nil
        }
    }
}
