import Crypto
import CryptoExtras
import HTTPTypes
import JWTKit
import Model
import Postgres
import TestSupport
import Testing

@testable import ServiceKit

@Suite("Authentication")
struct AuthenticationTests {
    private static let path = "/v1/things/018f0000-0000-7000-8000-000000000001"

    private func expectRefused(
        _ client: ProbeClient,
        _ credential: String,
        _ why: String,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let answer = try await client.ask(.get, Self.path, credential: credential)
        #expect(answer.status == 401, "\(why)", sourceLocation: sourceLocation)
        #expect(answer.code == "unauthenticated", "\(why)", sourceLocation: sourceLocation)
        #expect(answer.headers[.wwwAuthenticate]?.hasPrefix("Bearer realm=") == true, sourceLocation: sourceLocation)
    }

    @Test("A user's token of the campus says who asks")
    func acceptToken() async throws {
        try await ProbePlatform.with { platform in
            try await platform.serve { client in
                let answer = try await client.ask(.get, Self.path)
                #expect(answer.status == 200)
                #expect(answer.json["who"] == "customer:stu_1")
                let byID = try platform.token(overrides: ["campus": .string(platform.campus.description)])
                #expect(try await client.ask(.get, Self.path, credential: byID).status == 200)
                let merchant = try platform.token("merchant", subject: "u_9", overrides: ["merchant_id": "mer_1"])
                #expect(try await client.ask(.get, Self.path, credential: merchant).json["who"] == "merchant:u_9")
            }
        }
    }

    @Test("What is not a valid token is refused, whatever it claims")
    func refuseTokens() async throws {
        try await ProbePlatform.with { platform in
            let now = platform.clock.now().seconds
            let cases: [(String, [String: JSON?])] = [
                ("expired", ["exp": .integer(now)]), ("no expiry", ["exp": .some(nil)]),
                ("an expiry that is no time", ["exp": "tomorrow"]), ("not yet", ["nbf": .integer(now + 60)]),
                ("an nbf that is no time", ["nbf": "x"]), ("no subject", ["sub": .some(nil)]),
                ("a subject with a space", ["sub": "a b"]), ("a subject that is a number", ["sub": 1]),
                ("no role", ["role": .some(nil)]), ("a role of ours", ["role": "system"]),
                ("the platform's role", ["role": "platform"]), ("another campus", ["campus": "south"]),
                ("no campus", ["campus": .some(nil)]), ("a merchant without a shop", ["role": "merchant"]),
                ("a NUL", ["sub": "a\u{0}"]), ("an endless time", ["exp": 1e300]),
            ]
            try await platform.serve { client in
                for (why, overrides) in cases {
                    try await expectRefused(client, try platform.token(overrides: overrides), why)
                }
            }
        }
    }

    @Test("Forged tokens are refused: other keys, other algorithms, none at all")
    func refuseForgeries() async throws {
        try await ProbePlatform.with { platform in
            let good = try platform.token()
            let parts = good.split(separator: ".").map(String.init)
            func header(_ json: JSON) -> String { Base64URL.encode(json.serialized()) }
            func key(_ byte: UInt8, kid: String) async throws -> VerificationKey {
                try await VerificationKey(
                    kid: kid,
                    campus: platform.campus,
                    algorithm: .hs256,
                    material: Base64URL.encode([UInt8](repeating: byte, count: 32)),
                    revokedAt: nil
                )
            }
            let none = header(["alg": "none", "typ": "JWT", "kid": "north-1"])
            let critical = header(["alg": "HS256", "kid": "north-1", "crit": ["exp"]])
            let wrongAlgorithm = header(["alg": "HS512", "typ": "JWT", "kid": "north-1"])
            let noKid = header(["alg": "HS256"])
            let cases = [
                ("another secret", try platform.token(signer: try await key(8, kid: "north-1"))),
                ("an unknown kid", try platform.token(signer: try await key(7, kid: "north-2"))),
                ("alg none", "\(none).\(parts[1])."), ("alg none with a signature", "\(none).\(parts[1]).\(parts[2])"),
                ("another alg under the same key", "\(wrongAlgorithm).\(parts[1]).\(parts[2])"),
                ("crit", "\(critical).\(parts[1]).\(parts[2])"), ("no kid", "\(noKid).\(parts[1]).\(parts[2])"),
                ("a changed claim", "\(parts[0]).\(header(["sub": "stu_2"])).\(parts[2])"),
                ("a changed signature", "\(parts[0]).\(parts[1]).\(String(parts[2].reversed()))"),
                ("padding", good + "="), ("two parts", "\(parts[0]).\(parts[1])"), ("four parts", good + ".x"),
                ("nothing", "x"), ("dots", ".."), ("a very long one", good + String(repeating: "A", count: 9_000)),
            ]
            try await platform.serve { client in
                for (why, token) in cases { try await expectRefused(client, token, why) }
                #expect(try await client.ask(.get, Self.path, credential: good).status == 200)
            }
        }
    }

    @Test("A public key cannot be used as a shared secret, and each algorithm verifies its own")
    func algorithms() async throws {
        try await ProbePlatform.with { platform in
            let ecdsa = P256.Signing.PrivateKey()
            let eddsa = Curve25519.Signing.PrivateKey()
            let rsa = try Insecure.RSA.PrivateKey(pem: Self.rsaPrivateKey)
            let keys = [
                ("es", "ES256", ecdsa.publicKey.pemRepresentation), ("ed", "EdDSA", eddsa.publicKey.pemRepresentation),
                ("rs", "RS256", rsa.publicKey.pemRepresentation),
            ]
            try await platform.database.pool().transaction { session in
                for (kid, algorithm, pem) in keys {
                    let key = StoredVerificationKey(
                        kid: kid,
                        campus: platform.campus,
                        algorithm: algorithm,
                        material: pem,
                        revokedAt: nil
                    )
                    try CredentialStore().insert(key, in: session)
                }
            }
            let collection = JWTKeyCollection()
            await collection.add(ecdsa: try ES256PrivateKey(backing: ecdsa), kid: "es")
            await collection.add(eddsa: try EdDSA.PrivateKey(pem: eddsa.pemRepresentation), kid: "ed")
            await collection.add(rsa: rsa, digestAlgorithm: .sha256, kid: "rs")
            let claims = Claims(
                sub: "stu_1",
                role: "customer",
                campus: "north",
                exp: Double(platform.clock.now().seconds + 60)
            )
            try await platform.serve { client in
                for kid in ["es", "ed", "rs"] {
                    let token = try await collection.sign(claims, kid: JWKIdentifier(string: kid))
                    #expect(try await client.ask(.get, Self.path, credential: token).status == 200, "\(kid)")
                }
                // The classic confusion: HS256 with the public key's text as the secret.
                for (kid, _, pem) in keys {
                    let header: JSON = ["alg": "HS256", "kid": .string(kid)]
                    let body = try platform.token().split(separator: ".")[1]
                    let signed = "\(Base64URL.encode(header.serialized())).\(body)"
                    let mac = HMAC<SHA256>.authenticationCode(
                        for: Array(signed.utf8),
                        using: SymmetricKey(data: Array(pem.utf8))
                    )
                    try await expectRefused(client, "\(signed).\(Base64URL.encode(Array(mac)))", kid)
                }
            }
        }
    }

    @Test("A key of another campus opens that campus only")
    func otherCampus() async throws {
        try await ProbePlatform.with { platform in
            let south = CampusID.make(at: SystemWallClock().now())
            let material = Base64URL.encode([UInt8](repeating: 9, count: 32))
            try await platform.database.pool().transaction { session in
                let campus = StoredCampus(
                    id: south,
                    code: "south",
                    name: "South",
                    timezone: "Asia/Shanghai",
                    isTest: false,
                    settings: [:]
                )
                try CampusStore().insert(campus, in: session)
                let key = StoredVerificationKey(
                    kid: "south-1",
                    campus: south,
                    algorithm: "HS256",
                    material: material,
                    revokedAt: nil
                )
                try CredentialStore().insert(key, in: session)
            }
            let signer = try await VerificationKey(
                kid: "south-1",
                campus: south,
                algorithm: .hs256,
                material: material,
                revokedAt: nil
            )
            try await platform.serve { client in
                // Signed by the south's key, claiming the north.
                try await expectRefused(client, try platform.token(signer: signer), "another campus's key")
                let own = try platform.token(overrides: ["campus": "south"], signer: signer)
                #expect(try await client.ask(.get, Self.path, credential: own).status == 200)
            }
        }
    }

    @Test("Platform keys act by their scopes, for themselves or for a stated user")
    func platformKeys() async throws {
        try await ProbePlatform.with { platform in
            try await platform.issue("ck_readonly", scopes: ["orders:read"])
            try await platform.serve { client in
                let key = ProbePlatform.key.secret
                let own = try await client.ask(.get, Self.path, credential: key)
                #expect(own.json["who"] == "platform:backend")
                func acting(_ actor: String, _ credential: String = key) async throws -> ProbeClient.Answer {
                    try await client.ask(.get, Self.path, credential: credential, headers: [.actor: actor])
                }
                #expect(try await acting("customer:stu_7").json["who"] == "customer:stu_7")
                expectProblem(try await acting("rider:rid_1"), 403, "forbidden")
                for wrong in ["nobody", "system:x", "platform:x", "customer:", "customer:a b"] {
                    let answer = try await acting(wrong)
                    expectProblem(answer, 422, "validation")
                    #expect(answer.faults == ["header /X-Actor"])
                }
                expectProblem(try await acting("customer:stu_1", client.token), 422, "validation")
                expectProblem(try await client.make("x", key: "k", credential: "ck_readonly"), 403, "forbidden")
                try await expectRefused(client, "ck_unknown", "an unknown key")
                try await expectRefused(client, "", "nothing")
            }
        }
    }

    @Test("Roles open what they are for")
    func roles() async throws {
        try await ProbePlatform.with { platform in
            try await platform.serve { client in
                let rider = try platform.token("rider")
                expectProblem(try await client.ask(.get, Self.path, credential: rider), 403, "forbidden")
                expectProblem(try await client.ask(.delete, Self.path), 403, "forbidden")
                let key = ProbePlatform.key.secret
                let edit = try await client.ask(.put, Self.path, credential: key, headers: [.ifMatch: #""v7""#])
                expectProblem(edit, 403, "forbidden")
            }
        }
    }

    @Test("Keys end when they expire, are revoked or withdrawn: within five seconds", .timeLimit(.minutes(1)))
    func ending() async throws {
        try await ProbePlatform.with { platform in
            let soon = platform.clock.now() + .seconds(60)
            try await platform.issue("ck_short", expiresAt: soon)
            let pool = try platform.database.pool()
            try await platform.serve { client in
                #expect(try await client.ask(.get, Self.path, credential: "ck_short").status == 200)
                platform.clock.advance(by: .seconds(60))
                try await expectRefused(client, "ck_short", "expired, though cached")

                let key = ProbePlatform.key
                #expect(try await client.ask(.get, Self.path, credential: key.secret).status == 200)
                #expect(try await client.ask(.get, Self.path).status == 200)
                let campus = platform.campus
                try await pool.transaction { session in
                    let administration = Administration(
                        of: campus,
                        by: Administrator(operator: Actor(role: .admin, id: "cli")),
                        at: SystemWallClock().now()
                    )
                    _ = try administration.revokeKey(key.id, in: session)
                    _ = try administration.revokeVerificationKey("north-1", in: session)
                }
                let revoked = ContinuousClock.now
                for credential in [key.secret, client.token] {
                    try await eventually("the revocation holds", within: .seconds(6)) {
                        try await client.ask(.get, Self.path, credential: credential).status == 401
                    }
                }
                #expect(ContinuousClock.now - revoked < .seconds(6))
            }
        }
    }

    @Test("A token ends with its key, also when another key takes the name", .timeLimit(.minutes(1)))
    func replaced() async throws {
        try await ProbePlatform.with { platform in
            let pool = try platform.database.pool()
            let material = Base64URL.encode([UInt8](repeating: 9, count: 32))
            try await platform.serve { client in
                #expect(try await client.ask(.get, Self.path).status == 200)
                try await pool.autocommit { session in
                    _ = try session.execute("update campus.verification_key set key = \(material)")
                }
                try await eventually("the old key's token is refused", within: .seconds(10)) {
                    try await client.ask(.get, Self.path).status == 401
                }
            }
        }
    }

    @Test("Weak or broken verification keys are not accepted")
    func weakKeys() async {
        let campus = CampusID(high: 1, low: 1)
        for (algorithm, material) in [
            (VerificationKey.Algorithm.hs256, Base64URL.encode([UInt8](repeating: 1, count: 31))),
            (.hs256, "not base64!"),
            (.rs256, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"), (.es256, ""), (.edDSA, "x"),
            (.es256, Curve25519.Signing.PrivateKey().publicKey.pemRepresentation),
        ] {
            await #expect(throws: InvalidVerificationKey.self) {
                try await VerificationKey(
                    kid: "k",
                    campus: campus,
                    algorithm: algorithm,
                    material: material,
                    revokedAt: nil
                )
            }
        }
    }

    /// Made for these tests alone.
    private static let rsaPrivateKey = """
        -----BEGIN PRIVATE KEY-----
        MIIEuwIBADANBgkqhkiG9w0BAQEFAASCBKUwggShAgEAAoIBAQDQlepfRJPAIrnX
        VbgL3BneY6mbFnuNho2cVuYsm3XRGSrT+tAnn/9jjZ+rQ7nPnQ0zugOKOAwUY18K
        Gv1nkb4IymsEIGA+G/gCzGxO7/PBJfpkhoWaHNd8oEUh5BIIP/3xFjXTAbrt43Wm
        fkggaJShOgBnBhvym/oB3vWHYT7Ti6WnYcrxova2SYo5FtumJruR/xciITFwIws6
        1qm11Uu90oR81+E3ZOXUoShkgApzmoiQJp8dXNCoS+RRHp/v9jEjs9WNI1VpwAa7
        AtNlNYvTFTsR2Ai5tEXSAauTnpwFlhQQFWxGFXTJAbvREm7FnYCnECAHJUub9TpK
        oBBclXdTAgMBAAECggEABwPDqgiIX4HLdi5vzhZM2GnJnmmXJh9MS+GwQ/fGco3C
        HvbkYTDESfjNUdkpOo4xj3fF/rP71AOzgod91inUlj8Ycj8UfYI7SPzO96iiLfC1
        BwRvIcuug4ZwTL96y8Q7KgxxKvN38eAgaMT+b/iUZweoU86kyffs5Hs3DqJ6lmqg
        UJ7tZ0h6zd9aDx4cRIG0DOFHGq0xjrMwSbE6wpJsOjRK+pAMhLrpC3y1FD+mt3NT
        i9b7nfP2VUvCaujZXF1vUzpqsJpfnkCuiQVdlTFUuYHraNyPTD172S5NoOEVpPWb
        QEXMVDPTWoNtm3dhIyqM2BkdgfStAqmvYZPayxteoQKBgQDn2fGv/FKsA04g5DwP
        hj+MAfLyWGGgTm2e5mz7u/Y0ozGRTKsBsdywJYkFTUkWmcQHwmO6iPGAVqB6goXI
        ns2V5xsxuCvlo95bXf9Fr5wNYk4B1/IR/h6Q6zgXr7V56l0cPVTMoJmjpURv3lzt
        eY5LCHSj1Fzvxy1RsCZTtYiwlwKBgQDmT53d1m4/vWrs/mrl1rr7sOFmxJpe91ew
        hmoXdy2/rz5QtSqoJH62GjczPbFD3j8oKP7kAabAJNLwO92Saew+PNvJHVJ5dQEr
        3MsIiKiac7ktwKOBjuQ3Jbl0ZErfbgKVkoOwmseZlFEHUHIRB8xN76+90PYCs/Hz
        YAYBiRBKpQKBgEtlVHMmWrwVVxLbJazmu0OMXrTwiM7Ysk06Iba7KRV0/GmDxRiH
        /nxJuIVA3MO8vULItCW04tQZV5Z/W4IiIjjdLrq8aYoEAAs2Rg0jTlwL29I9pzqy
        qL33wAXz3dAHpr/IMgtZLp1I4Th/1zhijyNXXJbqOE7BNruZzNzr68eBAn9NXnGq
        FF71Cqzg8Jb4nyoxYzpVS7aQMIdExeLd/ytfOX+1nSa3VYs7oZLpo8/o/MA6vYrj
        Dar24Wf7TCEjDnJOdiNfbHpIUwYRthp+w2ngeP+8XvqOi3IfFI04jHiallpH5PBY
        Y6ap8SlHS78F+Zioldxz5769KbYeDCP4YBMZAoGBAMzswS7agGYRTx52qot97Mw+
        CFs2N+RjqTxHFXLIrwi03eLh6o99iYM+LA/XOvtPWDAaBeKhRV7oiNc6qX87WR16
        +zrLNuG/W9zw+4SFVbG5oZGk1RILClCLNQjDvmAFlK/Cf1P1G15aQXO64mYB5FIb
        NtL74XUlIaAw0lSkKxsH
        -----END PRIVATE KEY-----
        """

    private struct Claims: JWTPayload {
        let sub: String
        let role: String
        let campus: String
        let exp: Double

        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }
}

@Suite("Caches")
struct CacheTests {
    @Test("A cache shares look-ups, keeps what is found, forgets what failed, and is bounded")
    func cache() async throws {
        let calls = Counter()
        let cache = ExpiringCache<Int, Int?>(lifetime: .seconds(60), capacity: 8) { key in
            await calls.add()
            try await Task.sleep(for: .milliseconds(20))
            if key < 0 { throw CancellationError() }
            return key == 0 ? nil : key * 2
        }
        try await withThrowingTaskGroup(of: Int?.self) { group in
            for _ in 0..<20 { group.addTask { try await cache.value(for: 3) } }
            for try await value in group { #expect(value == 6) }
        }
        #expect(await calls.count == 1)
        #expect(try await cache.value(for: 0) == nil)
        #expect(try await cache.value(for: 0) == nil)
        #expect(await calls.count == 2)
        for _ in 0..<2 { await #expect(throws: CancellationError.self) { try await cache.value(for: -1) } }
        #expect(await calls.count == 4)
        for key in 10..<40 { _ = try await cache.value(for: key) }
        #expect(cache.count <= 8)
        cache.removeAll()
        #expect(cache.count == 0)
    }

    @Test("What was used last stays longest")
    func leastRecentlyUsed() {
        var cache = LeastRecentlyUsed<Int, Int>(capacity: 8)
        for key in 0..<8 { cache[key] = key }
        #expect(cache[0] == 0)
        cache[8] = 8
        #expect(cache[0] == 0)
        #expect(cache[8] == 8)
        #expect(cache[1] == nil)
        #expect(cache.count <= 8)
    }

    private actor Counter {
        var count = 0
        func add() { count += 1 }
    }
}
