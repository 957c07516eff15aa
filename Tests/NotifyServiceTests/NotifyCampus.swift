import AsyncHTTPClient
import EventLog
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import Model
import NIOCore
import NIOHTTP1
import Postgres
import ServiceKit
import Synchronization
import TestSupport
import Testing

@testable import NotifyService

/// The service with limits that tests can wait for.
enum QuickNotify: ServiceDefinition {
    static let name = NotifyServiceDefinition.name
    static let title = NotifyServiceDefinition.title
    static let summary = NotifyServiceDefinition.summary
    static let stream = NotifyServiceDefinition.stream
    static let defaultPort = 0
    static let settings = NotifyServiceDefinition.settings
    static let problems = NotifyServiceDefinition.problems
    static let events = NotifyServiceDefinition.events

    @TaskLocal static var limits = StreamLimits()
    @TaskLocal static var timing = WebhookTiming(deadline: .seconds(30), haste: 1_000)

    static func build(_ foundation: ServiceFoundation) async throws -> ServiceParts {
        try NotifyServiceDefinition.build(foundation, limits: limits, schedule: timing)
    }
}

/// The service on a database of its own, with a test campus and a key for it.
struct NotifyCampus: Sendable {
    let database: TestDatabase
    let id: CampusID
    let key: String
    let instance: Instance

    /// One run of the service.
    struct Instance: Sendable {
        let port: Int
        let ticker: Ticker
        let hub: StreamHub
        let room: FeedWaitingRoom
        var address: String { "http://127.0.0.1:\(port)" }
    }

    static let encryptionKey = base64(Array(repeating: 7, count: 32))

    /// Runs the service for `body`.
    static func run(
        clock: any WallClock = SystemWallClock(),
        allowLoopback: Bool = true,
        settings: [String: String] = [:],
        logger: Logger = .silent,
        _ body: @Sendable @escaping (NotifyCampus) async throws -> Void
    ) async throws {
        try await withDatabase { database in
            try await serve(
                database,
                clock: clock,
                allowLoopback: allowLoopback,
                settings: settings,
                logger: logger
            ) { instance in
                try await body(try await seeded(database, instance))
            }
        }
    }

    /// Runs the service on a database that is there.
    static func serve(
        _ database: TestDatabase,
        clock: any WallClock = SystemWallClock(),
        allowLoopback: Bool = true,
        settings: [String: String] = [:],
        logger: Logger = .silent,
        _ body: @Sendable @escaping (Instance) async throws -> Void
    ) async throws {
        let values = [
            "DATABASE_URL": database.url(as: .notifyService), "HTTP_PORT": "0", "DATABASE_POOL_WAIT_S": "20",
            "NOTIFY_ENCRYPTION_KEY": encryptionKey, "CONTACT_KEYS": "k1:\(encryptionKey)",
            "ALLOW_LOOPBACK_WEBHOOKS": "\(allowLoopback)",
        ]
        let runtime = try await ServiceRuntime(
            QuickNotify.self,
            configuration: try ServiceConfiguration(
                QuickNotify.allSettings,
                values: values.merging(settings) { $1 }
            ),
            clock: clock,
            logger: logger
        )
        let ticker = runtime.foundation.ticker
        let hub = try #require(runtime.application.services.lazy.compactMap { $0 as? StreamHub }.first)
        let room = try #require(runtime.application.services.lazy.compactMap { $0 as? FeedWaitingRoom }.first)
        try await runtime.application.test(.live) { client in
            try await body(Instance(port: try #require(client.port), ticker: ticker, hub: hub, room: room))
        }
    }

    /// A new campus with a key for everything.
    static func seeded(_ database: TestDatabase, _ instance: Instance) async throws -> NotifyCampus {
        var generator = SystemRandomNumberGenerator()
        let id = CampusID.make(at: SystemWallClock().now(), using: &generator)
        let keyID = KeyID.make(at: SystemWallClock().now(), using: &generator)
        let secret = PlatformKeySecret(using: &generator)
        try await database.pool(as: .superuser, size: 1).transaction { session in
            let code = "c\(String(UInt32.random(in: .min ... .max), radix: 16))"
            try session.execute(
                "insert into campus.campus (id, code, name, is_test, settings) values (\(id), \(code), 'Test', true, '{}')"
            )
            try session.execute(
                """
                insert into campus.platform_key (id, campus_id, name, prefix, secret_sha256, scopes)
                values (\(keyID), \(id), 'app', 'ck_test', \(secret.sha256.bytes), \(Scope.all.map(\.rawValue)))
                """
            )
        }
        return NotifyCampus(database: database, id: id, key: secret.text, instance: instance)
    }

    /// Another campus on the same database and service.
    func other() async throws -> NotifyCampus {
        try await Self.seeded(database, instance)
    }

    /// The same campus, served by another run of the service.
    func with(_ instance: Instance) -> NotifyCampus {
        NotifyCampus(database: database, id: id, key: key, instance: instance)
    }
}

extension Answer {
    /// The numbers of the items.
    var numbers: [Int64] { (body["items"]?.array ?? []).compactMap { $0["seq"]?.integer } }
}

extension NotifyCampus {
    /// Headers of a request on behalf of `actor`.
    func headers(as actor: String?) -> HTTPFields {
        var headers: HTTPFields = [.authorization: "Bearer \(key)"]
        if let actor { headers[.actor] = actor }
        return headers
    }

    /// Sends a request; POSTs get a fresh Idempotency-Key unless one is given.
    func send(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ body: JSON? = nil,
        as actor: String? = nil,
        idempotencyKey: String? = nil,
        headers more: HTTPFields = [:]
    ) async throws -> Answer {
        var request = HTTPClientRequest(url: instance.address + path)
        request.method = HTTPMethod(rawValue: method.rawValue)
        var headers = headers(as: actor)
        for field in more { headers[field.name] = field.value }
        if method == .post {
            headers[.idempotencyKey] = idempotencyKey ?? String(UInt64.random(in: .min ... .max), radix: 36)
        }
        if let body {
            headers[.contentType] = "application/json"
            request.body = .bytes(ByteBuffer(bytes: body.serialized()))
        }
        for field in headers { request.headers.add(name: field.name.canonicalName, value: field.value) }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(120))
        return Answer(
            status: Int(response.status.code),
            headers: HTTPFields(
                response.headers.compactMap { name, value in
                    HTTPField.Name(name).map { HTTPField(name: $0, value: value) }
                }
            ),
            bytes: Array(buffer: try await response.body.collect(upTo: 10_000_000))
        )
    }

    func get(_ path: String, as actor: String? = nil) async throws -> Answer {
        try await send(.get, path, as: actor)
    }

    func post(
        _ path: String,
        _ body: JSON? = nil,
        as actor: String? = nil,
        idempotencyKey: String? = nil
    ) async throws -> Answer {
        try await send(.post, path, body, as: actor, idempotencyKey: idempotencyKey)
    }

    /// Appends events as OrderService does, and lets them be consumed.
    func append(_ events: [OrderEvent], at time: Timestamp = Samples.time) async throws {
        let pool = try database.pool(as: .orderService, size: 1)
        try await pool.transaction { session in
            try EventStore(stream: .orders).append(events.map { $0.recorded(in: id, at: time) }, in: session)
        }
        await pool.shutdown()
        instance.ticker.hint()
    }

    /// Tells a customer so many things, each about an order of its own.
    func tell(_ count: Int, to customer: String = "stu_1", at time: Timestamp = Samples.time) async throws {
        try await append((0..<count).map { _ in Samples.order(.accepted, id: .random(), customer: customer) }, at: time)
    }

    /// Waits until the inbox of a recipient has so many lines.
    func waitForInbox(of recipient: Recipient, lines: Int64) async throws {
        let pool = try database.pool(as: .notifyService, size: 1)
        try await eventually("\(recipient.kind) \(recipient.id) has \(lines) lines") {
            try await pool.autocommit { try InboxStore().state(of: recipient, in: $0).position.seq } >= lines
        }
        await pool.shutdown()
    }

    /// A customer of this campus.
    func customer(_ name: String = "stu_1") -> Recipient {
        Recipient(campus: id, kind: .customer, id: name)
    }
}

extension ID {
    /// A new id.
    static func random() -> ID { make(at: SystemWallClock().now()) }
}

extension OrderEvent {
    /// The event as OrderService appends it.
    func recorded(in campus: CampusID, at time: Timestamp = Samples.time, trace: String? = nil) -> NewEvent {
        NewEvent(
            type: type,
            campus: campus,
            subject: facts.orderID.retyped(),
            version: facts.version,
            root: facts.orderID.retyped(),
            actor: .system("test"),
            at: time,
            trace: trace,
            payload: json
        )
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

    func update<Result: Sendable>(_ body: @Sendable (inout Value) -> Result) -> Result {
        storage.withLock { value in body(&value) }
    }
}
