import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Model
import NIOCore
import TestSupport

@testable import OrderService

/// An identity provider's end of a key set.
struct KeySetPublisher: Sendable {
    /// What it answers with, and what it was asked.
    struct State: Sendable {
        var keys: [JSON] = []
        var status = HTTPResponse.Status.ok
        /// Rises with each change of what is published.
        var version = 1
        /// Instead of a set.
        var text: String?
        var headers: HTTPFields = [:]
        /// The `If-None-Match` of each request.
        var conditions: [String?] = []
    }

    let state: Box<State>
    let port: Int

    var url: String { "http://127.0.0.1:\(port)/jwks" }

    /// How often it was asked.
    var asked: Int { state.value.conditions.count }

    /// Publishes these keys for `body`.
    static func run(
        _ keys: [SigningKey],
        _ body: @Sendable @escaping (KeySetPublisher) async throws -> Void
    ) async throws {
        let state = Box(State(keys: keys.map(\.jwk)))
        let router = Router()
        router.get("**") { request, _ in
            var now = state.value
            now.conditions.append(request.headers[.ifNoneMatch])
            state.value = now
            var headers = now.headers
            headers[.eTag] = "\"\(now.version)\""
            if request.headers[.ifNoneMatch] == headers[.eTag] {
                return Response(status: .notModified, headers: headers)
            }
            let text = now.text ?? JSON.object(["keys": .array(now.keys)]).text
            return Response(status: now.status, headers: headers, body: .init(byteBuffer: ByteBuffer(string: text)))
        }
        let application = Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            logger: .silent
        )
        try await application.test(.live) { client in
            try await body(KeySetPublisher(state: state, port: client.port ?? 0))
        }
    }

    /// Publishes other keys from now on, or what `change` makes of them.
    func publish(_ keys: [SigningKey], _ change: (inout State) -> Void = { _ in }) {
        var now = state.value
        now = State(keys: keys.map(\.jwk), version: now.version + 1, conditions: now.conditions)
        change(&now)
        state.value = now
    }
}
