import AsyncHTTPClient
import Model
import NIOCore

/// The platform's subscription for one lunch: its receiver, and its endpoint at the service.
struct WebhookSubscription: Sendable {
    private enum Listening: Sendable, Equatable {
        case starting
        case at(port: Int)
        case ended
    }

    /// What tells the endpoints of lunches from all others.
    static let description = "A canteen lunch of the campus simulator"

    let receiver: WebhookReceiver
    let campus: CampusAccess
    let run: String

    /// Starts the receiver and tells the platform's address to the service.
    ///
    /// Endpoints of lunches that were cut off are taken away first.
    ///
    /// - Returns: The endpoint's id.
    func open(in group: inout ThrowingTaskGroup<Void, any Error>) async throws -> String {
        let port = try await listen(in: &group)
        try await closeAbandoned()
        let endpoint = try await campus.notify.post(
            "/v1/webhook-endpoints",
            [
                "url": .string("http://127.0.0.1:\(port)/webhooks"), "event_types": ["*"],
                "description": .string(Self.description),
            ],
            key: "\(run)-endpoint"
        )
        guard let id = endpoint["id"]?.string, let secret = endpoint["secret"]?.string else {
            throw MissingMember(request: "POST /v1/webhook-endpoints", members: "id, secret")
        }
        try receiver.expect(secret: secret)
        return id
    }

    /// Takes the endpoint away again.
    func close(_ endpoint: String) async throws {
        try await campus.notify.delete("/v1/webhook-endpoints/\(endpoint)")
    }

    /// The ids of all events that the service says it owed to the endpoint.
    func owed(to endpoint: String) async throws -> Set<String> {
        let deliveries = try await campus.notify.pages("/v1/webhook-endpoints/\(endpoint)/deliveries")
        return Set(deliveries.compactMap { $0["event_id"]?.string })
    }

    /// Starts the receiver.
    ///
    /// - Returns: Its port.
    private func listen(in group: inout ThrowingTaskGroup<Void, any Error>) async throws -> Int {
        let listening = Watched(Listening.starting)
        group.addTask { [receiver, mishaps = campus.mishaps] in
            var fault = "it ended by itself"
            do {
                try await receiver.run { port in listening.update { $0 = .at(port: port) } }
            } catch {
                fault = "\(error)"
            }
            if !Task.isCancelled { mishaps.note("the webhook receiver: \(fault)") }
            listening.update { $0 = .ended }
        }
        _ = await listening.wait(atMost: .seconds(10)) { $0 != .starting }
        guard case .at(let port) = listening.value else { throw ReceiverNotListening() }
        return port
    }

    /// Takes away what lunches left that could not tidy up: endpoints of theirs where nobody listens.
    private func closeAbandoned() async throws {
        for endpoint in try await campus.notify.pages("/v1/webhook-endpoints")
        where endpoint["description"]?.string == Self.description {
            guard let id = endpoint["id"]?.string, let url = endpoint["url"]?.string else { continue }
            if await !answers(url) { try await close(id) }
        }
    }

    /// Whether anything answers there, whatever it says.
    private func answers(_ url: String) async -> Bool {
        let answer = try? await campus.notify.http.execute(HTTPClientRequest(url: url), timeout: .seconds(2))
        return answer != nil
    }
}

/// The platform's webhook receiver could not listen.
struct ReceiverNotListening: Error, CustomStringConvertible {
    var description: String { "the webhook receiver does not listen" }
}
