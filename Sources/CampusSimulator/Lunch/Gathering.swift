import Model

/// Asks every service what it knows of the lunch, when it is over.
struct Gathering: Sendable {
    let campus: CampusAccess
    let orders: [PlacedOrder]
    let people: LunchPeople
    let subscription: WebhookSubscription
    /// The subscription's endpoint.
    let endpoint: String

    /// Gathers it all as it is now, with what the till took.
    func account(payments: [Account.Payment]) async throws -> Account {
        let files = try await files()
        let owed = try await subscription.owed(to: endpoint)
        return Account(
            orders: files.map(\.order),
            payments: payments,
            refunds: files.flatMap(\.refunds),
            grants: files.flatMap(\.grants),
            inboxes: try await people.inboxes(),
            events: subscription.receiver.events,
            webhooksOwed: owed,
            webhookDeliveries: subscription.receiver.deliveries,
            webhookRefusals: subscription.receiver.refusals,
            webhookForgeries: subscription.receiver.forgeries,
            streamResumes: people.resumes,
            requestRepeats: campus.mishaps.repeats,
            unexpected: campus.mishaps.unexpected
        )
    }

    /// What is known of one order.
    private struct File: Sendable {
        let order: Account.Order
        var refunds: [Account.Refund] = []
        var grants: [Account.Grant] = []
    }

    /// The files of all orders, a few asked for at a time.
    private func files() async throws -> [File] {
        try await withThrowingTaskGroup(of: File.self) { group in
            var files: [File] = []
            var remaining = orders[...]
            for order in remaining.prefix(8) { group.addTask { try await file(of: order) } }
            remaining = remaining.dropFirst(8)
            while let file = try await group.next() {
                files.append(file)
                if let order = remaining.popFirst() { group.addTask { try await self.file(of: order) } }
            }
            return files.sorted { $0.order.plan.number < $1.order.plan.number }
        }
    }

    private func file(of placed: PlacedOrder) async throws -> File {
        var file = File(order: try await order(placed))
        for summary in try await campus.afterSales.pages("/v1/cases", query: [("order_id", placed.id)]) {
            let item = try await campus.afterSales.get("/v1/cases/\(summary["id"]?.string ?? "")")
            if let grant = grant(in: item, of: placed) { file.grants.append(grant) }
            file.refunds += refunds(of: item, for: placed)
        }
        return file
    }

    private func order(_ order: PlacedOrder) async throws -> Account.Order {
        let json = try await campus.order.get("/v1/orders/\(order.id)")
        let timeline = try await campus.order.pages("/v1/orders/\(order.id)/timeline")
        return Account.Order(
            plan: order.plan,
            id: order.id,
            status: json["status"]?.string ?? "",
            payableFen: order.payableFen,
            paidFen: (json["payments"]?.array ?? []).reduce(0) { $0 + ($1["amount_fen"]?.integer ?? 0) },
            changes: Dictionary(
                timeline.map { ($0["version"]?.integer ?? 0, $0["type"]?.string ?? "") },
                uniquingKeysWith: { "\($0) and \($1)" }
            )
        )
    }

    private func grant(in item: JSON, of order: PlacedOrder) -> Account.Grant? {
        guard item["system"]?.bool == false, let verdict = item["decision"]?["verdict"]?.string else { return nil }
        return Account.Grant(
            orderNumber: order.plan.number,
            verdict: verdict,
            fen: verdict == "rejected" ? 0 : item["approved_fen"]?.integer ?? 0
        )
    }

    private func refunds(of item: JSON, for order: PlacedOrder) -> [Account.Refund] {
        (item["refunds"]?.array ?? []).map { refund in
            Account.Refund(
                id: refund["id"]?.string ?? "",
                orderNumber: order.plan.number,
                fen: refund["amount_fen"]?.integer ?? 0,
                status: refund["status"]?.string ?? ""
            )
        }
    }
}
