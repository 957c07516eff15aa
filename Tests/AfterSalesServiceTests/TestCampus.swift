import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Model
import NIOCore
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import AfterSalesService

/// The service on a database of its own, with a campus and a key for it.
struct TestCampus: Sendable {
    let database: TestDatabase
    let id: CampusID
    let key: String
    let client: any TestClientProtocol
    /// As the superuser, who sees everything.
    let pool: ConnectionPool
    /// As OrderService, which writes orders.
    let orders: ConnectionPool

    /// Runs the service for `body`, on a campus whose brake holds nothing back unless `settings` say so.
    ///
    /// A test campus, because payments come through the sandbox unless they say otherwise.
    static func run(
        isTest: Bool = true,
        clock: any WallClock = SystemWallClock(),
        settings: JSON = generous,
        logger: Logger = .silent,
        _ body: @Sendable @escaping (TestCampus) async throws -> Void
    ) async throws {
        try await withDatabase { database in
            let configuration = try ServiceConfiguration(
                AfterSales.allSettings,
                values: [
                    "DATABASE_URL": database.url(as: .afterSalesService), "HTTP_PORT": "0",
                    "DATABASE_POOL_WAIT_S": "20", "DATABASE_POOL_SIZE": "6",
                    "SANDBOX_CONFIRM_DELAY_S": "0.05", "REFUND_REQUEST_LIFETIME_S": "0",
                ]
            )
            let runtime = try await ServiceRuntime(
                AfterSales.self,
                configuration: configuration,
                clock: clock,
                logger: logger
            )
            try await runtime.application.test(.live) { client in
                try await body(try await seeded(database, client, isTest: isTest, settings: settings))
            }
        }
    }

    /// Caps that no test reaches by accident.
    static let generous: JSON = [
        "brake_campus_10min_fen": 100_000_000, "brake_merchant_day_fen": 100_000_000,
        "brake_customer_day_fen": 100_000_000,
    ]

    /// Another campus on the same database and service.
    func other(isTest: Bool = true) async throws -> TestCampus {
        try await Self.seeded(database, client, isTest: isTest, settings: Self.generous)
    }

    private static func seeded(
        _ database: TestDatabase,
        _ client: any TestClientProtocol,
        isTest: Bool,
        settings: JSON
    ) async throws -> TestCampus {
        var generator = SystemRandomNumberGenerator()
        let secret = PlatformKeySecret(using: &generator)
        let pool = try database.pool(as: .superuser, size: 2)
        let orders = try database.pool(as: .orderService, size: 2)
        let id = try await insertCampus(pool, isTest: isTest, settings: settings)
        let keyID = KeyID.make(at: SystemWallClock().now())
        try await pool.transaction { session in
            try session.execute(
                """
                insert into campus.platform_key (id, campus_id, name, prefix, secret_sha256, scopes)
                values (\(keyID), \(id), 'app', 'ck_test', \(secret.sha256.bytes), \(Scope.all.map(\.rawValue)))
                """
            )
        }
        return TestCampus(database: database, id: id, key: secret.text, client: client, pool: pool, orders: orders)
    }

    /// A campus without a service around it.
    static func insertCampus(_ pool: ConnectionPool, isTest: Bool, settings: JSON = generous) async throws -> CampusID {
        let id = CampusID.make(at: SystemWallClock().now())
        try await pool.transaction { session in
            let code = "c\(String(UInt32.random(in: .min ... .max), radix: 16))"
            try session.execute(
                """
                insert into campus.campus (id, code, name, is_test, settings)
                values (\(id), \(code), 'Test', \(isTest), \(settings))
                """
            )
            if isTest { try session.execute("insert into campus.campus_clock (campus_id) values (\(id))") }
        }
        return id
    }
}

extension Answer {
    /// The verdict of the case that it shows.
    var verdict: String? { body["decision"]?["verdict"]?.string }
    /// Whether the answer was stored before.
    var isReplayed: Bool { HTTPField.Name("Idempotent-Replayed").map { headers[$0] == "true" } ?? false }

    /// The names of the rules that approved or referred, of an explanation.
    func rules(_ outcome: String) -> [String] {
        let tried = body["decisions"]?.array?.last?["rules"]?.array ?? []
        return tried.filter { $0["outcome"]?.string == outcome }.compactMap { $0["rule"]?.string }
    }

    /// What a rule looked at, of the last decision of an explanation.
    func inputs(of rule: String) -> JSON? {
        let tried = body["decisions"]?.array?.last?["rules"]?.array ?? []
        return tried.first { $0["rule"]?.string == rule }?["inputs"]
    }
}

extension TestCampus {
    /// Sends a request as a user whom the key states; POSTs get a fresh Idempotency-Key unless one is given.
    func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: JSON? = nil,
        as actor: String? = nil,
        idempotencyKey: String? = nil,
        ifNoneMatch: String? = nil,
        raw: [UInt8]? = nil
    ) async throws -> Answer {
        var headers: HTTPFields = [.authorization: "Bearer \(key)"]
        headers[.ifNoneMatch] = ifNoneMatch
        if let actor, let name = HTTPField.Name("X-Actor") { headers[name] = actor }
        if method == .post, let name = HTTPField.Name("Idempotency-Key") {
            headers[name] = idempotencyKey ?? String(UInt64.random(in: .min ... .max), radix: 36)
        }
        if body != nil || raw != nil { headers[.contentType] = "application/json" }
        let bytes = raw ?? body?.serialized()
        return try await client.execute(
            uri: path,
            method: method,
            headers: headers,
            body: bytes.map { ByteBuffer(bytes: $0) }
        ) { response in
            Answer(status: response.status.code, headers: response.headers, bytes: [UInt8](buffer: response.body))
        }
    }

    /// Opens a refund case as the order's customer.
    func openCase(
        _ order: OrderID,
        _ reason: CaseReason,
        lines: JSON? = nil,
        as actor: String = "customer:stu_1",
        idempotencyKey: String? = nil
    ) async throws -> Answer {
        var body: JSONObject = [
            "order_id": .string(order.description), "kind": "refund", "reason": .string(reason.rawValue),
        ]
        body["lines"] = lines
        return try await send(.post, "/v1/cases", .object(body), as: actor, idempotencyKey: idempotencyKey)
    }

    /// Reads a case as staff until `condition` holds of it.
    @discardableResult
    func awaitCase(_ id: String, _ what: String, _ condition: (Answer) -> Bool) async throws -> Answer {
        var last: Answer?
        try await eventually(what) {
            let answer = try await send(.get, "/v1/cases/\(id)", as: "agent:kf_1")
            last = answer
            return condition(answer)
        }
        return try #require(last)
    }

    /// One number that a statement answers.
    func number(_ sql: SQL) async throws -> Int64 {
        try await pool.transaction { session in try session.one(sql) { row in try row[0] } }
    }

    /// What is reserved and refunded of an order, over all its payments.
    func promised(_ order: OrderID) async throws -> (reserved: Int64, refunded: Int64) {
        try await pool.transaction { session in
            try session.one(
                """
                select coalesce(sum(reserved_fen), 0)::bigint as reserved, coalesce(sum(refunded_fen), 0)::bigint as refunded
                from campus.refundable where campus_id = \(id) and order_id = \(order) and item = 'whole'
                """
            ) { row in (try row["reserved"], try row["refunded"]) }
        }
    }
}
