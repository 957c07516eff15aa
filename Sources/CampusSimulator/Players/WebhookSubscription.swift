import Model

/// The platform's subscription for one lunch: its receiver, and its endpoint at the service.
struct WebhookSubscription: Sendable {
    let receiver: WebhookReceiver
    let campus: CampusAccess
    let run: String

    /// Starts the receiver and tells the platform's address to the service.
    ///
    /// - Returns: The endpoint's id.
    func open(in group: inout ThrowingTaskGroup<Void, any Error>) async throws -> String {
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        let receiver = receiver
        group.addTask { try await receiver.run { continuation.yield($0) } }
        guard let port = await ports.first(where: { _ in true }) else { throw CancellationError() }
        let endpoint = try await campus.notify.post(
            "/v1/webhook-endpoints",
            ["url": .string("http://127.0.0.1:\(port)/webhooks"), "event_types": ["*"]],
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
}
