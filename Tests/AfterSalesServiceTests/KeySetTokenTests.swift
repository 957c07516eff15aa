import Crypto
import HTTPTypes
import Model
import Postgres
import TestSupport
import Testing

@testable import AfterSalesService
@testable import ServiceKit

@Suite("Tokens of an identity provider's keys", .timeLimit(.minutes(5)))
struct KeySetTokenTests {
    @Test("What OrderService fetched is believed here too, and a kid that nobody knows has it fetched again")
    func tokens() async throws {
        try await TestCampus.run { campus in
            let key = P256.Signing.PrivateKey()
            try await campus.pool.transaction { session in
                let set = KeySetID.make(at: SystemWallClock().now())
                try session.execute(
                    """
                    insert into campus.key_set (campus_id, id, url, created_at, attempted_at, due_at)
                    values (\(campus.id), \(set), 'https://login.example.com/jwks', now(), now(), now() + interval '1 hour')
                    """
                )
                try session.execute(
                    """
                    insert into campus.key_set_key (campus_id, kid, key_set_id, algorithm, key, seen_at)
                    values (\(campus.id), 'known', \(set), 'ES256', \(key.publicKey.pemRepresentation), now())
                    """
                )
            }
            let known = try await cases(campus, token(for: campus, kid: "known", key))
            #expect(known.status == 200)
            let unknown = try await cases(campus, token(for: campus, kid: "unknown", key))
            #expect(unknown.code == "unauthenticated")
            try await eventually("the set is due half a minute after its last fetch") {
                try await campus.number(
                    "select extract(epoch from due_at - attempted_at)::bigint from campus.key_set"
                ) == 30
            }
        }
    }

    private func cases(_ campus: TestCampus, _ token: String) async throws -> Answer {
        let user = TestCampus(
            database: campus.database,
            id: campus.id,
            key: token,
            client: campus.client,
            pool: campus.pool,
            orders: campus.orders
        )
        return try await user.send(.get, "/v1/cases")
    }

    private func token(for campus: TestCampus, kid: String, _ key: P256.Signing.PrivateKey) throws -> String {
        let header: JSON = ["alg": "ES256", "kid": .string(kid)]
        let claims: JSON = [
            "sub": "stu_1", "role": "customer", "campus": .string(campus.id.description),
            "exp": .integer(SystemWallClock().now().seconds + 600),
        ]
        let signed = [header, claims].map { Base64URL.encode($0.serialized()) }.joined(separator: ".")
        let signature = try key.signature(for: Array(signed.utf8)).rawRepresentation
        return signed + "." + Base64URL.encode(Array(signature))
    }
}
