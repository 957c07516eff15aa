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
        var orderAccounts: [Account.Order] = []
        var refunds: [Account.Refund] = []
        var grants: [Account.Grant] = []
        for order in orders {
            orderAccounts.append(try await self.order(order))
            for summary in try await campus.afterSales.pages("/v1/cases", query: [("order_id", order.id)]) {
                let item = try await campus.afterSales.get("/v1/cases/\(summary["id"]?.string ?? "")")
                if let grant = grant(in: item, of: order) { grants.append(grant) }
                refunds += self.refunds(of: item, for: order)
            }
        }
        let owed = try await subscription.owed(to: endpoint)
        return Account(
            orders: orderAccounts,
            payments: payments,
            refunds: refunds,
            grants: grants,
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
