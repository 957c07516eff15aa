import Model
import Postgres

extension PaymentPurpose: PostgresCodable {}
extension OrderAction: PostgresCodable {}

/// Reads a row's columns one after the other, as the statement lists them.
struct ColumnReader {
    private let row: Row
    private var index = 0

    init(_ row: Row) {
        self.row = row
    }

    mutating func next<Value: PostgresDecodable>() throws -> Value {
        defer { index += 1 }
        return try row[index]
    }
}

extension Order {
    /// The columns that ``init(columns:)`` reads, of the table `o`: with its payments and the facts of its lines, so that one statement
    /// shows an order as it stood at one moment.
    static let columns: SQL = """
        o.campus_id, o.id, o.external_id, o.short_no, o.source, o.customer_id, o.merchant_id, o.merchant_name, o.lines,
        o.discounts, o.delivery_fen, o.delivery_payable_fen, o.packaging_fen, o.packaging_payable_fen, o.lines_fen, o.fees_fen,
        o.discount_fen, o.payable_fen, o.dropoff, o.client, o.promised_at, o.placed_at, o.status, o.version, o.rider_id,
        o.rider_name, o.paid_fen, o.paid_at, o.accepted_at, o.ready_at, o.picked_up_at, o.delivered_at, o.completed_at,
        o.cancelled_at, o.cancelled_by, o.cancel_reason, o.handover, o.reported_step, o.reported_at, o.updated_at,
        \(payments), \(facts)
        """

    private static let payments: SQL = """
        (
            select jsonb_agg(
                jsonb_build_object(
                    'payment_id', p.id, 'channel', p.channel, 'transaction_id', p.transaction_id, 'paid_at', p.paid_at,
                    'purpose', a.purpose, 'amount_fen', a.amount_fen
                )
                order by p.created_at, p.id, a.purpose desc
            )
            from campus.payment_allocation a
            cross join lateral (
                select * from campus.payment p where p.campus_id = a.campus_id and p.id = a.payment_id offset 0
            ) p
            where a.campus_id = o.campus_id and a.order_id = o.id
        )
        """

    private static let facts: SQL = """
        (
            select jsonb_agg(
                jsonb_build_object('line_no', f.line_no, 'used', f.used, 'opened', f.opened, 'activated', f.activated)
            )
            from campus.order_line_fact f where f.campus_id = o.campus_id and f.order_id = o.id
        )
        """

    /// Reads ``columns``.
    init(columns row: Row) throws {
        var column = ColumnReader(row)
        campus = try column.next()
        id = try column.next()
        terms = try OrderTerms(columns: &column)
        status = try column.next()
        version = try column.next()
        let riderID: String? = try column.next()
        let riderName: String? = try column.next()
        rider = riderID.map { Rider(id: $0, name: riderName) }
        paid = try column.next()
        times = OrderTimes(
            paid: try column.next(),
            accepted: try column.next(),
            ready: try column.next(),
            pickedUp: try column.next(),
            delivered: try column.next(),
            completed: try column.next(),
            cancelled: try column.next()
        )
        let cancelledBy: String? = try column.next()
        let reason: String? = try column.next()
        cancellation = try cancelledBy.map { text in
            Cancellation(actor: try Actor(stored: text), reason: reason ?? "")
        }
        let handover: JSON? = try column.next()
        self.handover = handover.flatMap(Handover.init(json:))
        let step: OrderAction? = try column.next()
        let reportedAt: Timestamp? = try column.next()
        lastReported = step.flatMap { step in reportedAt.map { ReportedTime(step: step, at: $0) } }
        updatedAt = try column.next()
        let payments: JSON? = try column.next()
        self.payments = try (payments?.array ?? []).map(PaymentShare.init(stored:))
        let facts: JSON? = try column.next()
        lineFacts = try LineFacts.byLine(stored: facts?.array ?? [])
    }
}

extension PaymentShare {
    fileprivate init(stored json: JSON) throws(StoredOrderMismatch) {
        guard let paymentID = json["payment_id"]?.string.flatMap(PaymentID.init),
            let channel = json["channel"]?.string.flatMap(PaymentChannel.init),
            let transactionID = json["transaction_id"]?.string,
            let paidAt = json["paid_at"]?.string.flatMap(Timestamp.init(rfc3339:)),
            let purpose = json["purpose"]?.string.flatMap(PaymentPurpose.init), let amount = json["amount_fen"]?.integer
        else { throw StoredOrderMismatch(column: "payments") }
        self.init(
            paymentID: paymentID,
            channel: channel,
            transactionID: transactionID,
            paidAt: paidAt,
            purpose: purpose,
            amount: Money(fen: amount)
        )
    }
}

extension LineFacts {
    fileprivate static func byLine(stored facts: [JSON]) throws(StoredOrderMismatch) -> [Int: LineFacts] {
        var byLine: [Int: LineFacts] = [:]
        for json in facts {
            guard let line = json["line_no"]?.integer else { throw StoredOrderMismatch(column: "order_line_fact") }
            byLine[Int(line)] = LineFacts(
                used: json["used"]?.bool,
                opened: json["opened"]?.bool,
                activated: json["activated"]?.bool
            )
        }
        return byLine
    }
}

extension OrderTerms {
    fileprivate init(columns column: inout ColumnReader) throws {
        externalID = try column.next()
        shortNumber = try column.next()
        source = try column.next()
        customerID = try column.next()
        merchant = Merchant(id: try column.next(), name: try column.next())
        bill = try Bill(columns: &column)
        dropoff = try Dropoff(stored: try column.next())
        let client: JSON? = try column.next()
        self.client = client.map(Client.init(json:))
        promisedAt = try column.next()
        placedAt = try column.next()
    }
}

extension Bill {
    fileprivate init(columns column: inout ColumnReader) throws {
        let lines: JSON = try column.next()
        let discounts: JSON = try column.next()
        self.lines = try (lines.array ?? []).map(BillLine.init(stored:))
        let lineCount = self.lines.count
        self.discounts = try (discounts.array ?? []).map { try AllocatedDiscount(stored: $0, lineCount: lineCount) }
        delivery = BillFee(gross: try column.next(), payable: try column.next())
        packaging = BillFee(gross: try column.next(), payable: try column.next())
        linesTotal = try column.next()
        feesTotal = try column.next()
        discountTotal = try column.next()
        payable = try column.next()
    }
}
