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
    var discounts: [DiscountFixture] = []
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

/// A discount of an order, and what it was taken off.
struct DiscountFixture: Sendable {
    var funder: Funder
    var shares: [RefundItem: Int64]
    var coupon: String?
}

/// A payment of an order; the same one may pay for several.
struct PaymentFixture: Sendable {
    var id = PaymentID.make(at: SystemWallClock().now())
    var channel = PaymentChannel.sandbox
    /// Told to the sandbox channel, which may find a marker in it.
    var transaction = "txn_\(String(UInt64.random(in: .min ... .max), radix: 36))"
    /// Its amount; nil is all that the order costs.
    var amount: Int64?
    /// How much of it is for this order; nil is all of it.
    var share: Int64?
    var purpose = "settles"
    /// What the platform told of it for a refund.
    var outTradeNumber: String?
    var merchantAccount: String?
    var payerAmount: Int64?
    var payerID: String?
    /// How long before it was recorded it was made, in seconds.
    var reportedAfter: Int64 = 0
    /// Whether it came with a past order.
    var isImported = false
}

extension PaymentFixture {
    /// Stores it, unless it is there, and what it pays for an order.
    func insert(
        for order: OrderID,
        campus: CampusID,
        amount: Money,
        at createdAt: Timestamp,
        in session: borrowing Session
    ) throws {
        try session.execute(
            """
            insert into campus.payment (
                campus_id, id, channel, transaction_id, amount_fen, paid_at, out_trade_no, mchid, payer_fen, payer_openid,
                created_at, is_imported
            ) values (
                \(campus), \(id), \(channel), \(transaction), \(amount), \(createdAt - .seconds(reportedAfter)),
                \(outTradeNumber), \(merchantAccount), \(payerAmount), \(payerID), \(createdAt),
                \(isImported)
            )
            on conflict do nothing
            """
        )
        try session.execute(
            """
            insert into campus.payment_allocation (campus_id, payment_id, order_id, purpose, amount_fen)
            values (\(campus), \(id), \(order), \(purpose), \(share.map(Money.init(fen:)) ?? amount))
            """
        )
    }
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
            $0 + ($1.0.purpose == "settles" || $1.0.purpose == "partial" ? $1.0.share ?? $1.1.fen : 0)
        }
        try await pool.transaction { session in
            try session.execute(insertion(campus, paid: min(settled, payable)))
            for (payment, amount, createdAt) in rows {
                try payment.insert(for: id, campus: campus, amount: amount, at: createdAt, in: session)
            }
        }
    }

    /// Says that it is a past order that was brought along.
    func insertImport(_ campus: TestCampus) async throws {
        let digest = [UInt8](repeating: 0, count: 32)
        try await campus.orders.transaction { session in
            try session.execute(
                """
                insert into campus.imported_order (campus_id, import_id, order_id, line, sha256)
                values (\(campus.id), 'past', \(id), 1, \(digest))
                """
            )
        }
    }

    private func insertion(_ campus: CampusID, paid: Int64) -> SQL {
        let promisedAt = now - .seconds(minutesSincePromised * 60)
        let isThere = status == .delivered || status == .completed
        let wasFetched = isThere || status == .pickedUp
        let deliveredAt: Timestamp? = isThere ? promisedAt + .seconds(minutesLate * 60) : nil
        let discount = discounts.reduce(0) { $0 + $1.shares.values.reduce(0, +) }
        let gross = { (item: RefundItem, payable: Int64) in
            discounts.reduce(payable) { $0 + ($1.shares[item] ?? 0) }
        }
        let linesFen = lines.enumerated().reduce(0) { $0 + gross(.line($1.offset + 1), $1.element.payable) }
        let grossFees = (delivery: gross(.delivery, delivery), packaging: gross(.packaging, packaging))
        let linesJSON = JSON.array(
            lines.enumerated().map { index, line in
                let gross = gross(.line(index + 1), line.payable)
                return [
                    "line_no": .integer(Int64(index + 1)), "sku": "s", "name": "Noodles", "category": "food",
                    "unit_price_fen": .integer(gross), "quantity": .integer(Int64(line.quantity)),
                    "gross_fen": .integer(gross), "discount_fen": .integer(gross - line.payable),
                    "payable_fen": .integer(line.payable),
                ]
            }
        )
        let discountsJSON = JSON.array(discounts.map(\.json))
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
                \(discountsJSON), \(grossFees.delivery), \(grossFees.packaging), \(delivery), \(packaging), \(linesFen),
                \(grossFees.delivery + grossFees.packaging), \(discount), \(payable), \(paid), '{}', \(promisedAt), \(now - .seconds(7_200)),
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

extension DiscountFixture {
    /// As OrderService stores it.
    var json: JSON {
        let allocations = shares.map { item, fen -> JSON in
            if case .line(let number) = item {
                return ["line_no": .integer(Int64(number)), "amount_fen": .integer(fen)]
            }
            return ["fee": .string(item.description), "amount_fen": .integer(fen)]
        }
        return [
            "funded_by": .string(funder.rawValue), "amount_fen": .integer(shares.values.reduce(0, +)),
            "applies_to": "order", "coupon_id": .optional(coupon), "allocations": .array(allocations),
        ]
    }
}
