import Model

/// The platform's subscription for one lunch: its receiver, its endpoint, and the feed that both are held against.
struct WebhookSubscription: Sendable {
    let receiver: WebhookReceiver
    private let campus: CampusAccess
    private let run: String
    /// Where the feed stood before lunch.
    private let feedStart: String?

    init(receiver: WebhookReceiver, campus: CampusAccess, run: String) async throws {
        self.receiver = receiver
        self.campus = campus
        self.run = run
        feedStart = try await campus.notify.get("/v1/events", query: [("after", "latest")])["next_after"]?.string
    }

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

    /// What the feed holds about these orders since before lunch.
    func feed(of orders: Set<String>) async throws -> [Account.FeedEvent] {
        var events: [Account.FeedEvent] = []
        var after = feedStart
        while true {
            let page = try await campus.notify.get("/v1/events", query: after.map { [("after", $0)] } ?? [])
            let items = page["items"]?.array ?? []
            events += items.compactMap(Account.FeedEvent.init).filter { $0.orderID.map(orders.contains) ?? false }
            guard let next = page["next_after"]?.string, !items.isEmpty else { return events }
            after = next
        }
    }

}

extension Account.FeedEvent {
    fileprivate init?(_ json: JSON) {
        guard let id = json["id"]?.string, let type = json["type"]?.string, let data = json["data"] else { return nil }
        self.init(
            id: id,
            type: type,
            orderID: data["order_id"]?.string,
            version: data["version"]?.integer ?? 0,
            customerID: data["customer_id"]?.string
        )
    }
}
