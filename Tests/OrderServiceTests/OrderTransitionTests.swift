import Model
import Testing

@testable import OrderService

@Suite("Order transitions")
struct OrderTransitionTests {
    private static let platform = Actor(role: .platform, id: "app")
    private static let customer = Actor(role: .customer, id: "stu_1")
    private static let merchant = Actor(role: .merchant, id: "m_1")

    /// A move that the table allows; every pair of state and move that is not listed must be refused.
    struct Move: Hashable, Sendable, CustomTestStringConvertible {
        var from: OrderStatus
        var name: String
        var to: OrderStatus
        var testDescription: String { "\(from) \(name) → \(to)" }

        init(_ from: OrderStatus, _ name: String, _ to: OrderStatus) {
            self.from = from
            self.name = name
            self.to = to
        }
    }

    private static let commands: [(name: String, actor: Actor, command: OrderCommand)] = [
        ("pay", platform, .pay(Example.payment(7), amount: Money(fen: 2_000))),
        ("accept", merchant, .accept),
        ("reject", merchant, .reject(reason: "busy")),
        ("ready", merchant, .ready),
        ("pickup", platform, .pickUp(Rider(id: "r_2"))),
        ("pickup same", platform, .pickUp(Example.rider)),
        ("deliver", platform, .deliver(Handover(kind: .locker))),
        ("complete", customer, .complete),
        ("cancel customer", customer, .cancel(reason: "mind")),
        ("cancel merchant", merchant, .cancel(reason: "fire")),
        ("cancel platform", platform, .cancel(reason: "storm")),
        ("time out payment", .system("timer"), .timeOut(.payment)),
        ("time out acceptance", .system("timer"), .timeOut(.acceptance)),
        ("time out completion", .system("timer"), .timeOut(.completion)),
        ("exception", merchant, .reportException(OrderException(id: AnyID(high: 5, low: 5), kind: .outOfStock))),
        ("facts", merchant, .stateLineFacts(line: 1, LineFacts(opened: true))),
    ]

    private static let legal: Set<Move> = [
        Move(.placed, "pay", .paid), Move(.paid, "pay", .paid), Move(.accepted, "pay", .accepted),
        Move(.ready, "pay", .ready), Move(.pickedUp, "pay", .pickedUp), Move(.delivered, "pay", .delivered),
        Move(.completed, "pay", .completed), Move(.cancelled, "pay", .cancelled),
        Move(.paid, "accept", .accepted), Move(.paid, "reject", .cancelled),
        Move(.accepted, "ready", .ready),
        Move(.ready, "pickup", .pickedUp), Move(.ready, "pickup same", .pickedUp), Move(.pickedUp, "pickup", .pickedUp),
        Move(.pickedUp, "deliver", .delivered), Move(.delivered, "complete", .completed),
        Move(.placed, "cancel customer", .cancelled), Move(.paid, "cancel customer", .cancelled),
        Move(.accepted, "cancel merchant", .cancelled), Move(.ready, "cancel merchant", .cancelled),
        Move(.placed, "cancel platform", .cancelled), Move(.paid, "cancel platform", .cancelled),
        Move(.accepted, "cancel platform", .cancelled), Move(.ready, "cancel platform", .cancelled),
        Move(.placed, "time out payment", .cancelled), Move(.paid, "time out acceptance", .cancelled),
        Move(.delivered, "time out completion", .completed),
        Move(.placed, "exception", .placed), Move(.paid, "exception", .paid), Move(.accepted, "exception", .accepted),
        Move(.ready, "exception", .ready), Move(.pickedUp, "exception", .pickedUp),
        Move(.delivered, "exception", .delivered),
        Move(.placed, "facts", .placed), Move(.paid, "facts", .paid), Move(.accepted, "facts", .accepted),
        Move(.ready, "facts", .ready), Move(.pickedUp, "facts", .pickedUp), Move(.delivered, "facts", .delivered),
        Move(.completed, "facts", .completed),
    ]

    @Test("each state takes what the table says and refuses the rest", arguments: OrderStatus.allCases)
    func table(status: OrderStatus) throws {
        let order = try Example.order(status)
        for (name, actor, command) in Self.commands {
            let expected = Self.legal.first { $0.from == status && $0.name == name }
            do {
                let transition = try order.applying(command, in: Example.context(actor))
                #expect(transition.order.status == expected?.to, "\(status) \(name)")
                #expect(transition.order.version == order.version + Int64(transition.steps.count))
                #expect(transition.steps.map(\.facts.version) == Array(order.version + 1...transition.order.version))
                #expect(!transition.steps.isEmpty)
            } catch {
                #expect(expected == nil, "\(status) \(name): \(error)")
            }
        }
    }

    @Test("a refusal names the state and what the caller may do instead")
    func refusal() throws {
        let order = try Example.order(.paid)
        #expect(
            throws: OrderRefusal.illegal(
                action: .ready,
                status: .paid,
                allowed: [.accept, .reject, .reportException, .stateLineFacts]
            )
        ) {
            try order.applying(.ready, in: Example.context(Self.merchant))
        }
    }

    @Test("what callers are told they may do is what they may do", arguments: OrderStatus.allCases)
    func allowed(status: OrderStatus) throws {
        let order = try Example.order(status)
        for role in Role.allCases {
            let id = role == .rider ? "r_1" : "x"
            let actor = Actor(role: role, id: id)
            for action in order.allowedActions(for: actor) {
                let entry = try #require(Self.commands.first { $0.command.action == action })
                var command = entry.command
                if case .pickUp = command, status == .ready { command = .pickUp(Rider(id: id)) }
                #expect(throws: Never.self, "\(status) \(role) \(action)") {
                    try order.applying(command, in: Example.context(actor))
                }
            }
        }
    }

    @Test(
        "a customer who wants out after acceptance is shown the way to after-sales",
        arguments: [
            OrderStatus.accepted, .ready, .pickedUp, .delivered, .completed,
        ]
    )
    func opensCase(status: OrderStatus) throws {
        #expect(throws: OrderRefusal.opensCase(status: status)) {
            try Example.order(status).applying(.cancel(reason: "late"), in: Example.context(Self.customer))
        }
    }

    @Test("orders of other platforms go to the merchant at once and are never paid here")
    func foreign() throws {
        let order = try Example.placed(source: .meituan)
        #expect(throws: OrderRefusal.paidElsewhere(.meituan)) {
            try order.applying(.pay(Example.payment(), amount: Money(fen: 2_000)), in: Example.context())
        }
        let terms = try Example.terms(source: .eleme)
        let placed = Order.placed(terms, id: Example.orderID, campus: Example.campus, in: Example.context())
        #expect(placed.armed.isEmpty)
        let accepted = try order.applying(.accept, in: Example.context(Self.merchant))
        #expect(accepted.order.status == .accepted)
        let rejected = try order.applying(.reject(reason: "no"), in: Example.context(Self.merchant))
        #expect(rejected.steps.count == 1)
    }

    @Test("deadlines begin and end with the states they belong to")
    func deadlines() throws {
        let terms = try Example.terms()
        let placed = Order.placed(terms, id: Example.orderID, campus: Example.campus, in: Example.context())
        #expect(placed.armed == [.payment: Example.now + .seconds(900)])
        let pay = OrderCommand.pay(Example.payment(), amount: Money(fen: 2_000))
        let paid = try placed.order.applying(pay, in: Example.context())
        #expect(paid.disarmed == [.payment])
        #expect(paid.armed == [.acceptance: Example.now + .seconds(300)])
        let accepted = try paid.order.applying(.accept, in: Example.context())
        #expect(accepted.disarmed == [.acceptance])
        let delivered = try Example.order(.pickedUp).applying(.deliver(Handover(kind: .door)), in: Example.context())
        #expect(delivered.armed == [.completion: Example.now + .seconds(86_400)])
        #expect(try delivered.order.applying(.complete, in: Example.context()).disarmed == [.completion])
        #expect(try paid.order.applying(.cancel(reason: "x"), in: Example.context()).disarmed.contains(.acceptance))
        #expect(try placed.order.applying(.cancel(reason: "x"), in: Example.context()).disarmed.contains(.payment))
    }

    @Test("a rider picks up for themselves, and hands over to another on the way")
    func riders() throws {
        let rider = Actor(role: .rider, id: "r_1")
        #expect(throws: OrderRefusal.otherRider) {
            try Example.order(.ready).applying(.pickUp(Rider(id: "r_2")), in: Example.context(rider))
        }
        let second = try Example.order(.pickedUp).applying(.pickUp(Rider(id: "r_2")), in: Example.context(rider))
        #expect(second.order.rider?.id == "r_2")
        #expect(second.steps.first?.facts.riderID == "r_2")
    }

    @Test("reported times keep their order, whatever our clock says")
    func reportedTimes() throws {
        let early = Example.now - .seconds(7_200)
        let pay = OrderCommand.pay(Example.payment(paidAt: early), amount: Money(fen: 2_000))
        let paid = try Example.placed().applying(pay, in: Example.context(at: early)).order
        #expect(paid.times.paid == early)
        #expect(throws: OrderRefusal.timeBefore(ReportedTime(step: .pay, at: early), at: early - .seconds(1))) {
            try paid.applying(.accept, in: Example.context(at: early - .seconds(1)))
        }
        // Not reported, so not compared: our clock may well be ahead of the platform's.
        let accepted = try paid.applying(.accept, in: Example.context()).order
        #expect(accepted.times.accepted == Example.now)
        let ready = try accepted.applying(.ready, in: Example.context(at: early + .seconds(60))).order
        #expect(ready.times.ready == early + .seconds(60))
        #expect(throws: OrderRefusal.timeBefore(ReportedTime(step: .ready, at: early + .seconds(60)), at: early)) {
            try ready.applying(.pickUp(Example.rider), in: Example.context(at: early))
        }
    }

    @Test("a time may lie a minute ahead of our clock and no more")
    func timeAhead() throws {
        let paid = try Example.order(.paid)
        let limit = Example.now + .seconds(60)
        #expect(throws: Never.self) { try paid.applying(.accept, in: Example.context(at: limit)) }
        #expect(throws: OrderRefusal.timeTooEarly) {
            try paid.applying(.accept, in: Example.context(at: Timestamp(seconds: -62_135_600_000)))
        }
        let beyond = limit + .microseconds(1)
        #expect(throws: OrderRefusal.timeAhead(at: beyond, now: Example.now)) {
            try paid.applying(.accept, in: Example.context(at: beyond))
        }
    }

    @Test("who is not the platform reports at most a minute late")
    func timeBehind() throws {
        let pickedUp = try Example.order(.pickedUp)
        let deliver = OrderCommand.deliver(Handover(kind: .door))
        let now = Example.now + .seconds(7_200)
        func delivered(at reported: Timestamp, mayReportLate: Bool) throws(OrderRefusal) {
            let rider = Actor(role: .rider, id: "r_1")
            let context = Example.context(rider, now: now, at: reported, mayReportLate: mayReportLate)
            _ = try pickedUp.applying(deliver, in: context)
        }
        let limit = now - .seconds(60)
        #expect(throws: Never.self) { try delivered(at: limit, mayReportLate: false) }
        let beyond = limit - .microseconds(1)
        #expect(throws: OrderRefusal.timeBehind(at: beyond, now: now)) {
            try delivered(at: beyond, mayReportLate: false)
        }
        #expect(throws: Never.self) { try delivered(at: beyond, mayReportLate: true) }
    }

    @Test("facts of a line add up, and only of lines that exist")
    func lineFacts() throws {
        let delivered = try Example.order(.delivered)
        let opened = try delivered.applying(.stateLineFacts(line: 1, LineFacts(opened: true)), in: Example.context())
            .order
        let used = try opened.applying(.stateLineFacts(line: 1, LineFacts(used: false)), in: Example.context()).order
        #expect(used.lineFacts[1] == LineFacts(used: false, opened: true))
        #expect(throws: OrderRefusal.noSuchLine(2)) {
            try delivered.applying(.stateLineFacts(line: 2, LineFacts(used: true)), in: Example.context())
        }
        let again = try used.applying(.stateLineFacts(line: 1, LineFacts(used: false)), in: Example.context())
        #expect(again.steps.isEmpty)
    }
}
