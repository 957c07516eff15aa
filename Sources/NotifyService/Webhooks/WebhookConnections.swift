import AsyncHTTPClient
import ServiceLifecycle
import Synchronization

/// The HTTP client of webhooks: made when first needed, closed when the process stops.
final class WebhookConnections: Service, Sendable {
    private let concurrency: Int
    private let made = Mutex<HTTPClient?>(nil)

    /// Connections for so many requests at once.
    init(concurrency: Int) {
        self.concurrency = concurrency
    }

    /// The client.
    var client: HTTPClient {
        made.withLock { made in
            if let made { return made }
            let client = HTTPClient(
                eventLoopGroupProvider: .singleton,
                configuration: WebhookSender.clientConfiguration(concurrency: concurrency)
            )
            made = client
            return client
        }
    }

    func run() async throws {
        try? await gracefulShutdown()
        try await close()
    }

    /// Closes the client, if there is one.
    func close() async throws {
        let client = made.withLock { $0.take() }
        try await client?.shutdown()
    }
}
