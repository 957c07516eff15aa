extension Reckoning {
    /// Each recipient's stream brought each number of the inbox once, in order, without a gap.
    static func streams(_ account: Account) -> Check {
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

    static func studentsTold(_ account: Account) -> Check {
        let heard = heard(account)
        var differences: [String] = []
        var owed = 0
        // Orders that somebody else left on the campus are told to the platform too.
        let ours = Set(account.orders.map(\.id))
        for event in account.events where musts.contains(event.type) && event.orderID.map(ours.contains) ?? false {
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

    /// What must have been told of refunds, cases and payments, worked out from themselves: the platform hears of each once,
    /// and so does everybody concerned, even where nothing at all was told.
    static func noticesOwed(_ account: Account) -> Check {
        let heard = heard(account)
        // A case that comes to a person is told as decided twice; the first time nothing is decided yet.
        let told = Dictionary(grouping: account.events.filter { $0.verdict != "in_review" }) { event in
            Notice(type: event.type, subject: event.subjectID)
        }
        let orders = Dictionary(account.orders.map { ($0.plan.number, $0) }, uniquingKeysWith: { first, _ in first })
        var differences: [String] = []
        let owed = notices(account)
        for (number, notice) in owed {
            guard let order = orders[number] else { continue }
            let events = told[notice] ?? []
            guard events.count == 1 else {
                differences.append("order \(number): \(notice) was told to the platform \(events.count) times")
                continue
            }
            for recipient in [order.customer, order.merchant] {
                let times = heard[recipient]?[events[0].id] ?? 0
                if times != 1 { differences.append("order \(number): \(recipient) heard \(times) times of \(notice)") }
            }
        }
        return Check(
            title: "应知 notices owed",
            summary:
                "\(owed.count) payments, cases, decisions and refunds, each told to the platform, student and merchant",
            differences: differences
        )
    }

    /// Something that happened to one refund, case or order.
    private struct Notice: Hashable, CustomStringConvertible {
        let type: String
        let subject: String

        var description: String { "\(type) of \(subject)" }
    }

    private static func notices(_ account: Account) -> [(orderNumber: Int, Notice)] {
        let payments = account.orders.filter(\.plan.story.isPaidInTime).map { order in
            (order.plan.number, Notice(type: "order.paid", subject: order.id))
        }
        let cases = account.cases.filter { !$0.isSystem }.flatMap { item in
            ["case.opened", "case.decided"].map { (item.orderNumber, Notice(type: $0, subject: item.id)) }
        }
        let refunds = account.refunds.filter { $0.status == "succeeded" }.map { refund in
            (refund.orderNumber, Notice(type: "refund.succeeded", subject: refund.id))
        }
        return payments + cases + refunds
    }

    /// How often each event is in each recipient's inbox.
    private static func heard(_ account: Account) -> [String: [String: Int]] {
        account.inboxes.reduce(into: [:]) { heard, inbox in
            for event in inbox.filed.values { heard[inbox.recipient, default: [:]][event, default: 0] += 1 }
        }
    }

    /// Each event owed to the webhook endpoint reached it, nothing else did, and whatever anybody was told was owed.
    static func webhooks(_ account: Account) -> Check {
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

    private static func brief(_ numbers: [Int64]) -> String {
        guard numbers.count > 12 else { return "\(numbers)" }
        return "\(numbers.prefix(6))…\(numbers.suffix(3)) (\(numbers.count))"
    }
}
