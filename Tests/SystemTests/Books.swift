import Model
import Postgres
import TestSupport

/// What the books of the services say when all has settled, against each other and against the channel's.
struct Books: Sendable {
    let cluster: TemporaryCluster

    /// A rule of the books, and the statement that finds what breaks it, a description in each row.
    private struct Rule: Sendable {
        let name: String
        let breaches: SQL
    }

    private static let rules = [
        Rule(
            name: "the channel paid out what the refunds say, each number once",
            breaches: """
                select format('%s: refund %s %s fen, channel %s %s fen', coalesce(r.out_refund_no, s.out_refund_no),
                    r.status, r.amount_fen, s.outcome, s.amount_fen)
                from campus.refund r
                full join campus.sandbox_refund s using (campus_id, out_refund_no)
                where r.amount_fen is distinct from s.amount_fen
                    or (r.status = 'succeeded') is distinct from (s.outcome = 'succeeded')
                """
        ),
        Rule(
            name: "every refund has ended",
            breaches: """
                select format('%s is %s', out_refund_no, status) from campus.refund
                where status not in ('succeeded', 'closed')
                """
        ),
        Rule(
            name: "nothing is reserved any more",
            breaches: """
                select format('%s of order %s: %s fen', item, order_id, reserved_fen) from campus.refundable
                where reserved_fen <> 0
                """
        ),
        Rule(
            name: "what is refunded of each payment is the sum of its refunds",
            breaches: """
                select format('payment %s of order %s: %s fen refunded, refunds make %s', b.payment_id, b.order_id,
                    b.refunded_fen, coalesce(sum(r.amount_fen), 0))
                from campus.refundable b
                left join campus.refund r on r.campus_id = b.campus_id and r.order_id = b.order_id
                    and r.payment_id = b.payment_id and r.status = 'succeeded'
                where b.item = 'whole'
                group by b.campus_id, b.order_id, b.payment_id, b.refunded_fen
                having b.refunded_fen <> coalesce(sum(r.amount_fen), 0)
                """
        ),
        Rule(
            name: "the ledger gives each customer what was refunded",
            breaches: """
                select format('refund %s of %s fen: the ledger gives %s', r.id, r.amount_fen,
                    coalesce(sum(l.amount_fen), 0))
                from campus.refund r
                left join campus.ledger_entry l on l.campus_id = r.campus_id and l.refund_id = r.id
                    and l.credit = 'customer:' || r.customer_id
                group by r.id, r.status, r.amount_fen
                having coalesce(sum(l.amount_fen), 0) <> case r.status when 'succeeded' then r.amount_fen else 0 end
                """
        ),
        Rule(
            name: "no payment goes back beyond what it brought",
            breaches: """
                select format('payment %s: %s fen paid, %s refunded', p.id, p.amount_fen, sum(r.amount_fen))
                from campus.payment p
                join campus.refund r on r.campus_id = p.campus_id and r.payment_id = p.id and r.status = 'succeeded'
                group by p.id, p.amount_fen
                having sum(r.amount_fen) > p.amount_fen
                """
        ),
    ]

    /// What breaks which rule; nothing when the books are in order.
    func differences() async throws -> [String] {
        let pool = ConnectionPool(
            try cluster.configuration(database: "campus"),
            pool: PoolConfiguration(size: 1, waitTimeout: .seconds(60)),
            logger: .silent
        )
        do {
            var differences: [String] = []
            for rule in Self.rules {
                let breaches = try await pool.autocommit { session in
                    try session.query(rule.breaches) { row -> String in try row[0] }
                }
                differences += breaches.map { "not so that \(rule.name): \($0)" }
            }
            await pool.shutdown()
            return differences
        } catch {
            await pool.shutdown()
            throw error
        }
    }
}
