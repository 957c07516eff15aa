import Model

/// Asks every service what it knows of the lunch, when it is over.
struct Gathering: Sendable {
    let campus: CampusAccess
    let orders: [PlacedOrder]
    let people: LunchPeople
    let subscription: WebhookSubscription

    /// Gathers it all, first waiting until the webhooks and streams have caught up with the feed and the inboxes.
    func account(payments: [Account.Payment], settling: Duration) async throws -> Account {
        var orderAccounts: [Account.Order] = []
        var refunds: [Account.Refund] = []
        var grants: [Account.Grant] = []
        for order in orders {
            orderAccounts.append(try await self.order(order))
            let cases = try await pages("/v1/cases", query: [("order_id", order.id)], of: campus.afterSales)
            for item in cases {
                if let grant = grant(in: item, of: order) { grants.append(grant) }
                refunds += try await self.refunds(of: item, for: order)
            }
        }
        let feed = try await subscription.feed(of: Set(orders.map(\.id)))
        _ = await subscription.receiver.wait(for: Set(feed.map(\.id)), atMost: settling)
        let inboxes = try await people.inboxes(atMost: settling)
        return Account(
            orders: orderAccounts,
            payments: payments,
            refunds: refunds,
            grants: grants,
            inboxes: inboxes,
            feed: feed,
            webhookDeliveries: subscription.receiver.deliveries(of: Set(orders.map(\.id))),
            webhookRefusals: subscription.receiver.refusals,
            webhookForgeries: subscription.receiver.forgeries,
            streamResumes: people.resumes,
            requestRepeats: campus.mishaps.repeats,
            unexpected: campus.mishaps.unexpected
        )
    }

    private func order(_ order: PlacedOrder) async throws -> Account.Order {
        let json = try await campus.order.get("/v1/orders/\(order.id)")
        let timeline = try await pages("/v1/orders/\(order.id)/timeline", query: [], of: campus.order)
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
        guard item["reason"]?.string == order.plan.story.reason, let verdict = item["decision"]?["verdict"]?.string
        else {
            return nil
        }
        return Account.Grant(
            orderNumber: order.plan.number,
            verdict: verdict,
            fen: item["approved_fen"]?.integer ?? 0
        )
    }

    private func refunds(of item: JSON, for order: PlacedOrder) async throws -> [Account.Refund] {
        let ids = (item["refunds"]?.array ?? [item["refund"] ?? .null]).compactMap { $0["id"]?.string }
        var refunds: [Account.Refund] = []
        for id in ids {
            let refund = try await campus.afterSales.get("/v1/refunds/\(id)")
            refunds.append(
                Account.Refund(
                    id: id,
                    orderNumber: order.plan.number,
                    fen: refund["amount_fen"]?.integer ?? 0,
                    status: refund["status"]?.string ?? ""
                )
            )
        }
        return refunds
    }

    /// Every item of a list, page after page.
    private func pages(
        _ path: String,
        query: [(String, String)],
        of service: ServiceClient
    ) async throws -> [JSON] {
        var items: [JSON] = []
        var cursor: String?
        repeat {
            let page = try await service.get(path, query: query + (cursor.map { [("cursor", $0)] } ?? []))
            items += page["items"]?.array ?? []
            cursor = page["next_cursor"]?.string
        } while cursor != nil
        return items
    }
}
