import Model
import Postgres

/// The only writer and reader of refunds and their items.
struct RefundStore: Sendable {
    /// Reads a refund and locks it, so that nobody else changes it before this transaction ends.
    func lock(_ id: RefundID, campus: CampusID, in session: borrowing Session) throws -> Refund? {
        try session.first(
            """
            select \(Self.columns) from campus.refund r where r.campus_id = \(campus) and r.id = \(id) for update
            """
        ) { row in try Refund(row) }
    }

    /// Reads a refund.
    func find(_ id: RefundID, campus: CampusID, in session: borrowing Session) throws -> Refund? {
        try session.first(
            "select \(Self.columns) from campus.refund r where r.campus_id = \(campus) and r.id = \(id)"
        ) { row in try Refund(row) }
    }

    /// The refunds of these cases, the oldest first.
    func refunds(of cases: [CaseID], campus: CampusID, in session: borrowing Session) throws -> [Refund] {
        guard !cases.isEmpty else { return [] }
        return try session.query(
            """
            select \(Self.columns) from campus.refund r
            where r.campus_id = \(campus) and r.case_id = any(\(cases)) order by r.id
            """
        ) { row in try Refund(row) }
    }

    /// What a refund gives back, item by item.
    func part(of refund: Refund, in session: borrowing Session) throws -> PaymentPart {
        let items = try session.query(
            """
            select item, amount_fen from campus.refund_item
            where campus_id = \(refund.campus) and refund_id = \(refund.id)
            """
        ) { row in ItemAmount(item: try RefundItem(stored: row["item"]), amount: try row["amount_fen"]) }
        return PaymentPart(payment: refund.payment.id, items: items.sorted { $0.item < $1.item })
    }

    /// The statements that store a new refund and what it gives back, which reserves that money.
    func insertion(of new: Refund, part: PaymentPart) -> [SQL] {
        let items = part.items.map(\.item.description)
        let amounts = part.items.map(\.amount)
        return [
            """
            insert into campus.refund (
                campus_id, id, case_id, order_id, external_id, payment_id, customer_id, merchant_id, is_test, channel,
                transaction_id, out_trade_no, mchid, sub_mchid, out_refund_no, amount_fen, payment_fen, payer_fen, reason,
                automatic, created_at, updated_at
            ) values (
                \(new.campus), \(new.id), \(new.caseID), \(new.orderID), \(new.externalID), \(new.payment.id),
                \(new.customerID), \(new.merchantID), \(new.isTest), \(new.payment.channel), \(new.payment.transactionID),
                \(new.payment.outTradeNumber), \(new.payment.merchantAccount), \(new.payment.subMerchantAccount),
                \(new.outRefundNumber), \(new.amount), \(new.payment.amount), \(new.payment.payerAmount), \(new.reason),
                \(new.automatic), \(new.createdAt), \(new.updatedAt)
            )
            """,
            """
            insert into campus.refund_item (campus_id, refund_id, order_id, payment_id, item, amount_fen)
            select \(new.campus), \(new.id), \(new.orderID), \(part.payment), i.item, i.amount_fen
            from unnest(\(items), \(amounts)) as i (item, amount_fen)
            """,
        ]
    }

    /// The statement that stores what changed of a refund.
    func update(to changed: Refund) -> SQL {
        """
        update campus.refund set
            status = \(changed.status), version = \(changed.version), code = \(changed.code),
            channel_refund_id = \(changed.channelRefundID), updated_at = \(changed.updatedAt),
            submitted_at = \(changed.submittedAt), settled_at = \(changed.settledAt)
        where campus_id = \(changed.campus) and id = \(changed.id)
        """
    }

    /// Who paid a payment, by the channel's id, while that is known; read where it is, because it can be forgotten there.
    func payer(of refund: Refund, in session: borrowing Session) throws -> String? {
        try session.first(
            "select payer_openid from campus.payment where campus_id = \(refund.campus) and id = \(refund.payment.id)"
        ) { row in try row["payer_openid"] as String? } ?? nil
    }

    static let columns: SQL = """
        r.campus_id, r.id, r.case_id, r.order_id, r.external_id, r.payment_id, r.customer_id, r.merchant_id, r.is_test,
        r.channel, r.transaction_id, r.out_trade_no, r.mchid, r.sub_mchid, r.amount_fen, r.payment_fen, r.payer_fen,
        r.reason, r.automatic, r.status, r.version, r.code, r.channel_refund_id, r.created_at, r.updated_at,
        r.submitted_at, r.settled_at
        """
}

extension Refund {
    /// Reads a row of ``RefundStore/columns``.
    init(_ row: Row) throws {
        self.init(
            id: try row["id"],
            campus: try row["campus_id"],
            caseID: try row["case_id"],
            orderID: try row["order_id"],
            externalID: try row["external_id"],
            customerID: try row["customer_id"],
            merchantID: try row["merchant_id"],
            isTest: try row["is_test"],
            payment: RefundedPayment(
                id: try row["payment_id"],
                channel: try row["channel"],
                transactionID: try row["transaction_id"],
                outTradeNumber: try row["out_trade_no"],
                merchantAccount: try row["mchid"],
                subMerchantAccount: try row["sub_mchid"],
                amount: try row["payment_fen"],
                payerAmount: try row["payer_fen"]
            ),
            amount: try row["amount_fen"],
            reason: try row["reason"],
            automatic: try row["automatic"],
            createdAt: try row["created_at"],
            status: try row["status"],
            version: try row["version"],
            code: try row["code"],
            channelRefundID: try row["channel_refund_id"],
            updatedAt: try row["updated_at"],
            submittedAt: try row["submitted_at"],
            settledAt: try row["settled_at"]
        )
    }
}
