import Model
import Postgres

/// Reads what is held of somebody, each thing as one JSON object.
struct PartyExportStore: Sendable {
    /// Their orders: a customer's with address and device, a rider's with the way they went.
    ///
    /// A shop's orders are its customers'.
    func orders(
        of party: Party,
        in campus: CampusID,
        after place: AnyID,
        limit: Int,
        session: borrowing Session
    ) throws -> [PartyExport.Item] {
        let (owner, data): (SQL, SQL)
        switch party.kind {
        case .customer: (owner, data) = ("o.customer_id = \(party.id)", Self.customersOrder)
        case .rider: (owner, data) = ("o.rider_id = \(party.id)", Self.ridersOrder(party.id))
        case .merchant: return []
        }
        return try items(
            .order,
            """
            select o.id, \(data) from campus.orders o
            where o.campus_id = \(campus) and \(owner) and o.id > \(place) order by o.id limit \(limit)
            """,
            session
        )
    }

    /// A customer's cases with what was said in them and how they were decided.
    func cases(
        of party: Party,
        in campus: CampusID,
        after place: AnyID,
        limit: Int,
        session: borrowing Session
    ) throws -> [PartyExport.Item] {
        guard party.kind == .customer else { return [] }
        return try items(
            .aCase,
            """
            select c.id, jsonb_build_object(
                'id', c.id, 'order_id', c.order_id, 'kind', c.kind, 'reason', c.reason, 'status', c.status,
                'description', c.description, 'requested_fen', c.requested_fen, 'approved_fen', c.approved_fen,
                'opened_by', c.opened_by, 'opened_at', c.opened_at, 'decided_at', c.decided_at, 'closed_at', c.closed_at,
                'comments', (
                    select coalesce(jsonb_agg(
                        jsonb_build_object('by', split_part(t.actor, ':', 1), 'at', t.at, 'text', w.words) order by t.version
                    ), '[]')
                    from campus.case_words w
                    join campus.case_timeline t
                        on t.campus_id = w.campus_id and t.case_id = w.case_id and t.version = w.version
                    where w.campus_id = c.campus_id and w.case_id = c.id and w.field = 'comment'
                ),
                'decisions', (
                    select coalesce(jsonb_agg(
                        jsonb_build_object(
                            'verdict', d.verdict, 'decided_at', d.decided_at, 'reasons', d.reasons, 'inputs', d.inputs
                        ) order by d.number
                    ), '[]')
                    from campus.decision d where d.campus_id = c.campus_id and d.case_id = c.id
                )
            )
            from campus.cases c
            where c.campus_id = \(campus) and c.customer_id = \(party.id) and c.id > \(place) order by c.id limit \(limit)
            """,
            session
        )
    }

    /// A customer's refunds.
    func refunds(
        of party: Party,
        in campus: CampusID,
        after place: AnyID,
        limit: Int,
        session: borrowing Session
    ) throws -> [PartyExport.Item] {
        guard party.kind == .customer else { return [] }
        return try items(
            .refund,
            """
            select r.id, jsonb_build_object(
                'id', r.id, 'case_id', r.case_id, 'order_id', r.order_id, 'channel', r.channel,
                'transaction_id', r.transaction_id, 'out_refund_no', r.out_refund_no, 'amount_fen', r.amount_fen,
                'status', r.status, 'created_at', r.created_at, 'settled_at', r.settled_at
            )
            from campus.cases c join campus.refund r on r.campus_id = c.campus_id and r.case_id = c.id
            where c.campus_id = \(campus) and c.customer_id = \(party.id) and r.id > \(place) order by r.id limit \(limit)
            """,
            session
        )
    }

    private static let customersOrder: SQL = """
        jsonb_build_object(
            'id', o.id, 'external_id', o.external_id, 'source', o.source, 'status', o.status,
            'merchant', jsonb_build_object('id', o.merchant_id, 'name', o.merchant_name), 'lines', o.lines,
            'payable_fen', o.payable_fen, 'paid_fen', o.paid_fen, 'dropoff', o.dropoff, 'client', o.client,
            'placed_at', o.placed_at, 'paid_at', o.paid_at, 'delivered_at', o.delivered_at, 'completed_at', o.completed_at,
            'cancelled_at', o.cancelled_at, 'cancel_reason', o.cancel_reason, 'handover', o.handover,
            'payments', (
                select coalesce(jsonb_agg(
                    jsonb_build_object(
                        'channel', p.channel, 'transaction_id', p.transaction_id, 'paid_at', p.paid_at,
                        'amount_fen', a.amount_fen, 'purpose', a.purpose, 'payer_openid', p.payer_openid
                    ) order by p.created_at, p.id, a.purpose
                ), '[]')
                from campus.payment_allocation a
                cross join lateral (
                    select * from campus.payment where campus_id = a.campus_id and id = a.payment_id offset 0
                ) p
                where a.campus_id = o.campus_id and a.order_id = o.id
            ),
            'past_refunds', (
                select coalesce(jsonb_agg(
                    jsonb_build_object(
                        'out_refund_no', f.out_refund_no, 'amount_fen', f.amount_fen, 'succeeded_at', f.succeeded_at
                    ) order by f.out_refund_no
                ), '[]')
                from campus.past_refund f where f.campus_id = o.campus_id and f.order_id = o.id
            ),
            'exceptions', (
                select coalesce(jsonb_agg(jsonb_build_object('kind', e.kind, 'note', e.note, 'at', e.at) order by e.id), '[]')
                from campus.order_exception e where e.campus_id = o.campus_id and e.order_id = o.id
            )
        )
        """

    private static func ridersOrder(_ rider: String) -> SQL {
        """
        jsonb_build_object(
            'id', o.id, 'status', o.status, 'rider_name', o.rider_name, 'picked_up_at', o.picked_up_at,
            'delivered_at', o.delivered_at,
            'positions', (
                select coalesce(jsonb_agg(jsonb_build_object('lat', t.lat, 'lng', t.lng, 'at', t.at) order by t.at), '[]')
                from campus.order_track t
                where t.campus_id = o.campus_id and t.order_id = o.id and t.rider_id = \(rider)
            )
        )
        """
    }

    private func items(
        _ section: PartyExport.Section,
        _ sql: SQL,
        _ session: borrowing Session
    ) throws -> [PartyExport.Item] {
        try session.query(sql) { row in PartyExport.Item(section: section, id: try row[0], data: try row[1]) }
    }
}
