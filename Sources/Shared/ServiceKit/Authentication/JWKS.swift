import Model

/// The usable keys of a JSON Web Key Set (RFC 7517 §5).
package struct JWKS: Sendable {
    /// A key of a set.
    package struct Key: Hashable, Sendable {
        let kid: String
        let algorithm: VerificationKey.Algorithm
        /// As ``VerificationKey`` takes it.
        let material: String
        /// A JSON pointer to it in the set.
        let pointer: String
    }

    /// The most keys that a set can have: ten times what providers have while they rotate.
    static let limit = 100
    /// The most bytes of a set: a hundred keys of 4096 bits.
    package static let byteLimit = 131_072

    /// In the order of the set, each `kid` once.
    package let keys: [Key]

    /// Reads a set that an identity provider publishes.
    ///
    /// A key is used when it has a `kid` and is meant for signatures of one of our algorithms; others are passed over, because sets hold
    /// keys for all kinds of purposes (RFC 7517 §5 asks for that). Symmetric keys never count: what is published is no secret.
    ///
    /// - Throws: ``InvalidVerificationKey`` saying what is wrong with the set, without the keys; a set of which nothing can be used is.
    package init(published json: JSON) throws(InvalidVerificationKey) {
        guard let members = json["keys"]?.array else {
            throw InvalidVerificationKey(reason: "this is not a JSON Web Key Set")
        }
        guard members.count <= Self.limit else {
            throw InvalidVerificationKey(reason: "the set has more than \(Self.limit) keys")
        }
        let keys = members.enumerated().compactMap { place, member -> Key? in
            guard case .key(let key) = JWK.read(member, at: "/keys/\(place)"), key.algorithm != .hs256 else {
                return nil
            }
            return key
        }
        guard !keys.isEmpty else {
            throw InvalidVerificationKey(reason: "the set has no key that has a kid and is for RS256, ES256 or EdDSA")
        }
        guard Set(keys.map(\.kid)).count == keys.count else {
            throw InvalidVerificationKey(reason: "the set has two keys of one kid")
        }
        self.keys = keys
    }

    /// Reads a set that somebody hands in to have its keys added: all that are for verifying signatures, or none.
    ///
    /// Secrets (`oct`) count. A key that says it is for something else, as providers' sets have them, is left out; one that does not
    /// and cannot be used is a fault.
    ///
    /// - Throws: a ``Problem`` with every fault of every key.
    package init(document json: JSON) throws(Problem) {
        guard let members = json["keys"]?.array else {
            throw Problem.validation("/keys", "must be an array: this is not a JSON Web Key Set")
        }
        guard members.count <= Self.limit else {
            throw Problem.validation("/keys", "must have at most \(Self.limit) keys")
        }
        var keys: [Key] = []
        var faults: [Fault] = []
        for (place, member) in members.enumerated() {
            switch JWK.read(member, at: "/keys/\(place)") {
            case .key(let key):
                if keys.contains(where: { $0.kid == key.kid }) {
                    faults.append(Fault(key.pointer + "/kid", "is the kid of an earlier key"))
                }
                keys.append(key)
            case .forSomethingElse: continue
            case .faulty(let found): faults += found
            }
        }
        if keys.isEmpty, faults.isEmpty { faults = [Fault("/keys", "has no key for verifying signatures")] }
        guard faults.isEmpty else { throw Problem.validation(Array(faults.prefix(FaultCollector.limit))) }
        self.keys = keys
    }

    /// What a document that is handed in looks like.
    ///
    /// What is wrong with its keys is found by ``init(document:)``, all of it at once, so that nothing of them is declared as required here.
    package static let schema = JSONSchema.openObject(
        name: "JSONWebKeySet",
        [
            .required(
                "keys",
                .array(
                    of: .openObject(
                        name: "JSONWebKey",
                        [
                            .optional("kid", .any, "Its name in token headers; required."),
                            .optional("kty", .any, "`RSA`, `EC`, `OKP` or `oct`; required."),
                            .optional("use", .any, "A key for something else than `sig` is left out."),
                            .optional("key_ops", .any, "So is one that is not to `verify`."),
                            .optional("alg", .any, "`RS256`, `ES256`, `EdDSA` or `HS256`, as its type says."),
                            .optional("crv", .any, "`P-256` for `EC`, `Ed25519` for `OKP`."),
                            .optional("n", .any, "For `RSA`: 2048 to 8192 bits."),
                            .optional("e", .any, "For `RSA`."),
                            .optional("x", .any, "For `EC` and `OKP`."),
                            .optional("y", .any, "For `EC`."),
                            .optional("k", .any, "For `oct`: a secret of at least 32 bytes, never shown again."),
                        ]
                    ),
                    count: 1...limit
                )
            )
        ]
    )
}
