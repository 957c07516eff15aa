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

    private func kids(_ keys: [JSON], admitsSecrets: Bool = false) -> [String] {
        (try? JWKS(["keys": .array(keys)], admitsSecrets: admitsSecrets))?.keys.map(\.kid) ?? []
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
        let jwks = try JWKS(
            ["keys": [.object(Self.elliptic), .object(Self.edwards), .object(Self.rsa)]],
            admitsSecrets: false
        )
        #expect(jwks.keys.map(\.algorithm) == [.es256, .edDSA, .rs256])
        for key in jwks.keys {
            let verifier = try await VerificationKey(key, of: CampusID(high: 1, low: 1))
            #expect(verifier.algorithm == key.algorithm)
        }
        // RFC 8037, appendix A.4: the signature of that key.
        let signed = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
        let signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
        let verifier = try await VerificationKey(jwks.keys[1], of: CampusID(high: 1, low: 1))
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
        ]
        #expect(kids([good] + others) == ["ec"])
        #expect(kids(others).isEmpty)
    }

    @Test("A set of a file may hold secrets that are long enough")
    func secrets() {
        func secret(_ count: Int) -> JSON {
            let bytes = [UInt8](repeating: 1, count: count)
            return ["kty": "oct", "kid": .string("s\(count)"), "k": .string(Base64URL.encode(bytes))]
        }
        #expect(kids([secret(31), secret(32)], admitsSecrets: true) == ["s32"])
    }

    @Test("What is no set, too large a set, and one kid for two keys are refused")
    func refused() {
        let good = JSON.object(Self.elliptic)
        let sets: [JSON] = [
            [], [:], ["keys": [:]], ["keys": []], ["keys": [good, good]],
            ["keys": .array((0..<101).map { key(Self.elliptic, ["kid": .string("k\($0)")]) })],
        ]
        for set in sets {
            #expect(throws: InvalidVerificationKey.self) { try JWKS(set, admitsSecrets: false) }
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
