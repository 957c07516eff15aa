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
    /// The columns that ``init(columns:)`` reads, of the table `o`.
    static let columns: SQL = """
        o.campus_id, o.id, o.external_id, o.short_no, o.source, o.customer_id, o.merchant_id, o.merchant_name, o.lines,
        o.discounts, o.delivery_fen, o.delivery_payable_fen, o.packaging_fen, o.packaging_payable_fen, o.lines_fen, o.fees_fen,
        o.discount_fen, o.payable_fen, o.dropoff, o.client, o.promised_at, o.placed_at, o.status, o.version, o.rider_id,
        o.rider_name, o.paid_fen, o.paid_at, o.accepted_at, o.ready_at, o.picked_up_at, o.delivered_at, o.completed_at,
        o.cancelled_at, o.cancelled_by, o.cancel_reason, o.handover, o.reported_step, o.reported_at, o.updated_at
        """

    /// Reads ``columns``; payments and facts of lines are elsewhere, and not there yet.
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
        payments = []
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
        lineFacts = [:]
        updatedAt = try column.next()
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

extension Actor {
    /// Reads the text form as rows hold it.
    ///
    /// A key's name may be what no user's id can be, so the id is not checked.
    fileprivate init(stored text: String) throws {
        guard let colon = text.firstIndex(of: ":"), let role = Role(rawValue: String(text[..<colon])) else {
            throw StoredOrderMismatch(column: "cancelled_by")
        }
        self.init(role: role, id: String(text[text.index(after: colon)...]))
    }
}
