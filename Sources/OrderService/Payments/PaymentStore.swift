import Model
import Postgres

/// Reads and writes payments as they were reported.
struct PaymentStore: Sendable {
    /// Asks what is known of payments: a row for each part of those that were reported before.
    func knowing(_ keys: [PaymentKey]) -> Query<KnownPayment.Part> {
        let sql: SQL = """
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
        return Query(keys.isEmpty ? nil : sql) { row in
            var column = ColumnReader(row)
            return KnownPayment.Part(
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
    }

    /// Stores payments, each by its campus's clock, in the order of their keys.
    ///
    /// A payment that another transaction is just reporting makes the statement wait, and then fail:
    /// ``Postgres/PostgresError/isPaymentReportedMeanwhile``.
    ///
    /// - `isImported`: whether they came with past orders, and are nothing that became known today.
    func insert(
        _ reports: [(campus: CampusID, report: PaymentReport, now: Timestamp)],
        isImported: Bool = false
    ) -> SQL {
        let sorted = reports.sorted {
            ($0.campus, $0.report.channel.rawValue, $0.report.transactionID)
                < ($1.campus, $1.report.channel.rawValue, $1.report.transactionID)
        }
        let payments = sorted.map(\.report)
        return """
            insert into campus.payment
                (campus_id, id, channel, transaction_id, amount_fen, paid_at, out_trade_no, mchid, sub_mchid, payer_fen,
                payer_openid, created_at, is_imported)
            select *, \(isImported) from unnest(
                \(sorted.map(\.campus)), \(payments.map(\.id)), \(payments.map(\.channel)),
                \(payments.map(\.transactionID)), \(payments.map(\.amount)), \(payments.map(\.paidAt)),
                \(payments.map(\.references.outTradeNumber)), \(payments.map(\.references.merchantAccount)),
                \(payments.map(\.references.subMerchantAccount)), \(payments.map(\.references.payerAmount)),
                \(payments.map(\.references.payerID)), \(sorted.map(\.now))
            )
            """
    }
}

extension PostgresError {
    /// Whether another transaction reported one of the payments first: everything is undone, and may be tried again.
    var isPaymentReportedMeanwhile: Bool {
        guard case .server(let error) = self else { return false }
        return error.constraint == "payment_transaction_unique"
    }
}
