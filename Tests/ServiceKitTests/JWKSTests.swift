import Crypto
import HTTPTypes
import Model
import Postgres
import TestSupport
import Testing

@testable import ServiceKit

@Suite("JSON Web Key Sets")
struct JWKSTests {
    private func key(_ members: JSONObject, _ more: JSONObject = [:]) -> JSON {
        var all = members
        for member in more.members { all[member.name] = member.value }
        return .object(all)
    }

    private func kids(_ keys: [JSON]) -> [String] {
        (try? JWKS(published: ["keys": .array(keys)]))?.keys.map(\.kid) ?? []
    }

    /// Where the faults of a set that is handed in lie, and what they say.
    private func faults(_ keys: [JSON]) -> [String] {
        do {
            _ = try JWKS(document: ["keys": .array(keys)])
            return []
        } catch {
            return error.faults.map { "\($0.pointer) \($0.detail)" }
        }
    }

    private func verifier(_ key: JWKS.Key) async throws -> VerificationKey {
        try await VerificationKey(
            kid: key.kid,
            campus: CampusID(high: 1, low: 1),
            algorithm: key.algorithm,
            material: key.material,
            revokedAt: nil
        )
    }

    /// The key of RFC 7517, appendix A.1.
    private static let elliptic: JSONObject = [
        "kty": "EC", "crv": "P-256", "kid": "ec", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    ]
    /// The key of RFC 8037, appendix A.2.
    private static let edwards: JSONObject = [
        "kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    ]
    /// The second key of RFC 7517, appendix A.1.
    private static let rsa: JSONObject = [
        "kty": "RSA", "kid": "rsa", "e": "AQAB",
        "n": .string(
            "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhM"
                + "stn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5haj"
                + "rn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
        ),
    ]

    @Test("Keys of the standards' own examples are used, each with the one algorithm of its type")
    func examples() async throws {
        let set: JSON = ["keys": [.object(Self.elliptic), .object(Self.edwards), .object(Self.rsa)]]
        let jwks = try JWKS(published: set)
        #expect(try JWKS(document: set).keys == jwks.keys)
        #expect(jwks.keys.map(\.algorithm) == [.es256, .edDSA, .rs256])
        for key in jwks.keys {
            let verifier = try await verifier(key)
            #expect(verifier.algorithm == key.algorithm)
        }
        // RFC 8037, appendix A.4: the signature of that key.
        let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
        let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        let verifier = try await verifier(jwks.keys[1])
        #expect(verifier.verifies(try #require(Base64URL.decode(signature)), of: Array(signed.utf8)))
        #expect(!verifier.verifies(try #require(Base64URL.decode(signature)), of: Array((signed + "x").utf8)))
    }

    @Test("Keys for something else are passed over, and so is what is no key")
    func passedOver() {
        let good = JSON.object(Self.elliptic)
        let others: [JSON] = [
            key(Self.elliptic, ["kid": "enc", "use": "enc"]), key(Self.elliptic, ["kid": "ops", "key_ops": ["sign"]]),
            key(Self.elliptic, ["kid": "alg", "alg": "RS256"]), key(Self.elliptic, ["kid": "none", "alg": "none"]),
            key(Self.rsa, ["kid": "hs", "alg": "HS256"]), key(Self.rsa, ["kid": "pss", "alg": "PS256"]),
            key(Self.elliptic, ["kid": "curve", "crv": "P-384"]), key(Self.elliptic, ["kid": "point", "x": "AAAA"]),
            key(Self.elliptic, ["kid": ""]), key(Self.elliptic, ["kid": "a b"]),
            key(Self.elliptic, ["kid": .string(String(repeating: "k", count: 129))]),
            key(Self.rsa, ["kid": "small", "n": .string(Base64URL.encode([UInt8](repeating: 0xff, count: 128)))]),
            key(Self.rsa, ["kid": "huge", "n": .string(Base64URL.encode([UInt8](repeating: 0xff, count: 2_048)))]),
            ["kty": "oct", "kid": "secret", "k": .string(Base64URL.encode([UInt8](repeating: 1, count: 32)))],
            ["kty": "EC", "kid": "bare", "crv": "P-256"], .null, 7, "key", [],
            // Whoever reads the set could sign.
            key(Self.elliptic, ["kid": "private", "d": "870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE"]),
        ]
        #expect(kids([good] + others) == ["ec"])
        #expect(kids(others).isEmpty)
    }

    @Test("A set that is handed in may hold secrets that are long enough; keys for something else are left out")
    func document() throws {
        func secret(_ count: Int) -> JSON {
            let bytes = [UInt8](repeating: 1, count: count)
            return ["kty": "oct", "kid": .string("s\(count)"), "k": .string(Base64URL.encode(bytes))]
        }
        let others: [JSON] = [
            key(Self.rsa, ["kid": "enc", "use": "enc", "alg": "RSA-OAEP"]),
            key(Self.elliptic, ["kid": "ops", "key_ops": ["deriveKey"]]),
        ]
        let known = key(Self.elliptic, ["x5t": "anything", "use": "sig", "alg": "ES256", "key_ops": ["verify"]])
        let jwks = try JWKS(document: ["keys": .array(others + [secret(32), known]), "issuer": "x"])
        #expect(jwks.keys.map(\.kid) == ["s32", "ec"])
        #expect(jwks.keys.map(\.pointer) == ["/keys/2", "/keys/3"])
        #expect(faults([secret(31)]).map { $0.split(separator: " ")[0] } == ["/keys/0/k"])
        #expect(faults(others) == ["/keys has no key for verifying signatures"])
    }

    @Test("Every fault of every key of a set that is handed in is named at once, with its place")
    func faultsOfAll() {
        let keys: [JSON] = [
            .object(Self.elliptic), 7, [:], ["kty": "DSA", "kid": "a b"],
            key(Self.elliptic, ["kid": "p384", "crv": "P-384", "alg": "ES384"]),
            ["kty": "EC", "kid": 7, "crv": "P-256", "x": "AAAA"], key(Self.elliptic, ["kid": "point", "x": "AAAA"]),
            key(Self.rsa, ["kid": "huge", "n": .string(Base64URL.encode([UInt8](repeating: 0xff, count: 2_048)))]),
            key(Self.rsa, ["kid": "small", "n": .string(Base64URL.encode([UInt8](repeating: 0xff, count: 128)))]),
            key(Self.edwards, ["d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"]), .object(Self.elliptic),
            ["kty": "oct", "kid": "s", "k": .string(String(repeating: "A", count: 1_028))],
        ]
        #expect(
            faults(keys).map { String($0.split(separator: " ")[0]) } == [
                "/keys/1", "/keys/2/kid", "/keys/2/kty", "/keys/3/kid", "/keys/3/kty", "/keys/4/alg", "/keys/4/crv",
                "/keys/5/kid", "/keys/5/y", "/keys/6", "/keys/7/n", "/keys/8", "/keys/9/d", "/keys/10/kid",
                "/keys/11/k",
            ]
        )
        #expect(!faults(keys).joined().contains("AAAA"))
        // No more than an answer lists.
        #expect(faults([JSON](repeating: [:], count: 100)).count == 100)
    }

    @Test("What is no set, too large a set, and one kid for two keys are refused")
    func refused() {
        let good = JSON.object(Self.elliptic)
        let sets: [JSON] = [
            [], [:], ["keys": [:]], ["keys": []], ["keys": [good, good]],
            ["keys": .array((0..<101).map { key(Self.elliptic, ["kid": .string("k\($0)")]) })],
        ]
        for set in sets {
            #expect(throws: InvalidVerificationKey.self) { try JWKS(published: set) }
            #expect(throws: Problem.self) { try JWKS(document: set) }
        }
    }
}

@Suite("Tokens that attack")
struct TokenAttackTests {
    private static let path = "/v1/things/018f0000-0000-7000-8000-000000000001"

    @Test("A token cannot bring its own key, and a kid is data and nothing else")
    func ownKeys() async throws {
        try await ProbePlatform.with { platform in
            let attacker = P256.Signing.PrivateKey()
            let point = Array(attacker.publicKey.rawRepresentation)
            let jwk: JSON = [
                "kty": "EC", "crv": "P-256", "x": .string(Base64URL.encode(point[..<32])),
                "y": .string(Base64URL.encode(point[32...])),
            ]
            let parts = try platform.token().split(separator: ".").map(String.init)
            @Sendable func signed(_ header: JSON) throws -> String {
                let text = "\(Base64URL.encode(header.serialized())).\(parts[1])"
                let signature = try attacker.signature(for: Array(text.utf8)).rawRepresentation
                return text + "." + Base64URL.encode(Array(signature))
            }
            let headers: [JSON] = [
                ["alg": "ES256", "kid": "north-1", "jwk": jwk],
                ["alg": "ES256", "kid": "north-1", "jku": "https://attacker.example.com/jwks"],
                ["alg": "ES256", "kid": "north-1", "x5u": "https://attacker.example.com/x5u"],
                ["alg": "ES256", "kid": "x' or '1'='1"], ["alg": "ES256", "kid": "../../dev/null"],
                ["alg": "ES256", "kid": "north-1\u{0}"], ["alg": "ES256", "kid": "north 1"],
                ["alg": "ES256", "kid": ["north-1"]], ["alg": "none", "kid": "north-1"],
                ["alg": "NONE", "kid": "north-1"], ["alg": ["HS256"], "kid": "north-1"],
            ]
            try await platform.serve { client in
                for header in headers {
                    let answer = try await client.ask(.get, Self.path, credential: try signed(header))
                    #expect(answer.status == 401, "\(header.text)")
                }
            }
        }
    }

    @Test("Unknown kids leave a note for the campus's key sets, and requests do not wait for what becomes of it")
    func demand() async throws {
        try await ProbePlatform.with { platform in
            let pool = try platform.database.pool()
            let other = CampusID.make(at: SystemWallClock().now())
            try await pool.transaction { session in
                for campus in [platform.campus, other] {
                    try session.execute(
                        """
                        insert into campus.key_set (campus_id, id, url, created_at, due_at, attempted_at)
                        values (\(campus), gen_random_uuid(), 'https://login.example.com/', now(), now() + interval '1 hour', now())
                        """
                    )
                }
            }
            @Sendable func seconds(_ campus: CampusID) async throws -> Int64 {
                try await pool.autocommit { session in
                    try session.one(
                        """
                        select extract(epoch from due_at - attempted_at)::bigint from campus.key_set
                        where campus_id = \(campus)
                        """
                    ) { try $0[0] }
                }
            }
            let stranger = try await VerificationKey(
                kid: "new",
                campus: platform.campus,
                algorithm: .hs256,
                material: VerificationKey.newSecret(),
                revokedAt: nil
            )
            try await platform.serve { client in
                let token = try platform.token(signer: stranger)
                #expect(try await client.ask(.get, Self.path, credential: token).status == 401)
                try await eventually("the set is asked for") { try await seconds(platform.campus) == 30 }
                #expect(try await seconds(other) == 3_600)
            }
        }
    }
}
