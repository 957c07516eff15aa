import EventLog
import Model

/// Order events as OrderService would append them, made up.
struct OrderEvents: Sendable {
    let campus: CampusID
    /// How many customers share them, in turn.
    let customers: Int
    let clock = SystemWallClock()

    /// The customer of the order of that number.
    func customer(of number: Int) -> String { "student-\(number % customers)" }

    /// An order just placed.
    func placed(_ number: Int, id: OrderID? = nil) -> NewEvent {
        let now = clock.now()
        let order = id ?? OrderID.make(at: now)
        let facts = OrderFacts(
            orderID: order,
            externalID: "E-\(number)",
            shortNumber: "\(number % 1_000)",
            source: .own,
            status: .paid,
            version: 1,
            customerID: customer(of: number),
            merchantID: "merchant-1",
            riderID: nil,
            payable: Money(fen: 1_850),
            paid: Money(fen: 1_850),
            promisedAt: now + .seconds(1_800),
            isTest: false
        )
        let payment = PaymentID.make(at: now)
        let event = OrderEvent(facts: facts, change: .paid(payment: payment, channel: .sandbox))
        return NewEvent(
            type: event.type,
            campus: campus,
            subject: order.retyped(),
            version: 1,
            root: order.retyped(),
            actor: Actor(role: .platform, id: "bench"),
            at: now,
            trace: nil,
            payload: event.json
        )
    }
}
