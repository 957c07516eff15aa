import Model
import Synchronization

/// The platform's till: takes students' money through the sandbox channel, books it, and reports it.
///
/// Its book is the other side of the reckoning: what the services say was paid must be what was taken here.
final class PaymentDesk: Sendable {
    let cast: Cast
    let campus: CampusAccess
    private let book = Mutex<[Account.Payment]>([])

    init(cast: Cast, campus: CampusAccess) {
        self.cast = cast
        self.campus = campus
    }

    /// What was taken so far.
    var payments: [Account.Payment] { book.withLock { $0 } }

    /// Takes `fen` for one order and reports it; `attempt` tells two payments for the same order apart.
    func take(_ fen: Int64, for order: PlacedOrder, attempt: String = "pay") async throws {
        book.withLock { $0.append(Account.Payment(orderNumber: order.plan.number, fen: fen)) }
        try await campus.order.post(
            "/v1/orders/\(order.id)/pay",
            [
                "channel": "sandbox",
                "transaction_id": .string("sandbox-\(cast.key(order.plan, attempt))"),
                "amount_fen": .integer(fen),
                "paid_at": .string(order.placedAt.rfc3339),
            ],
            key: cast.key(order.plan, attempt)
        )
    }

    /// Reports a payment once more under another idempotency key, as a nervous platform does; it is still one payment.
    func repeatReport(_ fen: Int64, for order: PlacedOrder) async throws {
        try await campus.order.post(
            "/v1/orders/\(order.id)/pay",
            [
                "channel": "sandbox",
                "transaction_id": .string("sandbox-\(cast.key(order.plan, "pay"))"),
                "amount_fen": .integer(fen),
                "paid_at": .string(order.placedAt.rfc3339),
            ],
            key: cast.key(order.plan, "pay-again")
        )
    }
}
