import EventLog
import Model
import Postgres
import TestSupport

@testable import AfterSalesService

/// An order as OrderService would have stored it, written with OrderService's own login.
struct OrderFixture: Sendable {
    var id = OrderID.make(at: SystemWallClock().now())
    var source = OrderSource.own
    var status = OrderStatus.delivered
    var customer = "stu_1"
    var merchant = "m_1"
    /// Quantity and payable of each line.
    var lines: [(quantity: Int, payable: Int64)] = [(1, 1_500), (3, 1_000)]
    var delivery: Int64 = 300
    var packaging: Int64 = 100
    var discounts: [(funder: Funder, amount: Int64)] = []
    /// How late it was delivered; minutes after `promised_at`, which is an hour ago.
    var minutesLate: Int64 = 0
    /// How long ago it was promised.
    var minutesSincePromised: Int64 = 60
    var wasAccepted = true
    /// What each payment paid; the first settles the order unless told otherwise.
    var payments: [PaymentFixture] = [PaymentFixture()]
    var now = SystemWallClock().now()

    var payable: Int64 { lines.reduce(delivery + packaging) { $0 + $1.payable } }
}

/// A payment of an order.
struct PaymentFixture: Sendable {
    var id = PaymentID.make(at: SystemWallClock().now())
    var channel = PaymentChannel.sandbox
    /// Told to the sandbox channel, which may find a marker in it.
    var transaction = "txn_\(String(UInt64.random(in: .min ... .max), radix: 36))"
    /// Its amount; nil is all that the order costs.
    var amount: Int64?
    var purpose = "settles"
}

extension OrderFixture {
    /// Stores it on a campus.
    @discardableResult
    func insert(_ campus: TestCampus) async throws -> OrderFixture {
        try await insert(campus.id, campus.orders)
        return self
    }

    /// Stores it with OrderService's login.
    func insert(_ campus: CampusID, _ pool: ConnectionPool) async throws {
        let rows = payments.enumerated().map { index, payment in
            (payment, Money(fen: payment.amount ?? payable), now - .seconds(3_600 - Int64(index)))
        }
        let settled = rows.reduce(Int64(0)) {
            $0 + ($1.0.purpose == "settles" || $1.0.purpose == "partial" ? $1.1.fen : 0)
        }
        try await pool.transaction { session in
            try session.execute(insertion(campus, paid: min(settled, payable)))
            for (payment, amount, createdAt) in rows {
                try session.execute(
                    """
                    insert into campus.payment (campus_id, id, channel, transaction_id, amount_fen, paid_at, created_at)
                    values (\(campus), \(payment.id), \(payment.channel), \(payment.transaction), \(amount), \(createdAt),
                        \(createdAt))
                    """
                )
                try session.execute(
                    """
                    insert into campus.payment_allocation (campus_id, payment_id, order_id, purpose, amount_fen)
                    values (\(campus), \(payment.id), \(id), \(payment.purpose), \(amount))
                    """
                )
            }
        }
    }

    private func insertion(_ campus: CampusID, paid: Int64) -> SQL {
        let promisedAt = now - .seconds(minutesSincePromised * 60)
        let isThere = status == .delivered || status == .completed
        let wasFetched = isThere || status == .pickedUp
        let deliveredAt: Timestamp? = isThere ? promisedAt + .seconds(minutesLate * 60) : nil
        let discount = discounts.reduce(0) { $0 + $1.amount }
        let linesFen = lines.reduce(discount) { $0 + $1.payable }
        let linesJSON = JSON.array(
            lines.enumerated().map { index, line in
                [
                    "line_no": .integer(Int64(index + 1)), "sku": "s", "name": "Noodles", "category": "food",
                    "unit_price_fen": .integer(line.payable), "quantity": .integer(Int64(line.quantity)),
                    "gross_fen": .integer(line.payable), "discount_fen": 0, "payable_fen": .integer(line.payable),
                ]
            }
        )
        let discountsJSON = JSON.array(
            discounts.map { ["funded_by": .string($0.funder.rawValue), "amount_fen": .integer($0.amount)] }
        )
        let handover: JSON? = isThere ? ["kind": "door", "proof": ["code": "1234"]] : nil
        let rider: String? = wasFetched ? "r_1" : nil
        return """
            insert into campus.orders (
                campus_id, id, source, status, version, customer_id, merchant_id, merchant_name, rider_id, lines, discounts,
                delivery_fen, packaging_fen, delivery_payable_fen, packaging_payable_fen, lines_fen, fees_fen, discount_fen,
                payable_fen, paid_fen, dropoff, promised_at, placed_at, paid_at, accepted_at, picked_up_at, delivered_at,
                completed_at, cancelled_at, cancelled_by, cancel_reason, handover, updated_at
            ) values (
                \(campus), \(id), \(source), \(status), 5, \(customer), \(merchant), 'Canteen', \(rider), \(linesJSON),
                \(discountsJSON), \(delivery), \(packaging), \(delivery), \(packaging), \(linesFen),
                \(delivery + packaging), \(discount), \(payable), \(paid), '{}', \(promisedAt), \(now - .seconds(7_200)),
                \(now - .seconds(7_100)), \(wasAccepted ? now - .seconds(7_000) : nil as Timestamp?),
                \(wasFetched ? now - .seconds(6_000) : nil as Timestamp?), \(deliveredAt),
                \(status == .completed ? now : nil as Timestamp?), \(status == .cancelled ? now : nil as Timestamp?),
                \(status == .cancelled ? "customer:stu_1" : nil as String?),
                \(status == .cancelled ? "changed mind" : nil as String?), \(handover), \(now)
            )
            """
    }

    /// Appends `order.refund_due` to the orders stream, as OrderService would.
    func appendDue(_ refund: RefundDue, version: Int64 = 6, on campus: TestCampus) async throws {
        let event = OrderEvent(
            facts: OrderFacts(
                orderID: id,
                externalID: nil,
                shortNumber: nil,
                source: source,
                status: status,
                version: version,
                customerID: customer,
                merchantID: merchant,
                riderID: nil,
                payable: Money(fen: payable),
                paid: Money(fen: payable),
                promisedAt: now,
                isTest: false
            ),
            change: .refundDue(refund)
        )
        try await campus.orders.transaction { session in
            try EventStore(stream: .orders).append(
                [
                    NewEvent(
                        type: event.type,
                        campus: campus.id,
                        subject: id.retyped(),
                        version: version,
                        root: id.retyped(),
                        actor: .system("test"),
                        at: now,
                        payload: event.json
                    )
                ],
                in: session
            )
        }
    }
}
