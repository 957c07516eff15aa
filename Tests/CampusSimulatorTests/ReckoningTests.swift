import Testing

@testable import CampusSimulator

@Suite("The reckoning")
struct ReckoningTests {
    /// Four orders that end as they should: one fine, one cancelled, one paid twice, one granted in part.
    private static let balanced: Account = {
        let plans = LunchPlan(count: 40, over: .zero, seed: 1).orders
        func order(_ story: Story, id: String, payable: Int64, paid: Int64, changes: [String]) -> Account.Order {
            let plan = plans.first { $0.story == story } ?? plans[0]
            return Account.Order(
                plan: plan,
                id: id,
                customer: "customer:stu",
                merchant: "merchant:mer",
                status: story.orderEnding,
                payableFen: payable,
                paidFen: paid,
                changes: Dictionary(uniqueKeysWithValues: changes.enumerated().map { (Int64($0 + 1), $1) })
            )
        }
        let orders = [
            order(.fine, id: "a", payable: 1_000, paid: 1_000, changes: ["order.placed", "order.paid"]),
            order(
                .cancelled,
                id: "b",
                payable: 2_000,
                paid: 2_000,
                changes: ["order.placed", "order.paid", "order.cancelled"]
            ),
            order(.paidTwice, id: "c", payable: 300, paid: 600, changes: ["order.placed", "order.paid"]),
            order(.missingItem, id: "d", payable: 500, paid: 500, changes: ["order.placed", "order.paid"]),
        ]
        let numbers = orders.map(\.plan.number)
        var events: [Account.Event] = []
        for order in orders {
            for (version, type) in order.changes.sorted(by: { $0.key < $1.key }) {
                events.append(
                    Account.Event(
                        id: "\(events.count + 1)",
                        type: type,
                        orderID: order.id,
                        subjectID: order.id,
                        version: version,
                        customerID: "stu"
                    )
                )
            }
        }
        let told: [(type: String, subject: String, order: String, verdict: String?)] = [
            ("case.opened", "case", "d", nil), ("case.decided", "case", "d", "in_review"),
            ("case.decided", "case", "d", "partly_approved"), ("refund.succeeded", "r1", "b", nil),
            ("refund.succeeded", "r2", "c", nil), ("refund.succeeded", "r3", "d", nil),
        ]
        for (index, notice) in told.enumerated() {
            events.append(
                Account.Event(
                    id: "\(events.count + 1)",
                    type: notice.type,
                    orderID: notice.order,
                    subjectID: notice.subject,
                    verdict: notice.verdict,
                    version: Int64(index + 1),
                    customerID: "stu"
                )
            )
        }
        let filed = Dictionary(uniqueKeysWithValues: events.enumerated().map { (Int64($0 + 11), $1.id) })
        return Account(
            orders: orders,
            payments: [
                Account.Payment(orderNumber: numbers[0], fen: 1_000),
                Account.Payment(orderNumber: numbers[1], fen: 2_000),
                Account.Payment(orderNumber: numbers[2], fen: 300),
                Account.Payment(orderNumber: numbers[2], fen: 300),
                Account.Payment(orderNumber: numbers[3], fen: 500),
            ],
            refunds: [
                Account.Refund(id: "r1", orderNumber: numbers[1], fen: 2_000, status: "succeeded"),
                Account.Refund(id: "r2", orderNumber: numbers[2], fen: 300, status: "succeeded"),
                Account.Refund(id: "r3", orderNumber: numbers[3], fen: 250, status: "succeeded"),
                Account.Refund(id: "r4", orderNumber: numbers[3], fen: 250, status: "closed"),
            ],
            cases: [
                Account.Case(
                    id: "case",
                    orderNumber: numbers[3],
                    isSystem: false,
                    verdict: "partly_approved",
                    approvedFen: 250
                ),
                Account.Case(
                    id: "due",
                    orderNumber: numbers[1],
                    isSystem: true,
                    verdict: "approved",
                    approvedFen: 2_000
                ),
            ],
            rulings: [Account.Ruling(orderNumber: numbers[3], fen: 250)],
            inboxes: ["customer:stu", "merchant:mer"].map { recipient in
                Account.Inbox(recipient: recipient, before: 10, filed: filed, streamed: filed.keys.sorted())
            },
            events: events,
            webhooksOwed: Set(events.map(\.id)),
            webhookDeliveries: Dictionary(uniqueKeysWithValues: events.map { ($0.id, 1) }),
            webhookRefusals: 0,
            webhookForgeries: 0,
            streamResumes: 0,
            requestRepeats: 0,
            unexpected: []
        )
    }()

    @Test("What agrees balances, and says so")
    func balances() {
        let reckoning = Reckoning(Self.balanced)
        #expect(reckoning.checks.flatMap(\.differences) == [])
        #expect(reckoning.balances)
        let text = reckoning.text()
        #expect(text.contains("paid ¥41.00 = kept ¥15.50 + refunded ¥25.50 + in flight ¥0.00"))
        #expect(text.contains("it balances"))
    }

    /// One way in which a lunch can fail to add up.
    struct Spoiling: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let spoil: @Sendable (inout Account) -> Void

        init(_ description: String, _ spoil: @escaping @Sendable (inout Account) -> Void) {
            testDescription = description
            self.spoil = spoil
        }
    }

    static let spoilings: [Spoiling] = [
        Spoiling("an order that ended otherwise") { $0.orders[0].status = "delivered" },
        Spoiling("a payment the service does not know") { $0.orders[0].paidFen = 0 },
        Spoiling("a payment booked nowhere") { $0.payments.removeLast() },
        Spoiling("a refund too small by a fen") { $0.refunds[0].fen -= 1 },
        Spoiling("a refund too large by a fen") { $0.refunds[0].fen += 1 },
        Spoiling("a refund paid twice") { $0.refunds.append($0.refunds[0]) },
        Spoiling("a refund that nobody owed") {
            $0.refunds.append(
                Account.Refund(id: "x", orderNumber: $0.orders[0].plan.number, fen: 1, status: "succeeded")
            )
        },
        Spoiling("a refund released that is owed") { $0.refunds[0].status = "closed" },
        Spoiling("a refund that never settles") { $0.refunds[0].status = "processing" },
        Spoiling("a student told otherwise") { $0.cases[0].verdict = "approved" },
        Spoiling("a student told nothing") { $0.cases = [] },
        Spoiling("less granted and refunded than the agent ruled") {
            $0.cases[0].approvedFen = 249
            $0.refunds[2].fen = 249
        },
        Spoiling("less granted and refunded than a whole order costs") { account in
            account.orders[3].plan =
                LunchPlan(count: 40, over: .zero, seed: 1).orders.first { $0.story == .spilled }
                ?? account.orders[3].plan
            let number = account.orders[3].plan.number
            account.payments[4].orderNumber = number
            account.cases[0] = Account.Case(
                id: "case",
                orderNumber: number,
                isSystem: false,
                verdict: "approved",
                approvedFen: 250
            )
            for index in 2...3 { account.refunds[index].orderNumber = number }
        },
        Spoiling("a refund nobody was told of") { $0.forget(type: "refund.succeeded") },
        Spoiling("a case nobody was told of") { $0.forget(type: "case.opened") },
        Spoiling("a decision nobody was told of") { $0.forget(type: "case.decided") },
        Spoiling("a payment that neither timeline nor anybody tells of") { account in
            account.forget(type: "order.paid")
            for index in account.orders.indices { account.orders[index].changes[2] = nil }
        },
        Spoiling("a payment that its merchant never heard of") { $0.inboxes[1].filed[12] = "77" },
        Spoiling("a change missing told to the platform") { $0.events.remove(at: 0) },
        Spoiling("a change twice told to the platform") { $0.events.append($0.events[0]) },
        Spoiling("a change told that no timeline has") { $0.orders[0].changes[2] = nil },
        Spoiling("a gap in an inbox") { $0.inboxes[0].filed[12] = nil },
        Spoiling("an inbox that began elsewhere") { $0.inboxes[0].before = 9 },
        Spoiling("a line that the stream missed") { $0.inboxes[0].streamed.removeLast() },
        Spoiling("a line that the stream repeated") { $0.inboxes[0].streamed.insert(12, at: 2) },
        Spoiling("lines out of order") { $0.inboxes[0].streamed.swapAt(0, 1) },
        Spoiling("a milestone a student never heard of") { $0.inboxes[0].filed[11] = "77" },
        Spoiling("a webhook that never came") { $0.webhookDeliveries["1"] = nil },
        Spoiling("a webhook out of nowhere") { $0.webhookDeliveries["99"] = 1 },
        Spoiling("an event in an inbox that was not owed to the platform") { $0.webhooksOwed.remove("1") },
        Spoiling("a forged webhook") { $0.webhookForgeries = 1 },
        Spoiling("an answer no story calls for") { $0.unexpected = ["GET / → 500"] },
    ]

    @Test("What does not agree does not balance, and the difference is named", arguments: spoilings)
    func names(spoiling: Spoiling) {
        var account = Self.balanced
        spoiling.spoil(&account)
        let reckoning = Reckoning(account)
        #expect(!reckoning.balances)
        #expect(!reckoning.checks.flatMap(\.differences).isEmpty)
        #expect(reckoning.text().contains("it does not balance"))
    }

    @Test("What befalls an order of somebody else's is told to the platform and spoils nothing")
    func ignoresForeignOrders() {
        var account = Self.balanced
        account.events.append(
            Account.Event(
                id: "foreign",
                type: "order.cancelled",
                orderID: "elsewhere",
                subjectID: "elsewhere",
                version: 3,
                customerID: "nobody"
            )
        )
        account.webhooksOwed.insert("foreign")
        account.webhookDeliveries["foreign"] = 1
        #expect(Reckoning(account).checks.flatMap(\.differences) == [])
    }

    @Test("Webhooks that came again are as good as once")
    func toleratesRepeatedWebhooks() {
        var account = Self.balanced
        account.webhookDeliveries["1"] = 3
        #expect(Reckoning(account).balances)
    }

    @Test(
        "Fen are written as people write money",
        arguments: [(0, "¥0.00"), (5, "¥0.05"), (1_234, "¥12.34"), (-70, "-¥0.70")]
    )
    func writesMoney(fen: Int64, text: String) {
        #expect(yuan(fen) == text)
    }
}

extension Account {
    /// As if every event of that type had been lost before anybody heard of it.
    fileprivate mutating func forget(type: String) {
        let lost = Set(events.filter { $0.type == type }.map(\.id))
        events.removeAll { lost.contains($0.id) }
        webhooksOwed.subtract(lost)
        for event in lost { webhookDeliveries[event] = nil }
        for index in inboxes.indices {
            let kept = inboxes[index].filed.sorted { $0.key < $1.key }.map(\.value).filter { !lost.contains($0) }
            inboxes[index].filed = Dictionary(uniqueKeysWithValues: kept.enumerated().map { (Int64($0 + 11), $1) })
            inboxes[index].streamed = inboxes[index].filed.keys.sorted()
        }
    }
}
