import Model
import Postgres
import ServiceKit

/// Where the facts of a day come from, in the order in which a day lists them.
enum ReconciliationSource: CaseIterable, Hashable, Sendable {
    /// Payments, each order's part a line of its own.
    case payments
    /// Refunds that ended.
    case refunds
    /// Refunds that the platform paid after they had ended unpaid.
    case released
}

/// Some of a source's facts, and where to go on.
struct ReconciliationFactPage: Sendable {
    /// The lines.
    let rows: [ReconciliationRow]
    /// Behind which place the next ones are; nil when there are no more.
    let next: ReconciliationPlace?
}

/// A place among a source's facts: they are listed by the time at which they became known.
struct ReconciliationPlace: Hashable, Sendable {
    let time: Timestamp
    let id: AnyID

    /// Before everything that became known at that time.
    static func before(_ time: Timestamp) -> ReconciliationPlace {
        ReconciliationPlace(time: time, id: AnyID(high: 0, low: 0))
    }
}

/// Reads what became known of money within a time.
struct ReconciliationFactStore: Sendable {
    /// The next facts of a source behind a place, of those that became known before `end` and are in no day yet.
    ///
    /// A thousand payments or refunds at most: the planner is to see how few that is, and what is read at once is held at once.
    /// Payments that were imported are history of the platform's own and never part of a day.
    func facts(
        _ source: ReconciliationSource,
        of campus: CampusID,
        after place: ReconciliationPlace,
        before end: Timestamp,
        in session: borrowing Session
    ) throws -> ReconciliationFactPage {
        let found =
            switch source {
            case .payments: try payments(of: campus, after: place, before: end, in: session)
            case .refunds: try refunds(of: campus, after: place, before: end, in: session)
            case .released: try released(of: campus, after: place, before: end, in: session)
            }
        return ReconciliationFactPage(
            rows: found.compactMap { $0.isOpen ? $0.row : nil },
            next: found.last.map(\.place)
        )
    }

    fileprivate struct Found {
        let row: ReconciliationRow
        let place: ReconciliationPlace
        /// Whether no day has it yet.
        let isOpen: Bool
    }

    private func payments(
        of campus: CampusID,
        after place: ReconciliationPlace,
        before end: Timestamp,
        in session: borrowing Session
    ) throws -> [Found] {
        try session.query(
            """
            select p.id as place_id, p.created_at as known_at, p.paid_at as moved_at, 'payment' as kind, 'paid' as status,
                o.id as order_id, o.external_id, o.merchant_id, p.id as payment_id, null::uuid as refund_id, p.channel,
                p.transaction_id, p.out_trade_no, p.mchid, p.sub_mchid, null as out_refund_no, null as channel_refund_id,
                a.amount_fen, p.amount_fen as payment_fen, null as destination, null::bigint as merchant_fen,
                null::bigint as platform_fen, null::bigint as campus_fen, null::bigint as unapplied_fen,
                a.amount_fen > 0 and not p.is_imported
                and not exists (
                    select from campus.reconciliation_row r
                    where r.campus_id = p.campus_id and r.fact = 'payment:' || p.id || ':' || a.order_id
                ) as is_open
            from (
                select * from campus.payment
                where campus_id = \(campus) and (created_at, id) > (\(place.time), \(place.id)) and created_at < \(end)
                order by created_at, id limit 1000
            ) p
            cross join lateral (
                select order_id, sum(amount_fen)::bigint as amount_fen from campus.payment_allocation
                where campus_id = p.campus_id and payment_id = p.id group by order_id
            ) a
            cross join lateral (
                select id, external_id, merchant_id from campus.orders
                where campus_id = p.campus_id and id = a.order_id offset 0
            ) o
            order by p.created_at, p.id, o.id
            """
        ) { row in try Found(row) }
    }

    private func refunds(
        of campus: CampusID,
        after place: ReconciliationPlace,
        before end: Timestamp,
        in session: borrowing Session
    ) throws -> [Found] {
        try session.query(
            """
            select r.id as place_id, r.settled_at as known_at,
                case when r.status = 'succeeded' then coalesce(t.at, r.settled_at) end as moved_at,
                \(Self.refundColumns), r.status, r.channel_refund_id,
                case when r.status = 'succeeded' then coalesce(t.destination, 'original') end as destination,
                s.merchant_fen, s.platform_fen, s.campus_fen, s.unapplied_fen,
                not exists (
                    select from campus.reconciliation_row c where c.campus_id = r.campus_id and c.fact = 'refund:' || r.id
                ) as is_open
            from (
                select * from campus.refund
                where campus_id = \(campus) and (settled_at, id) > (\(place.time), \(place.id)) and settled_at < \(end)
                order by settled_at, id limit 1000
            ) r
            left join lateral (
                select at, destination from campus.refund_report
                where campus_id = r.campus_id and refund_id = r.id and result = 'succeeded'
                    and outcome in ('taken', 'late')
                order by number limit 1
            ) t on true
            left join lateral (\(Self.shares)) s on r.status = 'succeeded'
            order by r.settled_at, r.id
            """
        ) { row in try Found(row) }
    }

    private func released(
        of campus: CampusID,
        after place: ReconciliationPlace,
        before end: Timestamp,
        in session: borrowing Session
    ) throws -> [Found] {
        try session.query(
            """
            select r.id as place_id, t.received_at as known_at, t.at as moved_at, \(Self.refundColumns),
                'paid_though_released' as status, t.channel_refund_id, t.destination, null::bigint as merchant_fen,
                null::bigint as platform_fen, null::bigint as campus_fen, null::bigint as unapplied_fen,
                not exists (
                    select from campus.reconciliation_row c
                    where c.campus_id = r.campus_id and c.fact = 'released:' || r.id
                ) as is_open
            from (
                select * from campus.refund_report
                where campus_id = \(campus) and (received_at, refund_id) > (\(place.time), \(place.id))
                    and received_at < \(end) and stood = 'closed' and result = 'succeeded' and outcome = 'contradictory'
                order by received_at, refund_id limit 1000
            ) t
            join campus.refund r on r.campus_id = t.campus_id and r.id = t.refund_id
            order by t.received_at, r.id
            """
        ) { row in try Found(row) }
    }

    private static let refundColumns: SQL = """
        'refund' as kind, r.order_id, r.external_id, r.merchant_id, r.payment_id, r.id as refund_id, r.channel,
        r.transaction_id, r.out_trade_no, r.mchid, r.sub_mchid, r.out_refund_no, r.amount_fen, r.payment_fen
        """

    /// What each party gave less what it got, of a refund `r`; the customer got the sum.
    private static let shares: SQL = """
        select sum(case when debit like 'merchant:%' then amount_fen when credit like 'merchant:%' then -amount_fen else 0 end)
                ::bigint as merchant_fen,
            sum(case when debit = 'platform' then amount_fen when credit = 'platform' then -amount_fen else 0 end)
                ::bigint as platform_fen,
            sum(case when debit = 'campus' then amount_fen when credit = 'campus' then -amount_fen else 0 end)
                ::bigint as campus_fen,
            sum(case when debit = 'unapplied' then amount_fen when credit = 'unapplied' then -amount_fen else 0 end)
                ::bigint as unapplied_fen
        from campus.ledger_entry where campus_id = r.campus_id and refund_id = r.id
        """
}

extension ReconciliationFactStore.Found {
    fileprivate init(_ row: Row) throws {
        let place = ReconciliationPlace(time: try row["known_at"], id: try row["place_id"])
        let merchant: Int64? = try row["merchant_fen"]
        let shares: RefundShares? = try merchant.map { merchant in
            RefundShares(
                merchant: merchant,
                platform: try row["platform_fen"],
                campus: try row["campus_fen"],
                unapplied: try row["unapplied_fen"]
            )
        }
        self.init(
            row: ReconciliationRow(
                kind: try row["kind"],
                status: try row["status"],
                orderID: try row["order_id"],
                externalID: try row["external_id"],
                merchantID: try row["merchant_id"],
                paymentID: try row["payment_id"],
                refundID: try row["refund_id"],
                channel: try row["channel"],
                transactionID: try row["transaction_id"],
                outTradeNumber: try row["out_trade_no"],
                merchantAccount: try row["mchid"],
                subMerchantAccount: try row["sub_mchid"],
                outRefundNumber: try row["out_refund_no"],
                channelRefundID: try row["channel_refund_id"],
                amount: try row["amount_fen"],
                paymentAmount: try row["payment_fen"],
                destination: try row["destination"],
                shares: shares,
                movedAt: try row["moved_at"],
                knownAt: place.time
            ),
            place: place,
            isOpen: try row["is_open"]
        )
    }
}

extension ReconciliationRow.Kind: PostgresCodable {}
extension ReconciliationRow.Status: PostgresCodable {}
