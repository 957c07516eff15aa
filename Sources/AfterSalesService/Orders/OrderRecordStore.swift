import Model
import Postgres

/// Reads OrderService's rows; AfterSalesService can do no more with them.
struct OrderRecordStore: Sendable {
    /// The order with its payments and what is known of its customer; nil when the campus has none of that id.
    func find(_ id: OrderID, campus: CampusID, in session: borrowing Session) throws -> OrderRecord? {
        guard var order = try terms(of: id, campus: campus, in: session) else { return nil }
        let (payments, customer) = try session.pipeline(
            payments(of: id, campus: campus),
            PartyStore().standing(ofCustomer: order.customerID, in: campus)
        )
        order.payments = payments
        order.customer = customer.first ?? CustomerStanding()
        return order
    }

    /// The order without its payments, and without what is known of its customer; nil when the campus has none of that id.
    func terms(of id: OrderID, campus: CampusID, in session: borrowing Session) throws -> OrderRecord? {
        try session.first(
            """
            select id, external_id, source, status, customer_id, merchant_id, rider_id, lines, discounts,
                delivery_payable_fen, packaging_payable_fen, payable_fen, promised_at, policy_version, accepted_at,
                delivered_at, cancelled_at, handover ->> 'kind' as handover_kind
            from campus.orders
            where campus_id = \(campus) and id = \(id)
            """
        ) { row in try OrderRecord(row) }
    }

    /// The payments of an order, in the order in which they were recorded: later ones never come before earlier ones.
    private func payments(of order: OrderID, campus: CampusID) -> Query<OrderPayment> {
        Query(
            """
            select p.id, p.channel, p.transaction_id, p.out_trade_no, p.mchid, p.sub_mchid, p.amount_fen,
                p.payer_fen,
                coalesce(sum(a.amount_fen) filter (where a.purpose in ('settles', 'partial')), 0)::bigint as settled_fen,
                coalesce(sum(a.amount_fen) filter (where a.purpose not in ('settles', 'partial')), 0)::bigint as surplus_fen
            from campus.payment_allocation a
            cross join lateral (
                -- The offset keeps the planner from beginning with all payments of the campus.
                select * from campus.payment where campus_id = a.campus_id and id = a.payment_id offset 0
            ) p
            where a.campus_id = \(campus) and a.order_id = \(order)
            group by p.id, p.channel, p.transaction_id, p.out_trade_no, p.mchid, p.sub_mchid, p.amount_fen, p.payer_fen,
                p.created_at
            order by p.created_at, p.id
            """
        ) { row in
            OrderPayment(
                id: try row["id"],
                channel: try row["channel"],
                transactionID: try row["transaction_id"],
                outTradeNumber: try row["out_trade_no"],
                merchantAccount: try row["mchid"],
                subMerchantAccount: try row["sub_mchid"],
                amount: try row["amount_fen"],
                payerAmount: try row["payer_fen"],
                settled: try row["settled_fen"],
                surplus: try row["surplus_fen"]
            )
        }
    }
}

extension OrderRecord {
    fileprivate init(_ row: Row) throws {
        let discounts: JSON = try row["discounts"]
        let lines: JSON = try row["lines"]
        self.init(
            id: try row["id"],
            externalID: try row["external_id"],
            source: try row["source"],
            status: try row["status"],
            customerID: try row["customer_id"],
            merchantID: try row["merchant_id"],
            riderID: try row["rider_id"],
            lines: try (lines.array ?? []).map(OrderLine.init(json:)),
            deliveryPayable: try row["delivery_payable_fen"],
            packagingPayable: try row["packaging_payable_fen"],
            payable: try row["payable_fen"],
            discounts: try (discounts.array ?? []).map(OrderDiscount.init(json:)),
            promisedAt: try row["promised_at"],
            policyVersion: try row["policy_version"],
            acceptedAt: try row["accepted_at"],
            deliveredAt: try row["delivered_at"],
            cancelledAt: try row["cancelled_at"],
            handover: (try row["handover_kind"] as String?).flatMap(HandoverKind.init(rawValue:)),
            payments: []
        )
    }
}

extension OrderLine {
    fileprivate init(json: JSON) throws(UnreadableOrder) {
        guard let number = json["line_no"]?.integer, let name = json["name"]?.string,
            let quantity = json["quantity"]?.integer, quantity > 0, let payable = json["payable_fen"]?.integer
        else { throw UnreadableOrder(field: "lines") }
        self.init(number: Int(number), name: name, quantity: Int(quantity), payable: Money(fen: payable))
    }
}

extension OrderDiscount {
    fileprivate init(json: JSON) throws(UnreadableOrder) {
        guard let funder = json["funded_by"]?.string.flatMap(Funder.init(rawValue:)),
            let allocations = json["allocations"]?.array
        else { throw UnreadableOrder(field: "discounts") }
        var shares: [RefundItem: Money] = [:]
        for allocation in allocations {
            let line = allocation["line_no"]?.integer.map { RefundItem.line(Int($0)) }
            guard let item = line ?? allocation["fee"]?.string.flatMap(RefundItem.init),
                let amount = allocation["amount_fen"]?.integer
            else { throw UnreadableOrder(field: "discounts") }
            shares[item] = Money(fen: amount)
        }
        self.init(funder: funder, couponID: json["coupon_id"]?.string, shares: shares)
    }
}

/// A row of OrderService does not look as both services agreed.
struct UnreadableOrder: Error, Hashable {
    /// The column that does not.
    let field: String
}
