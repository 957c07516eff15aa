import Model

/// Asks every service what it knows of the lunch, when it is over.
struct Gathering: Sendable {
    let campus: CampusAccess
    let orders: [PlacedOrder]
    let people: LunchPeople
    let till: PaymentDesk
    let agent: Agent
    let subscription: WebhookSubscription
    /// The subscription's endpoint.
    let endpoint: String

    /// Gathers it all as it is now.
    func account() async throws -> Account {
        let files = try await orders.map(atOnce: 8) { try await file(of: $0) }
        let owed = try await subscription.owed(to: endpoint)
        return Account(
            orders: files.map(\.order),
            payments: till.payments,
            refunds: files.flatMap(\.refunds),
            cases: files.flatMap(\.cases),
            rulings: agent.allRulings,
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
        var cases: [Account.Case] = []
    }

    private func file(of placed: PlacedOrder) async throws -> File {
        var file = File(order: try await order(placed))
        for summary in try await campus.afterSales.pages("/v1/cases", query: [("order_id", placed.id)]) {
            let item = try await campus.afterSales.get("/v1/cases/\(summary["id"]?.string ?? "")")
            file.cases.append(opened(item, about: placed))
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
            customer: "customer:\(till.cast.student(order.plan.student))",
            merchant: "merchant:\(till.cast.merchant(order.plan.stall))",
            status: json["status"]?.string ?? "",
            payableFen: order.payableFen,
            paidFen: (json["payments"]?.array ?? []).reduce(0) { $0 + ($1["amount_fen"]?.integer ?? 0) },
            changes: Dictionary(
                timeline.map { ($0["version"]?.integer ?? 0, $0["type"]?.string ?? "") },
                uniquingKeysWith: { "\($0) and \($1)" }
            )
        )
    }

    private func opened(_ item: JSON, about order: PlacedOrder) -> Account.Case {
        let verdict = item["decision"]?["verdict"]?.string
        return Account.Case(
            id: item["id"]?.string ?? "",
            orderNumber: order.plan.number,
            isSystem: item["system"]?.bool ?? false,
            verdict: verdict == "in_review" ? nil : verdict,
            approvedFen: verdict == "rejected" ? 0 : item["approved_fen"]?.integer ?? 0
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
