import Foundation
import HTTPTypes
import HummingbirdTesting
import Logging
import Model
import NIOCore
import Postgres
import TestSupport
import Testing

@testable import ServiceKit

/// A campus with its credentials on a database of its own, and the probe in front of it.
struct ProbePlatform: Sendable {
    static let key = (secret: "ck_test0000000000000000000000000000000000000000", id: KeyID(high: 7, low: 7))

    let database: TestDatabase
    let campus: CampusID
    let code: String
    let signer: VerificationKey
    let clock: ManualClock
    let configuration: ServiceConfiguration

    /// Sets a campus up and lends it.
    static func with(
        isTest: Bool = false,
        settings: [String: String] = [:],
        _ body: (ProbePlatform) async throws -> Void
    ) async throws {
        try await withDatabase { database in
            try await body(ProbePlatform(database, isTest: isTest, settings: settings))
        }
    }

    init(_ database: TestDatabase, isTest: Bool, settings: [String: String] = [:]) async throws {
        self.database = database
        campus = CampusID.make(at: SystemWallClock().now())
        code = "north"
        clock = ManualClock()
        var values = [
            "DATABASE_URL": database.url(as: .orderService), "SEALING_KEY": "0000", "DATABASE_POOL_SIZE": "4",
            "DATABASE_POOL_WAIT_S": "20",
        ]
        values.merge(settings) { _, given in given }
        configuration = try ServiceConfiguration(Probe.allSettings, values: values)
        let material = Base64URL.encode([UInt8](repeating: 7, count: 32))
        signer = try await VerificationKey(
            kid: "north-1",
            campus: campus,
            algorithm: .hs256,
            material: material,
            revokedAt: nil
        )
        let stored = StoredCampus(
            id: campus,
            code: code,
            name: "North",
            timezone: "Asia/Shanghai",
            isTest: isTest,
            settings: [:]
        )
        let key = StoredVerificationKey(
            kid: "north-1",
            campus: campus,
            algorithm: "HS256",
            material: material,
            revokedAt: nil
        )
        try await database.pool().transaction { session in
            try CampusStore().insert(stored, in: session)
            try CredentialStore().insert(key, in: session)
        }
        try await issue(Self.key.secret, id: Self.key.id)
    }

    /// Stores a platform key with a secret that is known.
    func issue(
        _ secret: String,
        id: KeyID = KeyID.make(at: SystemWallClock().now()),
        scopes: [String] = Scope.all.map(\.rawValue),
        expiresAt: Timestamp? = nil
    ) async throws {
        let digest = SHA256Digest(of: secret.utf8).bytes
        try await database.pool().transaction { session in
            try session.execute(
                """
                insert into campus.platform_key (id, campus_id, name, prefix, secret_sha256, scopes, expires_at)
                values (\(id), \(campus), 'backend', 'ck_test', \(digest), \(scopes), \(expiresAt))
                """
            )
        }
    }

    /// A token of a user; `overrides` replace claims, or take them away with nil.
    func token(
        _ role: String = "customer",
        subject: String = "stu_1",
        overrides: [String: JSON?] = [:],
        signer other: VerificationKey? = nil
    ) throws -> String {
        var claims: JSONObject = [
            "sub": .string(subject), "role": .string(role), "campus": .string(code),
            "exp": .integer(clock.now().seconds + 3_600),
        ]
        for (name, value) in overrides { claims[name] = value }
        return try SignedToken(claims: claims, key: other ?? signer).text
    }

    func runtime(
        logger: Logger = .silent,
        onListening: @escaping @Sendable (Int) async -> Void = { _ in }
    ) async throws -> ServiceRuntime {
        try await ServiceRuntime(
            Probe.self,
            configuration: configuration,
            clock: clock,
            logger: logger,
            onListening: onListening
        )
    }

    /// Lends a client of the running probe.
    func serve(logger: Logger = .silent, _ body: @escaping @Sendable (ProbeClient) async throws -> Void) async throws {
        let token = try token()
        try await runtime(logger: logger).application.test(.router) { client in
            try await body(ProbeClient(client: client, token: token))
        }
    }

    /// How many things were made.
    func thingsMade() async throws -> Int64 {
        try await database.pool().autocommit { session in
            try session.one("select count(*) from campus.audit_entry where action = 'thing.made'") { try $0[0] }
        }
    }
}

/// Asks the probe, as a customer unless said otherwise.
struct ProbeClient: Sendable {
    let client: any TestClientProtocol
    let token: String

    struct Answer: Sendable {
        let status: Int
        let headers: HTTPFields
        let bytes: [UInt8]

        /// The body as JSON; null when it is not.
        var json: JSON { (try? JSON(parsing: bytes)) ?? .null }
        var code: String? { json["code"]?.string }
        var text: String { String(decoding: bytes, as: UTF8.self) }
        /// Each fault as `in pointer`.
        var faults: [String] {
            (json["errors"]?.array ?? []).map { "\($0["in"]?.string ?? "") \($0["pointer"]?.string ?? "")" }
        }
    }

    func ask(
        _ method: HTTPRequest.Method,
        _ uri: String,
        credential: String? = nil,
        headers: HTTPFields = [:],
        body: String? = nil,
        type: String? = "application/json"
    ) async throws -> Answer {
        var headers = headers
        let bearer = credential ?? token
        if !bearer.isEmpty { headers[.authorization] = "Bearer \(bearer)" }
        if body != nil, headers[.contentType] == nil { headers[.contentType] = type }
        let response = try await client.execute(
            uri: uri,
            method: method,
            headers: headers,
            body: body.map { ByteBuffer(string: $0) }
        )
        return Answer(
            status: response.status.code,
            headers: response.headers,
            bytes: Array(response.body.readableBytesView)
        )
    }

    /// Makes a thing under a key.
    func make(_ name: String, key: String, credential: String? = nil, headers: HTTPFields = [:]) async throws -> Answer
    {
        var headers = headers
        headers[.idempotencyKey] = key
        let body: JSON = ["name": .string(name), "price_fen": 100]
        return try await ask(.post, "/v1/things", credential: credential, headers: headers, body: body.text)
    }
}

/// Holds a refusal to the rules every problem follows.
func expectProblem(
    _ answer: ProbeClient.Answer,
    _ status: Int,
    _ code: String,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(answer.status == status, sourceLocation: sourceLocation)
    #expect(answer.code == code, "\(answer.text)", sourceLocation: sourceLocation)
    #expect(answer.headers[.contentType] == "application/problem+json", sourceLocation: sourceLocation)
    #expect(answer.json["status"]?.integer == Int64(status), sourceLocation: sourceLocation)
    #expect(answer.json["type"]?.string == "/problems/\(code)", sourceLocation: sourceLocation)
    #expect(answer.json["title"]?.string?.isEmpty == false, sourceLocation: sourceLocation)
    #expect(answer.json["request_id"]?.string == answer.headers[.requestID], sourceLocation: sourceLocation)
    #expect(OpenAPIDocument.problem.validate(answer.json).isEmpty, sourceLocation: sourceLocation)
}
