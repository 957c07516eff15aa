import Model
import ServiceKit

extension PaymentReport {
    /// Reads a report for one order that is as ``PaymentSchemas/pay`` says.
    static func parsed(
        _ body: JSON,
        for order: OrderID,
        of campus: Campus,
        now: Timestamp
    ) throws(Problem) -> PaymentReport {
        let amount = Money(fen: body["amount_fen"]?.integer ?? 0)
        return try parsed(body, [Allocation(order: order, amount: amount)], [], campus, now)
    }

    /// Reads a report for several orders that is as ``PaymentSchemas/report`` says.
    static func parsed(_ body: JSON, of campus: Campus, now: Timestamp) throws(Problem) -> PaymentReport {
        var faults: [Fault] = []
        var allocations: [Allocation] = []
        for (index, entry) in (body["orders"]?.array ?? []).enumerated() {
            guard let order = entry["order_id"]?.string.flatMap(OrderID.init) else { continue }
            if allocations.contains(where: { $0.order == order }) {
                faults.append(Fault("/orders/\(index)/order_id", "is there twice"))
            }
            allocations.append(Allocation(order: order, amount: Money(fen: entry["amount_fen"]?.integer ?? 0)))
        }
        let total = allocations.reduce(0) { $0 + $1.amount.fen }
        if total != body["amount_fen"]?.integer {
            faults.append(Fault("/orders", "sum to \(total) fen, which is not `amount_fen`"))
        }
        return try parsed(body, allocations, faults, campus, now)
    }

    private static func parsed(
        _ body: JSON,
        _ allocations: [Allocation],
        _ earlierFaults: [Fault],
        _ campus: Campus,
        _ now: Timestamp
    ) throws(Problem) -> PaymentReport {
        var faults = earlierFaults
        let channel = body["channel"]?.string.flatMap(PaymentChannel.init) ?? .delegated
        if channel == .sandbox, !campus.isTest {
            faults.append(
                Fault("/channel", "must not be `sandbox`: it moves no money, and the campus is not a test campus")
            )
        }
        let amount = body["amount_fen"]?.integer ?? 0
        let payerAmount = body["payer_fen"]?.integer
        if let payerAmount, payerAmount > amount {
            faults.append(Fault("/payer_fen", "must not be more than `amount_fen`"))
        }
        guard faults.isEmpty else { throw .validation(faults) }
        return PaymentReport(
            id: PaymentID.make(at: now),
            channel: channel,
            transactionID: body["transaction_id"]?.string ?? "",
            amount: Money(fen: amount),
            paidAt: body["paid_at"]?.string.flatMap(Timestamp.init(rfc3339:)) ?? now,
            allocations: allocations,
            references: References(
                outTradeNumber: body["out_trade_no"]?.string,
                merchantAccount: body["mchid"]?.string,
                subMerchantAccount: body["sub_mchid"]?.string,
                payerAmount: payerAmount.map(Money.init(fen:)),
                payerID: body["payer_openid"]?.string
            )
        )
    }
}
