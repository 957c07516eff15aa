import Model
import Postgres

/// Reads and writes payments as they were reported.
struct PaymentStore: Sendable {
    /// Those of the payments that were reported before.
    func known(_ keys: [PaymentKey], in session: borrowing Session) throws -> [PaymentKey: KnownPayment] {
        guard !keys.isEmpty else { return [:] }
        let rows = try session.query(
            """
            select p.campus_id, p.channel, p.transaction_id, p.id, p.amount_fen, a.order_id, a.amount_fen
            from unnest(\(keys.map(\.campus)), \(keys.map(\.channel)), \(keys.map(\.transactionID)))
                as k (campus_id, channel, transaction_id)
            cross join lateral (
                select * from campus.payment p
                where p.campus_id = k.campus_id and p.channel = k.channel and p.transaction_id = k.transaction_id offset 0
            ) p
            cross join lateral (
                select a.order_id, a.amount_fen from campus.payment_allocation a
                where a.campus_id = p.campus_id and a.payment_id = p.id offset 0
            ) a
            """
        ) { row in
            var column = ColumnReader(row)
            return KnownRow(
                key: PaymentKey(
                    campus: try column.next(),
                    channel: try column.next(),
                    transactionID: try column.next()
                ),
                id: try column.next(),
                amount: try column.next(),
                order: try column.next(),
                share: try column.next()
            )
        }
        var known: [PaymentKey: KnownPayment] = [:]
        for row in rows {
            var payment = known[row.key] ?? KnownPayment(id: row.id, amount: row.amount, allocations: [:])
            payment.allocations[row.order] = try (payment.allocations[row.order] ?? .zero).adding(row.share)
            known[row.key] = payment
        }
        return known
    }

    private struct KnownRow {
        var key: PaymentKey
        var id: PaymentID
        var amount: Money
        var order: OrderID
        var share: Money
    }

    /// Stores payments, in the order of their keys.
    ///
    /// A payment that another transaction is just reporting makes the statement wait, and then store one row less than asked.
    func insert(_ reports: [(campus: CampusID, report: PaymentReport)], at now: Timestamp) -> SQL {
        let sorted = reports.sorted {
            ($0.campus, $0.report.channel.rawValue, $0.report.transactionID)
                < ($1.campus, $1.report.channel.rawValue, $1.report.transactionID)
        }
        let payments = sorted.map(\.report)
        return """
            insert into campus.payment
                (campus_id, id, channel, transaction_id, amount_fen, paid_at, out_trade_no, mchid, sub_mchid, payer_fen,
                payer_openid, created_at)
            select r.*, \(now) from unnest(
                \(sorted.map(\.campus)), \(payments.map(\.id)), \(payments.map(\.channel)),
                \(payments.map(\.transactionID)), \(payments.map(\.amount)), \(payments.map(\.paidAt)),
                \(payments.map(\.references.outTradeNumber)), \(payments.map(\.references.merchantAccount)),
                \(payments.map(\.references.subMerchantAccount)), \(payments.map(\.references.payerAmount)),
                \(payments.map(\.references.payerID))
            ) as r
            on conflict (campus_id, channel, transaction_id) do nothing
            """
    }
}
