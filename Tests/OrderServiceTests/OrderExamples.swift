import Model

@testable import OrderService

/// Orders and contexts for tests of the pure parts.
enum Example {
    static let campus = CampusID(high: 1, low: 2)
    static let orderID = OrderID(high: 3, low: 4)
    static let now = Timestamp(seconds: 1_800_000_000)
    static let deadlines = OrderDeadlines(
        payment: now + .seconds(900),
        acceptance: now + .seconds(300),
        completion: now + .seconds(86_400)
    )

    static func context(
        _ actor: Actor = Actor(role: .platform, id: "app"),
        now: Timestamp = Example.now,
        at reported: Timestamp? = nil,
        mayReportLate: Bool = true
    ) -> OrderContext {
        OrderContext(
            actor: actor,
            now: now,
            reportedAt: reported,
            mayReportLate: mayReportLate,
            deadlines: deadlines,
            isTest: true
        )
    }

    static func payment(_ number: UInt64 = 1, paidAt: Timestamp = Example.now) -> ReportedPayment {
        ReportedPayment(
            id: PaymentID(high: 9, low: number),
            channel: .sandbox,
            transactionID: "t\(number)",
            paidAt: paidAt
        )
    }

    static func terms(source: OrderSource = .own, price: Int64 = 2_000) throws -> OrderTerms {
        let bill = try Bill.priced(
            items: [OrderedItem(sku: "rice", name: "饭", category: "food", unitPrice: Money(fen: price), quantity: 1)],
            delivery: .zero,
            packaging: .zero,
            discounts: []
        ).get()
        return OrderTerms(
            source: source,
            customerID: "stu_1",
            merchant: Merchant(id: "m_1", name: "食堂"),
            bill: bill,
            dropoff: Dropoff(address: "dorm"),
            promisedAt: now + .seconds(1_800),
            placedAt: now
        )
    }

    static func placed(source: OrderSource = .own, price: Int64 = 2_000) throws -> Order {
        Order.placed(try terms(source: source, price: price), id: orderID, campus: campus, in: context()).order
    }

    /// An order in that state, brought there by commands.
    static func order(_ status: OrderStatus) throws -> Order {
        var order = try placed()
        for command in path(to: status) { order = try order.applying(command, in: context()).order }
        return order
    }

    static let rider = Rider(id: "r_1", name: "Wang")

    private static func path(to status: OrderStatus) -> [OrderCommand] {
        let pay = OrderCommand.pay(payment(), amount: Money(fen: 2_000))
        let pickUp = OrderCommand.pickUp(rider)
        let deliver = OrderCommand.deliver(Handover(kind: .door))
        return switch status {
        case .placed: []
        case .paid: [pay]
        case .accepted: [pay, .accept]
        case .ready: [pay, .accept, .ready]
        case .pickedUp: [pay, .accept, .ready, pickUp]
        case .delivered: [pay, .accept, .ready, pickUp, deliver]
        case .completed: [pay, .accept, .ready, pickUp, deliver, .complete]
        case .cancelled: [.cancel(reason: "test")]
        }
    }
}
