import Crypto
import HTTPTypes
import Model
import NIOHTTP1
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import OrderService

@Suite("Key sets that identity providers publish", .timeLimit(.minutes(5)))
struct KeySetTests {
    /// A campus with a set, and who publishes it.
    private func run(
        _ keys: [SigningKey],
        _ body: @Sendable @escaping (TestCampus, KeySetPublisher, _ set: String) async throws -> Void
    ) async throws {
        try await KeySetPublisher.run(keys) { publisher in
            try await TestCampus.run(settingsOfService: ["ALLOW_LOOPBACK_KEY_SETS": "true"]) { campus in
                let added = try await campus.post("/v1/key-sets", ["url": .string(publisher.url)])
                try #require(added.status == 201, "\(added.body)")
                try await body(campus, publisher, added.id)
            }
        }
    }

    private func set(_ campus: TestCampus) async throws -> JSON {
        try await campus.get("/v1/key-sets")["items"]?.array?.first ?? .null
    }

    /// Has what is published there fetched as though its time had come; every set of the campus when no address is given.
    private func makeDue(_ campus: TestCampus, _ url: String? = nil) async throws {
        _ = try await campus.pool.autocommit { session in
            try session.execute(
                """
                update campus.key_set set due_at = now()
                where campus_id = \(campus.id) and url = coalesce(\(url), url)
                """
            )
        }
    }

    private func becomes(_ status: Int, _ token: String, _ campus: TestCampus) async throws {
        try await eventually("the answer is \(status)") { try await campus.status(with: token) == status }
    }

    @Test("Its keys verify tokens as long as it publishes them; what has not changed is not sent again")
    func rotation() async throws {
        let (old, new) = (SigningKey(kid: "old"), SigningKey(kid: "new"))
        try await run([old]) { campus, publisher, _ in
            try await becomes(200, try old.token(for: campus), campus)
            #expect(try await campus.status(with: new.token(for: campus)) == 401)
            try await makeDue(campus)
            try await eventually("it was asked conditionally") {
                publisher.state.value.conditions == [nil, "\"1\""]
            }
            publisher.publish([old, new])
            try await makeDue(campus)
            try await becomes(200, try new.token(for: campus), campus)
            #expect(try await campus.status(with: old.token(for: campus)) == 200)
            publisher.publish([new])
            try await makeDue(campus)
            try await becomes(401, try old.token(for: campus), campus)
            #expect(try await campus.status(with: new.token(for: campus)) == 200)
            let shown = try await set(campus)
            #expect(shown["keys"] == [["kid": "new", "algorithm": "ES256"]])
            #expect(shown["failures"] == 0)
        }
    }

    @Test("While it cannot be had its last keys hold, and the fault is to be seen")
    func stale() async throws {
        let key = SigningKey(kid: "only")
        try await run([key]) { campus, publisher, _ in
            let token = try key.token(for: campus)
            try await becomes(200, token, campus)
            let troubles: [(String, (inout KeySetPublisher.State) -> Void, String)] = [
                ("an error", { $0.status = .internalServerError }, "it could not be fetched"),
                ("no JSON", { $0.text = "<html>" }, "it did not answer with JSON"),
                ("no set", { $0.text = "[]" }, "this is not a JSON Web Key Set"),
                (
                    "no key", { $0.text = #"{"keys":[]}"# },
                    "the set has no key that has a kid and is for RS256, ES256 or EdDSA"
                ),
                (
                    "a secret",
                    {
                        $0.text =
                            #"{"keys":[{"kty":"oct","kid":"only","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}"#
                    },
                    "the set has no key that has a kid and is for RS256, ES256 or EdDSA"
                ),
                (
                    "a flood", { $0.text = String(repeating: " ", count: 200_000) },
                    "it answered with more than 131072 bytes"
                ),
                (
                    "a way elsewhere",
                    {
                        $0.status = .found
                        $0.headers[.location] = "http://127.0.0.1:1/jwks"
                    },
                    "it could not be fetched"
                ),
            ]
            for (index, (name, trouble, fault)) in troubles.enumerated() {
                publisher.publish([], trouble)
                try await makeDue(campus)
                try await eventually("\(name) is seen") {
                    try await set(campus)["failures"] == .integer(Int64(index) + 1)
                }
                #expect(try await set(campus)["fault"]?.string == fault, "\(name)")
                #expect(try await campus.status(with: token) == 200, "\(name)")
            }
            #expect(try await set(campus)["keys"] == [["kid": "only", "algorithm": "ES256"]])
            publisher.publish([key])
            try await makeDue(campus)
            try await eventually("all is well again") { try await set(campus)["failures"] == 0 }
        }
    }

    @Test("A flood of tokens with unknown kids makes us ask once more, and not before half a minute has passed")
    func flood() async throws {
        let key = SigningKey(kid: "known")
        try await run([key]) { campus, publisher, _ in
            try await eventually("it was fetched") { try await set(campus)["fetched_at"] != .null }
            #expect(try await campus.status(with: key.token(for: campus)) == 200)
            // It is not due by itself for five minutes.
            #expect(publisher.asked == 1)
            let before = try await dueAfterAttempt(campus)
            #expect(before >= 60)
            for round in 0..<60 {
                #expect(try await campus.status(with: key.token(for: campus, kid: "unknown-\(round)")) == 401)
            }
            try await eventually("it is due half a minute after it was fetched") {
                try await dueAfterAttempt(campus) == 30
            }
            #expect(publisher.asked == 1)

            // That half minute over, one of all these tokens has it fetched, and the others wait for the next.
            _ = try await campus.pool.autocommit { session in
                try session.execute(
                    """
                    update campus.key_set set attempted_at = now() - interval '31 seconds', due_at = now() + interval '5 minutes'
                    where campus_id = \(campus.id)
                    """
                )
            }
            let new = SigningKey(kid: "brand-new")
            publisher.publish([key, new])
            try await becomes(200, try new.token(for: campus), campus)
            #expect(publisher.asked == 2)
            for round in 0..<60 {
                #expect(try await campus.status(with: key.token(for: campus, kid: "other-\(round)")) == 401)
            }
            #expect(publisher.asked == 2)
        }
    }

    /// How many seconds after it was last fetched it is fetched again.
    private func dueAfterAttempt(_ campus: TestCampus) async throws -> Int64 {
        try await campus.pool.autocommit { session in
            try session.one(
                "select extract(epoch from due_at - attempted_at)::bigint from campus.key_set where campus_id = \(campus.id)"
            ) { try $0[0] }
        }
    }

    @Test("A key of a set can be ended though it is still published, and a set with all its keys")
    func revoke() async throws {
        let (bad, good) = (SigningKey(kid: "bad"), SigningKey(kid: "good"))
        try await run([bad, good]) { campus, publisher, id in
            try await becomes(200, try bad.token(for: campus), campus)
            #expect(try await campus.post("/v1/verification-keys/bad/revoke").status == 200)
            try await becomes(401, try bad.token(for: campus), campus)
            let asked = publisher.asked
            try await makeDue(campus)
            try await eventually("it was fetched again") { publisher.asked > asked }
            #expect(try await campus.status(with: bad.token(for: campus)) == 401)
            #expect(try await campus.status(with: good.token(for: campus)) == 200)

            let other = try await campus.other()
            #expect(try await other.post("/v1/key-sets/\(id)/revoke").status == 404)
            #expect(try await campus.post("/v1/key-sets/\(id)/revoke")["revoked_at"]?.string != nil)
            try await becomes(401, try good.token(for: campus), campus)
            #expect(try await campus.post("/v1/key-sets/\(id)/revoke").code == "illegal-transition")
            #expect(try await campus.get("/v1/key-sets")["items"]?.array?.first?["keys"] == [])
            // The address is free again.
            #expect(try await campus.post("/v1/key-sets", ["url": .string(publisher.url)]).status == 201)
            #expect(
                try await campus.post("/v1/key-sets", ["url": .string(publisher.url)]).code == "verification-key-taken"
            )
        }
    }

    @Test("A key that was added to the campus comes before one of a set of the same name")
    func precedence() async throws {
        let (published, added) = (SigningKey(kid: "same"), SigningKey(kid: "same"))
        try await run([published]) { campus, _, _ in
            try await becomes(200, try published.token(for: campus), campus)
            let pem = added.key.publicKey.pemRepresentation
            let body: JSON = ["kid": "same", "algorithm": "ES256", "public_key": .string(pem)]
            #expect(try await campus.post("/v1/verification-keys", body).status == 201)
            try await becomes(200, try added.token(for: campus), campus)
            #expect(try await campus.status(with: published.token(for: campus)) == 401)
        }
    }

    @Test(
        "Of two sets that publish one kid the first has it until it gives it up; then the other is fetched again, whole",
        arguments: [true, false]
    )
    func sharedName(isRevoked: Bool) async throws {
        let (first, second) = (SigningKey(kid: "same"), SigningKey(kid: "same"))
        try await run([first]) { campus, publisher, set in
            try await becomes(200, try first.token(for: campus), campus)
            try await KeySetPublisher.run([second]) { other in
                let added = try await campus.post("/v1/key-sets", ["url": .string(other.url)])
                try #require(added.status == 201, "\(added.body)")
                try await eventually("the second set is fetched") {
                    let sets = try await campus.get("/v1/key-sets")["items"]?.array ?? []
                    return sets.count == 2 && sets.allSatisfy { $0["fetched_at"]?.string != nil }
                }
                #expect(try await campus.status(with: first.token(for: campus)) == 200)
                #expect(try await campus.status(with: second.token(for: campus)) == 401)

                // As though half a minute had passed since.
                _ = try await campus.pool.autocommit { session in
                    try session.execute(
                        """
                        update campus.key_set set attempted_at = attempted_at - interval '31 seconds'
                        where campus_id = \(campus.id)
                        """
                    )
                }
                if isRevoked {
                    #expect(try await campus.post("/v1/key-sets/\(set)/revoke").status == 200)
                } else {
                    publisher.publish([SigningKey(kid: "another")])
                    try await makeDue(campus, publisher.url)
                }
                try await eventually("the second set is fetched again, whole") {
                    other.state.value.conditions.dropFirst().contains { $0 == nil }
                }
                try await becomes(200, try second.token(for: campus), campus)
                #expect(try await campus.status(with: first.token(for: campus)) == 401)
            }
        }
    }

    @Test("Only public https addresses are taken where nothing else is allowed")
    func addresses() async throws {
        try await TestCampus.run { campus in
            for url in [
                "http://login.example.com/jwks", "https://127.0.0.1/jwks", "http://localhost:1/jwks",
                "https://metadata.internal/jwks", "https://10.0.0.1/", "https://user:pw@login.example.com/jwks",
            ] {
                let answer = try await campus.post("/v1/key-sets", ["url": .string(url)])
                #expect(answer.pointers == ["/url"], "\(url)")
            }
        }
    }

    @Test(
        "How long a set holds is what its provider says, within a minute and an hour; failures put it off longer each time"
    )
    func pauses() throws {
        let jwks = try JWKS(published: ["keys": [SigningKey(kid: "k").jwk]])
        func pause(_ age: Duration?) -> Duration {
            RefreshKeySets.pause(after: .init(outcome: .changed(jwks, etag: nil), maxAge: age), failures: 0)
        }
        #expect(pause(nil) == .seconds(300))
        #expect(pause(.zero) == .seconds(60))
        #expect(pause(.seconds(900)) == .seconds(900))
        #expect(pause(.seconds(86_400)) == .seconds(3_600))
        let failures = (0..<7).map { RefreshKeySets.pause(after: .failed("x"), failures: $0) }
        #expect(failures == [60, 120, 240, 480, 960, 960, 960].map { .seconds($0) })
        #expect(CacheControl.maxAge(["cache-control": "public, max-age=120, must-revalidate"]) == .seconds(120))
        #expect(CacheControl.maxAge(["cache-control": "no-store, max-age=120"]) == .zero)
        #expect(CacheControl.maxAge(["cache-control": "max-age=soon"]) == nil)
        #expect(CacheControl.maxAge([:]) == nil)
    }
}
