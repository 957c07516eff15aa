import HTTPTypes
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import OrderService

extension TestCampus {
    /// The same campus, asked with another key.
    func with(secret: String) -> TestCampus {
        TestCampus(database: database, id: id, key: secret, client: client, pool: pool)
    }
}

@Suite("Platform keys over HTTP")
struct PlatformKeyTests {
    private static let replayed = HTTPField.Name.idempotentReplayed

    @Test("A key is shown once, does what it was issued for, and its secret is stored nowhere")
    func issue() async throws {
        try await TestCampus.run { campus in
            let body: JSON = ["name": "till", "scopes": ["orders:read", "orders:read"]]
            let issued = try await campus.post("/v1/keys", body, idempotencyKey: "k1")
            #expect(issued.status == 201, "\(issued.body)")
            let secret = try #require(issued["secret"]?.string)
            #expect(issued["scopes"] == ["orders:read"])
            #expect(issued["expires_at"] == .null)
            #expect(secret.hasPrefix(issued["prefix"]?.string ?? "?"))
            #expect(issued.headers[.cacheControl] == "no-store")

            let again = try await campus.post("/v1/keys", body, idempotencyKey: "k1")
            #expect(again.status == 201)
            #expect(again.headers[Self.replayed] == "true")
            #expect(again.id == issued.id)
            #expect(again["secret"] == nil)

            let till = campus.with(secret: secret)
            #expect(try await till.get("/v1/orders").status == 200)
            #expect(try await till.post("/v1/orders", campus.orderBody()).status == 403)

            let tables = ["platform_key", "orders_idempotency", "audit_entry"]
            for table in tables {
                let found: Int64 = try await campus.pool.autocommit { session in
                    try session.one(
                        """
                        select count(*) from \(SQL(stringLiteral: "campus.\(table)")) t
                        where position(\(secret) in t::text) > 0
                            or position(encode(convert_to(\(secret), 'UTF8'), 'hex') in t::text) > 0
                        """
                    ) { try $0[0] }
                }
                #expect(found == 0, "\(table)")
            }
            let listed = try await campus.get("/v1/keys")
            #expect(listed["items"]?.array?.count == 2)
            #expect(!String(decoding: listed.bytes, as: UTF8.self).contains(secret))
        }
    }

    @Test("What is wrong with a request is said at once; a key that would end at once is not issued")
    func faults() async throws {
        try await TestCampus.run { campus in
            let wrong = try await campus.post("/v1/keys", ["name": "a b", "scopes": ["orders:steal"], "days": 3])
            #expect(wrong.pointers == ["/days", "/name", "/scopes/0"])
            let none = try await campus.post("/v1/keys", ["name": "a", "scopes": []])
            #expect(none.pointers == ["/scopes"])
            let past = try await campus.post(
                "/v1/keys",
                ["name": "a", "scopes": ["orders:read"], "expires_at": "2020-01-01T00:00:00Z"]
            )
            #expect(past.pointers == ["/expires_at"])
        }
    }

    @Test(
        "A key never hands on more than it has: not by issuing, not by rotating a stronger one, not by adding who may sign"
    )
    func escalation() async throws {
        try await TestCampus.run { campus in
            let weak = try await campus.post("/v1/keys", ["name": "weak", "scopes": ["campus:admin", "orders:read"]])
            let strong = try await campus.post(
                "/v1/keys",
                ["name": "strong", "scopes": ["orders:read", "orders:write"]]
            )
            let holder = campus.with(secret: weak["secret"]?.string ?? "")
            for user in [nil, "admin:root"] {
                let more = try await holder.post(
                    "/v1/keys",
                    ["name": "x", "scopes": ["orders:read", "orders:write"]],
                    as: user
                )
                #expect(more.status == 403, "\(user ?? "-")")
                #expect(more["detail"] == "The platform key itself lacks orders:write.")
                #expect(try await holder.post("/v1/keys/\(strong.id)/rotate", as: user).status == 403)
                let signing: JSON = ["kid": "mine", "algorithm": "HS256"]
                #expect(try await holder.post("/v1/verification-keys", signing, as: user).status == 403)
                let keys: JSON = ["keys": [["kty": "oct", "kid": "mine"]]]
                #expect(try await holder.post("/v1/verification-keys/import", keys, as: user).status == 403)
                let set: JSON = ["url": "https://login.example.com/jwks"]
                #expect(try await holder.post("/v1/key-sets", set, as: user).status == 403)
            }
            #expect(try await campus.get("/v1/keys")["items"]?.array?.count == 3)
            #expect(try await campus.get("/v1/verification-keys")["items"] == [])
            // As much as it has it may hand on.
            let same = try await holder.post("/v1/keys", ["name": "x", "scopes": ["orders:read"]])
            #expect(same.status == 201)
            #expect(try await holder.post("/v1/keys/\(weak.id)/rotate").status == 201)
        }
    }

    @Test(
        "What reaches beyond the campus only a key that has it hands on, and whoever administers one campus needs none of it"
    )
    func beyondTheCampus() async throws {
        try await TestCampus.run { campus in
            let admin = try await campus.signedIn(as: "admin:root")
            let maker: JSON = ["name": "maker", "scopes": ["campuses:create"]]
            let refused = try await admin.post("/v1/keys", maker)
            #expect(refused.status == 403)
            #expect(refused["detail"] == "Administrators of a campus cannot hand on campuses:create.")
            let issued = try await campus.post("/v1/keys", maker)
            #expect(issued.status == 201)
            #expect(try await admin.post("/v1/keys/\(issued.id)/rotate").status == 403)

            let own = try await campus.post(
                "/v1/keys",
                ["name": "own", "scopes": .array(Scope.withinCampus.map { .string($0.rawValue) })]
            )
            let holder = campus.with(secret: own["secret"]?.string ?? "")
            #expect(try await holder.post("/v1/keys", maker).status == 403)
            let signing: JSON = ["kid": "mine", "algorithm": "HS256"]
            #expect(try await holder.post("/v1/verification-keys", signing).status == 201)
            let set: JSON = ["url": "https://login.example.com/jwks"]
            #expect(try await holder.post("/v1/key-sets", set).status == 201)
        }
    }

    @Test("Rotating leaves both keys for the overlap and never makes the old one last longer")
    func rotate() async throws {
        let clock = ManualClock(SystemWallClock().now())
        try await TestCampus.run(clock: clock) { campus in
            let end = clock.now() + .seconds(7_200)
            let issued = try await campus.post(
                "/v1/keys",
                ["name": "till", "scopes": ["orders:read"], "expires_at": .string(end.rfc3339)]
            )
            let first = campus.with(secret: issued["secret"]?.string ?? "")
            clock.advance(by: .seconds(60))
            let rotated = try await campus.post("/v1/keys/\(issued.id)/rotate", ["overlap_s": 600])
            #expect(rotated.status == 201, "\(rotated.body)")
            let second = campus.with(secret: rotated["secret"]?.string ?? "")
            #expect(rotated["replaces"]?["expires_at"]?.string == (clock.now() + .seconds(600)).rfc3339)
            // For as long as the old one was issued for.
            #expect(rotated["expires_at"]?.string == (clock.now() + .seconds(7_200)).rfc3339)
            #expect(rotated["name"] == "till")
            for key in [first, second] { #expect(try await key.get("/v1/orders").status == 200) }

            let longer = try await campus.post("/v1/keys/\(issued.id)/rotate", ["overlap_s": 86_400])
            #expect(longer["replaces"]?["expires_at"] == rotated["replaces"]?["expires_at"])
            clock.advance(by: .seconds(601))
            // Another process may have it cached for five seconds; its end it compares each time.
            #expect(try await first.get("/v1/orders").status == 401)
            #expect(try await second.get("/v1/orders").status == 200)
            let ended = try await campus.post("/v1/keys/\(issued.id)/rotate")
            #expect(ended.code == "illegal-transition")
            #expect(ended["state"] == "expired")
        }
    }

    @Test("A revoked key ends within five seconds, and for good")
    func revoke() async throws {
        try await TestCampus.run { campus in
            let issued = try await campus.post("/v1/keys", ["name": "till", "scopes": ["orders:read"]])
            let till = campus.with(secret: issued["secret"]?.string ?? "")
            #expect(try await till.get("/v1/orders").status == 200)
            let revoked = try await campus.post("/v1/keys/\(issued.id)/revoke")
            #expect(revoked["revoked_at"]?.string != nil)
            try await eventually("it holds no more", within: .seconds(6)) {
                try await till.get("/v1/orders").status == 401
            }
            #expect(try await campus.post("/v1/keys/\(issued.id)/revoke").code == "illegal-transition")
            #expect(try await campus.post("/v1/keys/\(issued.id)/rotate").code == "illegal-transition")
            let other = try await campus.other()
            for act in ["revoke", "rotate"] {
                #expect(try await other.post("/v1/keys/\(issued.id)/\(act)").status == 404)
                #expect(try await campus.post("/v1/keys/\(KeyID(high: 1, low: 1))/\(act)").status == 404)
            }
        }
    }

    @Test("The database itself keeps a key's end, whatever the service would have it do")
    func guarded() async throws {
        try await TestCampus.run { campus in
            let body: JSON = ["name": "till", "scopes": ["orders:read"], "expires_at": "2090-01-01T00:00:00Z"]
            let issued = try #require(KeyID(try await campus.post("/v1/keys", body).id))
            _ = try await campus.post("/v1/keys/\(issued)/revoke")
            let service = try campus.database.pool(as: .orderService, size: 1)
            let attempts: [(SQL, SQLState)] = [
                ("update campus.platform_key set revoked_at = null where id = \(issued)", .checkViolation),
                ("update campus.platform_key set expires_at = null where id = \(issued)", .checkViolation),
                (
                    "update campus.platform_key set expires_at = expires_at + interval '1 day' where id = \(issued)",
                    .checkViolation
                ),
                (
                    "update campus.platform_key set scopes = '{campus:admin}' where id = \(issued)",
                    .insufficientPrivilege
                ),
                (
                    "update campus.platform_key set secret_sha256 = sha256('x') where id = \(issued)",
                    .insufficientPrivilege
                ),
                ("delete from campus.platform_key", .insufficientPrivilege),
                ("delete from campus.verification_key", .insufficientPrivilege),
                ("update campus.verification_key set key = 'x'", .insufficientPrivilege),
                ("update campus.campus set is_test = true", .insufficientPrivilege),
                ("update campus.campus set code = 'mine'", .insufficientPrivilege),
                (
                    "insert into campus.campus (id, code, name, version) values (gen_random_uuid(), 'mine', 'M', 7)",
                    .insufficientPrivilege
                ),
                ("delete from campus.campus", .insufficientPrivilege),
                ("delete from campus.audit_entry", .insufficientPrivilege),
            ]
            for (statement, state) in attempts {
                let refusal = await #expect(throws: PostgresError.self) {
                    try await service.transaction { session in try session.execute(statement) }
                }
                #expect(refusal?.sqlState == state, "\(statement.text)")
            }
            for role in [TestRole.afterSalesService, .notifyService] {
                let other = try campus.database.pool(as: role, size: 1)
                for statement: SQL in [
                    "update campus.platform_key set expires_at = now()", "update campus.campus set settings = '{}'",
                    "insert into campus.campus (id, code, name) values (gen_random_uuid(), 'mine', 'M')",
                    "insert into campus.key_set_key (campus_id, kid, key_set_id, algorithm, key, seen_at) values (gen_random_uuid(), 'k', gen_random_uuid(), 'ES256', 'x', now())",
                    "select * from campus.audit_entry",
                ] {
                    let refusal = await #expect(throws: PostgresError.self) {
                        try await other.transaction { session in try session.execute(statement) }
                    }
                    #expect(refusal?.sqlState == .insufficientPrivilege, "\(statement.text)")
                }
            }
        }
    }
}
