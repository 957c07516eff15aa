import Crypto
import FoundationEssentials
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Model
import NIOCore
import TestSupport

@testable import NotifyService

/// A platform's end of webhooks.
struct WebhookReceiver: Sendable {
    /// What was received, in order.
    let received: Box<[Hook]>
    let port: Int

    var url: String { "http://127.0.0.1:\(port)/hook" }

    /// A request as it came.
    struct Hook: Sendable {
        let path: String
        let id: String
        let timestamp: String
        let signatures: [String]
        let trace: String?
        let body: [UInt8]
        let at: ContinuousClock.Instant

        var json: JSON { (try? JSON(parsing: body)) ?? .null }

        /// Whether one of the signatures is the secret's, computed anew from the standard's text.
        func isSigned(with secret: String) -> Bool {
            guard let key = Data(base64Encoded: String(secret.dropFirst(6))) else { return false }
            let content = Data("\(id).\(timestamp).".utf8) + body
            let code = HMAC<SHA256>.authenticationCode(for: content, using: SymmetricKey(data: key))
            return signatures.contains("v1," + Data(code).base64EncodedString())
        }
    }

    /// Runs a receiver for `body`.
    ///
    /// `answer` gets each request and how many came before it.
    static func run(
        answer: @escaping @Sendable (Hook, Int) async throws -> Response = { _, _ in Response(status: .noContent) },
        _ body: @Sendable @escaping (WebhookReceiver) async throws -> Void
    ) async throws {
        let received = Box<[Hook]>([])
        let router = Router()
        router.post("**") { request, _ in
            let bytes = Array(buffer: try await request.body.collect(upTo: 1_000_000))
            func header(_ name: String) -> String { HTTPField.Name(name).flatMap { request.headers[$0] } ?? "" }
            let hook = Hook(
                path: request.uri.path,
                id: header("webhook-id"),
                timestamp: header("webhook-timestamp"),
                signatures: header("webhook-signature").split(separator: " ", omittingEmptySubsequences: false).map(
                    String.init
                ),
                trace: request.headers[.traceparent],
                body: bytes,
                at: .now
            )
            let before = received.update { all in
                all.append(hook)
                return all.count - 1
            }
            return try await answer(hook, before)
        }
        let application = Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            logger: .silent
        )
        try await application.test(.live) { client in
            try await body(WebhookReceiver(received: received, port: client.port ?? 0))
        }
    }

    /// Waits until so many requests have come.
    func wait(for count: Int) async throws {
        try await eventually("\(count) webhooks arrived") { received.value.count >= count }
    }
}

extension NotifyCampus {
    /// Subscribes a receiver; returns the endpoint's id and secret.
    func subscribe(_ url: String, to types: [String] = ["*"]) async throws -> (id: String, secret: String) {
        let answer = try await post(
            "/v1/webhook-endpoints",
            ["url": .string(url), "event_types": .array(types.map(JSON.string))]
        )
        guard answer.status == 201, let id = answer["id"]?.string, let secret = answer["secret"]?.string else {
            throw NeverHappened(what: "an endpoint for \(url): \(answer.body.text)")
        }
        return (id, secret)
    }

    /// The deliveries of an endpoint, the newest event first.
    func deliveries(of endpoint: String, _ query: String = "") async throws -> [JSON] {
        try await get("/v1/webhook-endpoints/\(endpoint)/deliveries\(query)")["items"]?.array ?? []
    }

    /// Waits until so many deliveries of an endpoint stand at `status`.
    func waitForDeliveries(_ count: Int, of endpoint: String, _ status: String) async throws {
        try await eventually("\(count) deliveries are \(status)") {
            try await deliveries(of: endpoint, "?status=\(status)").count >= count
        }
    }
}
