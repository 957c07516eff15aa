/// Does it all add up? Pure: from what was seen to the differences between what should be and what is.
struct Reckoning: Sendable {
    /// One thing that must agree with another.
    struct Check: Sendable {
        let title: String
        /// The figures, in words.
        let summary: String
        /// What does not agree; empty when all is well.
        let differences: [String]
    }

    let checks: [Check]

    /// Whether every check agrees.
    var balances: Bool { checks.allSatisfy(\.differences.isEmpty) }

    init(_ account: Account) {
        checks = [
            Self.orders(account),
            Self.money(account),
            Self.changes(account),
            Self.streams(account),
            Self.studentsTold(account),
            Self.noticesOwed(account),
            Self.webhooks(account),
            Self.answers(account),
        ]
    }

    private static func orders(_ account: Account) -> Check {
        let byStatus = Dictionary(grouping: account.orders, by: \.status).mapValues(\.count)
        let parts = byStatus.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
        return Check(
            title: "订单 orders",
            summary: "\(account.orders.count) = " + parts.joined(separator: " + "),
            differences: account.orders.filter { $0.status != $0.plan.story.orderEnding }.map { order in
                "order \(order.plan.number) (\(order.plan.story.rawValue)) is \(order.status), "
                    + "not \(order.plan.story.orderEnding)"
            }
        )
    }

    /// Each change of an order was told to the platform once, and no other.
    private static func changes(_ account: Account) -> Check {
        var told: [String: [Int64: [String]]] = [:]
        for event in account.events where event.type.hasPrefix("order.") {
            guard let orderID = event.orderID else { continue }
            told[orderID, default: [:]][event.version, default: []].append(event.type)
        }
        var differences: [String] = []
        for order in account.orders {
            let events = told[order.id] ?? [:]
            for version in Set(order.changes.keys).union(events.keys).sorted() {
                let owed = order.changes[version].map { [$0] } ?? []
                let got = events[version] ?? []
                if owed != got {
                    differences.append("order \(order.plan.number) version \(version): timeline \(owed), told \(got)")
                }
            }
        }
        let owed = account.orders.reduce(0) { $0 + $1.changes.count }
        let got = account.orders.reduce(0) { $0 + (told[$1.id]?.values.reduce(0) { $0 + $1.count } ?? 0) }
        return Check(
            title: "变更 changes",
            summary: "\(owed) in the orders' timelines, \(got) told to the platform",
            differences: differences
        )
    }

    private static func answers(_ account: Account) -> Check {
        Check(
            title: "应答 answers",
            summary: "\(account.unexpected.count) unexpected, \(account.requestRepeats) requests repeated",
            differences: account.unexpected
        )
    }
}
