import Crypto
import CryptoExtras
import HTTPTypes
import Model
import Postgres
import TestSupport
import Testing

@testable import OrderService
@testable import ServiceKit

/// A key that signs users' tokens somewhere else, as an identity provider has it.
struct SigningKey: Sendable {
    let kid: String
    let key = P256.Signing.PrivateKey()

    /// As a set publishes it.
    var jwk: JSON {
        let point = Array(key.publicKey.rawRepresentation)
        return [
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": .string(kid),
            "x": .string(Base64URL.encode(point[..<32])), "y": .string(Base64URL.encode(point[32...])),
        ]
    }

    /// A token for a customer of that campus.
    ///
    /// - `claims`: replace those it would have.
    /// - `kid`: in its header; the key's own when not given.
    func token(for campus: TestCampus, _ claims: JSONObject = [:], kid other: String? = nil) throws -> String {
        var all: JSONObject = [
            "sub": "stu_1", "role": "customer", "campus": .string(campus.id.description),
            "exp": .integer(SystemWallClock().now().seconds + 3_600),
        ]
        for member in claims.members { all[member.name] = member.value }
        let header: JSON = ["alg": "ES256", "typ": "JWT", "kid": .string(other ?? kid)]
        let signed = [header, .object(all)].map { Base64URL.encode($0.serialized()) }.joined(separator: ".")
        let signature = try key.signature(for: Array(signed.utf8))
        return signed + "." + Base64URL.encode(Array(signature.rawRepresentation))
    }
}

extension TestCampus {
    /// What asking for orders with that credential answers.
    func status(with credential: String) async throws -> Int {
        try await with(secret: credential).get("/v1/orders").status
    }
}

@Suite("Verification keys over HTTP")
struct VerificationKeyTests {
    @Test("A public key in PEM verifies tokens of its campus until it is revoked, and its name is never used again")
    func publicKey() async throws {
        try await TestCampus.run { campus in
            let signer = SigningKey(kid: "https://login.example.com/keys#1")
            let body: JSON = [
                "kid": .string(signer.kid), "algorithm": "ES256",
                "public_key": .string(signer.key.publicKey.pemRepresentation),
            ]
            let added = try await campus.post("/v1/verification-keys", body)
            #expect(added.status == 201, "\(added.body)")
            #expect(added["secret"] == nil)
            let token = try signer.token(for: campus)
            #expect(try await campus.status(with: token) == 200)
            #expect(try await campus.post("/v1/verification-keys", body).code == "verification-key-taken")

            let other = try await campus.other()
            let elsewhere = try signer.token(for: other)
            #expect(try await campus.status(with: elsewhere) == 401)

            let path = "/v1/verification-keys/https:%2F%2Flogin.example.com%2Fkeys%231/revoke"
            #expect(try await other.post(path).status == 404)
            let revoked = try await campus.post(path)
            #expect(revoked["revoked_at"]?.string != nil, "\(revoked.body)")
            try await eventually("its tokens hold no more", within: .seconds(6)) {
                try await campus.status(with: token) == 401
            }
            #expect(try await campus.post(path).code == "illegal-transition")
            #expect(try await campus.post("/v1/verification-keys", body).code == "verification-key-taken")
            let listed = try await campus.get("/v1/verification-keys")
            #expect(listed["items"]?.array?.map { $0["kid"]?.string } == [signer.kid])
        }
    }

    @Test("Campuses may use one provider's kid; each one's tokens are verified with its own key of that name")
    func sameName() async throws {
        try await TestCampus.run { campus in
            let other = try await campus.other()
            let (here, there) = (SigningKey(kid: "main"), SigningKey(kid: "main"))
            for (signer, place) in [(here, campus), (there, other)] {
                let pem = signer.key.publicKey.pemRepresentation
                let body: JSON = ["kid": "main", "algorithm": "ES256", "public_key": .string(pem)]
                #expect(try await place.post("/v1/verification-keys", body).status == 201)
            }
            #expect(try await campus.status(with: here.token(for: campus)) == 200)
            #expect(try await campus.status(with: there.token(for: other)) == 200)
            #expect(try await campus.status(with: there.token(for: campus)) == 401)
            #expect(try await campus.status(with: here.token(for: other)) == 401)
        }
    }

    @Test("An HS256 secret that is made here is shown once; one that is given is not shown at all")
    func secrets() async throws {
        try await TestCampus.run { campus in
            let made = try await campus.post(
                "/v1/verification-keys",
                ["kid": "a", "algorithm": "HS256"],
                idempotencyKey: "k"
            )
            let secret = try #require(made["secret"]?.string)
            #expect(made["public_key"] == .null)
            let again = try await campus.post(
                "/v1/verification-keys",
                ["kid": "a", "algorithm": "HS256"],
                idempotencyKey: "k"
            )
            #expect(again.status == 201)
            #expect(again["secret"] == nil)
            let own = VerificationKey.newSecret()
            let given = try await campus.post(
                "/v1/verification-keys",
                ["kid": "b", "algorithm": "HS256", "secret": .string(own)]
            )
            #expect(given.status == 201)
            let listed = try await campus.get("/v1/verification-keys")
            for text in [given.bytes, listed.bytes].map({ String(decoding: $0, as: UTF8.self) }) {
                #expect(!text.contains(own) && !text.contains(secret))
            }
            for (kid, material) in [("a", secret), ("b", own)] {
                let signer = try await VerificationKey(
                    kid: kid,
                    campus: campus.id,
                    algorithm: .hs256,
                    material: material,
                    revokedAt: nil
                )
                let claims: JSONObject = [
                    "sub": "stu_1", "role": "customer", "campus": .string(campus.id.description),
                    "exp": .integer(SystemWallClock().now().seconds + 60),
                ]
                #expect(try await campus.status(with: SignedToken(claims: claims, key: signer).text) == 200)
            }
        }
    }

    @Test("The keys of a set are added together, each for the algorithm of its type; secrets are never shown")
    func importing() async throws {
        try await TestCampus.run { campus in
            let signer = SigningKey(kid: "https://login.example.com/keys#2")
            let secret = VerificationKey.newSecret()
            let document: JSON = [
                "keys": [
                    signer.jwk, ["kty": "RSA", "use": "enc", "kid": "enc", "n": "x", "e": "AQAB"],
                    ["kty": "oct", "kid": "shared", "k": .string(secret)],
                ]
            ]
            let path = "/v1/verification-keys/import"
            let added = try await campus.post(path, document, idempotencyKey: "k1")
            #expect(added.status == 201, "\(added.body)")
            let items = added["items"]?.array ?? []
            #expect(items.map { $0["kid"]?.string } == [signer.kid, "shared"])
            #expect(items.map { $0["algorithm"] } == ["ES256", "HS256"])
            #expect(items.last?["public_key"] == .null)
            #expect(try await campus.status(with: signer.token(for: campus)) == 200)
            #expect(try await campus.post(path, document, idempotencyKey: "k1").bytes == added.bytes)

            let audit = try await campus.get("/v1/audit")
            #expect(
                Set((audit["items"]?.array ?? []).compactMap { $0["subject"]?.string }) == [signer.kid, "shared"]
            )
            #expect(audit["items"]?.array?.allSatisfy { $0["action"] == "verification_key.added" } == true)
            for answer in [added, audit, try await campus.get("/v1/verification-keys")] {
                #expect(!String(decoding: answer.bytes, as: UTF8.self).contains(secret))
            }
        }
    }

    @Test("Of a set with faults nothing is added, and each is named: those of its keys, names that are taken, too many")
    func importFaults() async throws {
        try await TestCampus.run { campus in
            let path = "/v1/verification-keys/import"
            #expect(try await campus.post(path, ["keys": []]).pointers == ["/keys"])
            #expect(try await campus.post(path, [:]).pointers == ["/keys"])
            #expect(try await campus.post(path, ["keys": ["x"]]).pointers == ["/keys/0"])
            let good = SigningKey(kid: "good").jwk
            let faulty = try await campus.post(
                path,
                ["keys": [good, ["kty": "EC", "kid": "a b", "crv": "P-521", "x": "", "y": ""], ["kty": "oct"], good]]
            )
            #expect(faulty.status == 422)
            #expect(
                faulty.pointers == [
                    "/keys/1/crv", "/keys/1/kid", "/keys/2/k", "/keys/2/kid", "/keys/3/kid",
                ]
            )
            #expect(try await campus.get("/v1/verification-keys")["items"] == [])

            #expect(try await campus.post(path, ["keys": [good]]).status == 201)
            let taken = try await campus.post(path, ["keys": [SigningKey(kid: "new").jwk, good]])
            #expect(taken.code == "verification-key-taken")
            #expect(taken.pointers == ["/keys/1/kid"])
            let many = (0..<100).map {
                JSON.object(["kty": "oct", "kid": .string("s\($0)"), "k": .string(VerificationKey.newSecret())])
            }
            #expect(try await campus.post(path, ["keys": .array(many)]).code == "too-many-credentials")
            #expect(try await campus.post(path, ["keys": .array(many + [good])]).pointers == ["/keys"])
            #expect(try await campus.count("verification_key") == 1)
            #expect(try await campus.post(path, ["keys": .array(Array(many.dropLast()))]).status == 201)
            #expect(try await campus.count("verification_key") == 100)
        }
    }

    @Test("What is no key, or one for another algorithm, is refused")
    func faults() async throws {
        try await TestCampus.run { campus in
            let pem = P256.Signing.PrivateKey().publicKey.pemRepresentation
            let edward = Curve25519.Signing.PrivateKey().publicKey.pemRepresentation
            let bodies: [(JSON, [String])] = [
                (["kid": "a b", "algorithm": "none"], ["/algorithm", "/kid"]),
                (["kid": "k", "algorithm": "ES256"], ["/public_key"]),
                (["kid": "k", "algorithm": "RS256", "public_key": .string(pem)], ["/public_key"]),
                (["kid": "k", "algorithm": "ES256", "public_key": .string(edward)], ["/public_key"]),
                (["kid": "k", "algorithm": "EdDSA", "public_key": .string(pem)], ["/public_key"]),
                (["kid": "k", "algorithm": "ES256", "public_key": "-----BEGIN PUBLIC KEY-----"], ["/public_key"]),
                (["kid": "k", "algorithm": "HS256", "public_key": .string(pem)], ["/public_key"]),
                (
                    [
                        "kid": "k", "algorithm": "ES256", "public_key": .string(pem),
                        "secret": .string(VerificationKey.newSecret()),
                    ], ["/secret"]
                ),
                (["kid": "k", "algorithm": "HS256", "secret": "short"], ["/secret"]),
                (
                    [
                        "kid": "k", "algorithm": "ES256",
                        "public_key": .string(P256.Signing.PrivateKey().pemRepresentation),
                    ],
                    ["/public_key"]
                ),
            ]
            for (body, pointers) in bodies {
                let answer = try await campus.post("/v1/verification-keys", body)
                #expect(answer.status == 422, "\(body.text)")
                #expect(answer.pointers == pointers, "\(body.text)")
            }
            #expect(try await campus.get("/v1/verification-keys")["items"] == [])
        }
    }
}
