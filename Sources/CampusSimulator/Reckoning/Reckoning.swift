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

    /// Every fen paid is kept, refunded or in flight; and for each order it is what its story says.
    private static func money(_ account: Account) -> Check {
        let booked = sums(account.payments.map { ($0.orderNumber, $0.fen) })
        let refunded = sums(account.refunds.filter { $0.status == "succeeded" }.map { ($0.orderNumber, $0.fen) })
        let moving = sums(
            account.refunds.filter { $0.status != "succeeded" && $0.status != "closed" }.map {
                ($0.orderNumber, $0.fen)
            }
        )
        var differences: [String] = []
        var kept: Int64 = 0
        for order in account.orders {
            let number = order.plan.number
            let paid = booked[number] ?? 0
            if order.paidFen != paid {
                differences.append("order \(number): the till took \(paid) fen, the service says \(order.paidFen)")
            }
            let (owed, difference) = owedBack(order, paid: paid, grants: account.grants)
            if let difference { differences.append(difference) }
            kept += paid - owed
            let back = (refunded[number] ?? 0) + (moving[number] ?? 0)
            if back != owed {
                differences.append(
                    "order \(number) (\(order.plan.story.rawValue)): \(owed) fen owed back, \(back) refunded or in flight"
                )
            }
        }
        let sum = kept + total(refunded) + total(moving)
        if total(booked) != sum {
            differences.append("paid \(total(booked)) fen, but kept, refunded and in flight make \(sum)")
        }
        return Check(
            title: "款项 money",
            summary: "paid \(yuan(total(booked))) = kept \(yuan(kept)) + refunded \(yuan(total(refunded))) "
                + "+ in flight \(yuan(total(moving)))",
            differences: differences
        )
    }

    /// What must go back for an order, and what is wrong with what its student was told.
    private static func owedBack(
        _ order: Account.Order,
        paid: Int64,
        grants: [Account.Grant]
    ) -> (fen: Int64, difference: String?) {
        switch order.plan.story.money {
        case .kept: return (0, nil)
        case .returned: return (paid, nil)
        case .excessReturned: return (paid - order.payableFen, nil)
        case .granted(let verdict):
            let told = grants.filter { $0.orderNumber == order.plan.number }
            guard told.count == 1, told[0].verdict == verdict, (told[0].fen == 0) == (verdict == "rejected") else {
                let answers = told.map { "\($0.verdict) \($0.fen) fen" }
                return (
                    told.reduce(0) { $0 + $1.fen },
                    "order \(order.plan.number) (\(order.plan.story.rawValue)): should be \(verdict), was told \(answers)"
                )
            }
            return (told[0].fen, nil)
        }
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

    /// Each recipient's stream brought each number of the inbox once, in order, without a gap.
    private static func streams(_ account: Account) -> Check {
        var differences: [String] = []
        for inbox in account.inboxes {
            let filed = inbox.filed.keys.sorted()
            let expected = (0..<filed.count).map { inbox.before + 1 + Int64($0) }
            if filed != expected {
                differences.append("\(inbox.recipient): inbox numbers \(brief(filed)) after \(inbox.before) have gaps")
            }
            if inbox.streamed != filed {
                differences.append("\(inbox.recipient): inbox \(brief(filed)), stream \(brief(inbox.streamed))")
            }
        }
        let owed = account.inboxes.reduce(0) { $0 + $1.filed.count }
        let got = account.inboxes.reduce(0) { $0 + $1.streamed.count }
        return Check(
            title: "站内通知 inbox and stream",
            summary: "\(owed) owed to \(account.inboxes.count) recipients, \(got) streamed, "
                + "\(account.streamResumes) reconnections",
            differences: differences
        )
    }

    /// What a student must hear of in any case, whatever else the service tells.
    private static let musts: Set<String> = [
        "order.placed", "order.paid", "order.accepted", "order.rejected", "order.delivered", "order.cancelled",
        "refund.succeeded",
    ]

    private static func studentsTold(_ account: Account) -> Check {
        var heard: [String: [String: Int]] = [:]
        for inbox in account.inboxes {
            for event in inbox.filed.values { heard[inbox.recipient, default: [:]][event, default: 0] += 1 }
        }
        var differences: [String] = []
        var owed = 0
        for event in account.events where musts.contains(event.type) {
            guard let customer = event.customerID else {
                differences.append("event \(event.id) \(event.type) names no customer")
                continue
            }
            owed += 1
            let times = heard["customer:\(customer)"]?[event.id] ?? 0
            if times != 1 {
                differences.append("event \(event.id) \(event.type): customer:\(customer) heard of it \(times) times")
            }
        }
        return Check(
            title: "学生已知 students told",
            summary: "\(owed) milestones, each heard of once by the student concerned",
            differences: differences
        )
    }

    /// Each event owed to the webhook endpoint reached it, nothing else did, and whatever anybody was told was owed.
    private static func webhooks(_ account: Account) -> Check {
        let owed = account.webhooksOwed
        let got = Set(account.webhookDeliveries.keys)
        let filed = Set(account.inboxes.flatMap(\.filed.values))
        var differences = owed.subtracting(got).sorted().map { "event \($0) never arrived" }
        differences += got.subtracting(owed).sorted().map { "event \($0) arrived and was not owed" }
        differences += filed.subtracting(owed).sorted().map {
            "event \($0) is in an inbox and was not owed to the platform"
        }
        if account.webhookForgeries > 0 {
            differences.append("\(account.webhookForgeries) deliveries with a signature that does not verify")
        }
        let deliveries = account.webhookDeliveries.values.reduce(0, +)
        return Check(
            title: "回调 webhooks",
            summary: "\(owed.count) owed, \(owed.intersection(got).count) received "
                + "(\(deliveries - got.count) more than once, \(account.webhookRefusals) refused on purpose)",
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

    private static func sums(_ amounts: [(Int, Int64)]) -> [Int: Int64] {
        Dictionary(amounts, uniquingKeysWith: +)
    }

    private static func total(_ sums: [Int: Int64]) -> Int64 {
        sums.values.reduce(0, +)
    }

    private static func brief(_ numbers: [Int64]) -> String {
        guard numbers.count > 12 else { return "\(numbers)" }
        return "\(numbers.prefix(6))…\(numbers.suffix(3)) (\(numbers.count))"
    }
}

/// Fen as people write money.
func yuan(_ fen: Int64) -> String {
    let cents = abs(fen % 100)
    return "\(fen < 0 ? "-" : "")¥\(abs(fen / 100)).\(cents < 10 ? "0" : "")\(cents)"
}
