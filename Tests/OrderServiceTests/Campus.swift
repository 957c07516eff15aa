import EventLog
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Model
import NIOCore
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import OrderService
@testable import ServiceKit

/// The service on a database of its own, with a test campus and a key for it.
struct TestCampus: Sendable {
    let database: TestDatabase
    let id: CampusID
    let key: String
    let client: any TestClientProtocol
    let pool: ConnectionPool

    /// Runs the service for `body`.
    static func run(
        isTest: Bool = true,
        clock: any WallClock = SystemWallClock(),
        settings: JSON = [:],
        settingsOfService: [String: String] = [:],
        _ body: @Sendable @escaping (TestCampus) async throws -> Void
    ) async throws {
        try await withDatabase { database in
            try await serve(database, clock: clock, settings: settingsOfService) { client in
                try await body(try await seeded(database, client, isTest: isTest, settings: settings))
            }
        }
    }

    /// Runs the service on a database that is there.
    static func serve(
        _ database: TestDatabase,
        clock: any WallClock = SystemWallClock(),
        settings: [String: String] = [:],
        _ body: @Sendable @escaping (any TestClientProtocol) async throws -> Void
    ) async throws {
        let values = [
            "DATABASE_URL": database.url(as: .orderService), "HTTP_PORT": "0", "DATABASE_POOL_WAIT_S": "20",
        ]
        let configuration = try ServiceConfiguration(
            OrderServiceDefinition.allSettings,
            values: values.merging(settings) { _, given in given }
        )
        let runtime = try await ServiceRuntime(
            OrderServiceDefinition.self,
            configuration: configuration,
            clock: clock,
            logger: .silent
        )
        try await runtime.application.test(.live) { client in try await body(client) }
    }

    /// Another campus on the same database and service.
    func other() async throws -> TestCampus {
        try await Self.seeded(database, client, isTest: true, settings: [:])
    }

    /// The same campus, served by another run of the service.
    func with(_ client: any TestClientProtocol) -> TestCampus {
        TestCampus(database: database, id: id, key: key, client: client, pool: pool)
    }

    /// The same campus, asked with a token of a user's own instead of the platform's key.
    func signedIn(as user: String, merchantID: String? = nil) async throws -> TestCampus {
        let actor = try #require(Actor(user))
        let material = Base64URL.encode([UInt8](repeating: 7, count: 32))
        let signer = try await VerificationKey(
            kid: "users-\(id)",
            campus: id,
            algorithm: .hs256,
            material: material,
            revokedAt: nil
        )
        try await pool.autocommit { [id] session in
            try session.execute(
                """
                insert into campus.verification_key (kid, campus_id, algorithm, key)
                values (\(signer.kid), \(id), 'HS256', \(material)) on conflict do nothing
                """
            )
        }
        var claims: JSONObject = [
            "sub": .string(actor.id), "role": .string(actor.role.rawValue), "campus": .string(id.description),
            "exp": .integer(SystemWallClock().now().seconds + 3_600),
        ]
        if let merchantID { claims["merchant_id"] = .string(merchantID) }
        let token = try SignedToken(claims: claims, key: signer).text
        return TestCampus(database: database, id: id, key: token, client: client, pool: pool)
    }

    /// A new campus with a key for everything.
    static func seeded(
        _ database: TestDatabase,
        _ client: any TestClientProtocol,
        isTest: Bool = true,
        settings: JSON = [:]
    ) async throws -> TestCampus {
        var generator = SystemRandomNumberGenerator()
        let id = CampusID.make(at: SystemWallClock().now(), using: &generator)
        let keyID = KeyID.make(at: SystemWallClock().now(), using: &generator)
        let secret = PlatformKeySecret(using: &generator)
        let pool = try database.pool(as: .superuser)
        try await pool.transaction { session in
            let code = "c\(String(UInt32.random(in: .min ... .max), radix: 16))"
            try session.execute(
                """
                insert into campus.campus (id, code, name, is_test, settings) values (\(id), \(code), 'Test', \(isTest), \(settings))
                """
            )
            if isTest { try session.execute("insert into campus.campus_clock (campus_id) values (\(id))") }
            try session.execute(
                """
                insert into campus.platform_key (id, campus_id, name, prefix, secret_sha256, scopes)
                values (\(keyID), \(id), 'app', 'ck_test', \(secret.sha256.bytes), \(Scope.all.map(\.rawValue)))
                """
            )
        }
        return TestCampus(database: database, id: id, key: secret.text, client: client, pool: pool)
    }
}

/// A value that concurrent parts of a test hand to each other.
final class Box<Value: Sendable>: Sendable {
    private let storage: Mutex<Value>

    init(_ value: Value) {
        storage = Mutex(value)
    }

    var value: Value {
        get { storage.withLock { $0 } }
        set { storage.withLock { $0 = newValue } }
    }
}

extension TestCampus {
    /// Sends a request; POSTs get a fresh Idempotency-Key unless one is given.
    func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: JSON? = nil,
        as actor: String? = nil,
        idempotencyKey: String? = nil,
        headers more: HTTPFields = [:]
    ) async throws -> Answer {
        var headers = more
        headers[.authorization] = "Bearer \(key)"
        if let actor, let name = HTTPField.Name("X-Actor") { headers[name] = actor }
        if method == .post, let name = HTTPField.Name("Idempotency-Key") {
            headers[name] = idempotencyKey ?? String(UInt64.random(in: .min ... .max), radix: 36)
        }
        if body != nil { headers[.contentType] = "application/json" }
        return try await client.execute(
            uri: path,
            method: method,
            headers: headers,
            body: body.map { ByteBuffer(bytes: $0.serialized()) }
        ) { response in
            Answer(status: response.status.code, headers: response.headers, bytes: Array(buffer: response.body))
        }
    }

    func post(
        _ path: String,
        _ body: JSON = [:],
        as actor: String? = nil,
        idempotencyKey: String? = nil
    ) async throws -> Answer {
        try await send(.post, path, body, as: actor, idempotencyKey: idempotencyKey)
    }

    func get(_ path: String, as actor: String? = nil) async throws -> Answer {
        try await send(.get, path, as: actor)
    }

    /// A request to place an order of 20.00 yuan at the shop `m_1` for the customer `stu_1`.
    func orderBody(externalID: String? = nil, source: String? = nil, customer: String = "stu_1") -> JSON {
        var body: JSONObject = [
            "customer": ["id": .string(customer)],
            "merchant": ["id": "m_1", "name": "一食堂"],
            "lines": [
                ["sku": "rice", "name": "米饭", "category": "food", "unit_price_fen": 500, "quantity": 3],
                ["sku": "tea", "name": "茶", "category": "drink", "unit_price_fen": 300, "quantity": 1],
            ],
            "fees": ["delivery_fen": 200, "packaging_fen": 100],
            "discounts": [["funded_by": "platform", "amount_fen": 100, "coupon_id": "welcome"]],
            "dropoff": ["address": "紫荆 1 号楼"],
            "promised_at": "2026-03-01T04:30:00Z",
        ]
        if let externalID { body["external_id"] = .string(externalID) }
        if let source { body["source"] = .string(source) }
        return .object(body)
    }

    /// Places an order of 20.00 yuan.
    func place(externalID: String? = nil, source: String? = nil, customer: String = "stu_1") async throws -> String {
        let answer = try await post("/v1/orders", orderBody(externalID: externalID, source: source, customer: customer))
        try #require(answer.status == 201, "\(answer.body)")
        return answer.id
    }

    func payBody(_ transaction: String, _ fen: Int64 = 2_000, paidAt: Timestamp? = nil) -> JSON {
        [
            "channel": "sandbox", "transaction_id": .string(transaction), "amount_fen": .integer(fen),
            "paid_at": .string((paidAt ?? Timestamp(seconds: 1_772_337_000)).rfc3339),
        ]
    }

    @discardableResult
    func pay(_ order: String, _ transaction: String? = nil, _ fen: Int64 = 2_000) async throws -> Answer {
        try await post("/v1/orders/\(order)/pay", payBody(transaction ?? "t-\(order)", fen))
    }

    /// Moves an order on as the platform; requires that it goes.
    func move(_ order: String, _ actions: String...) async throws {
        for action in actions {
            let body: JSON =
                switch action {
                case "pickup": ["rider": ["id": "r_1", "name": "Wang"]]
                case "deliver": ["handover": ["kind": "door", "proof": ["code": "1234"]]]
                case "cancel", "reject": ["reason": "test"]
                default: [:]
                }
            let answer =
                action == "pay" ? try await pay(order) : try await post("/v1/orders/\(order)/\(action)", body)
            try #require(answer.status == 200, "\(action): \(answer.body)")
        }
    }

    /// The types of all events of an order, first to last.
    func events(of order: String) async throws -> [String] {
        let id = try #require(OrderID(order))
        return try await pool.autocommit { session in
            try session.query(
                "select type from campus.orders_event where subject_id = \(id) order by subject_version"
            ) { try $0[0] }
        }
    }

    /// Cause and amount of all money due back for an order, first to last.
    func refundsDue(for order: String) async throws -> [String] {
        let id = try #require(OrderID(order))
        return try await pool.autocommit { session in
            try session.query(
                """
                select (payload ->> 'cause') || ' ' || (payload ->> 'amount_fen') from campus.orders_event
                where subject_id = \(id) and type = 'order.refund_due' order by subject_version
                """
            ) { try $0[0] }
        }
    }

    /// The kinds of an order's timers.
    func timers(of order: String) async throws -> [String] {
        let id = try #require(OrderID(order))
        return try await pool.autocommit { session in
            try session.query("select kind from campus.orders_timer where subject_id = \(id) order by kind") {
                try $0[0]
            }
        }
    }

    /// How many rows a table has.
    func count(_ table: StaticString) async throws -> Int64 {
        try await pool.autocommit { session in
            try session.one("select count(*) from \(SQL(stringLiteral: "campus.\(table)"))") { try $0[0] }
        }
    }
}
