import Model
import ServiceKit

extension PastPayment {
    /// Reads a payment of a line that is as ``ImportSchemas/line`` says.
    static func parsed(_ json: JSON, at place: Int, _ context: ImportContext) throws(Problem) -> PastPayment {
        let share = Money(fen: json["amount_fen"]?.integer ?? 0)
        var entry = json.object ?? [:]
        entry["amount_fen"] = json["payment_fen"] ?? .integer(share.fen)
        // A report is for an order that is there; which one it is becomes known with the rest of the line.
        var report = try PaymentReport.parsed(.object(entry), for: .unknown, of: context.campus, now: context.now)
        guard share <= report.amount else { throw .validation("/payment_fen", "is less than `amount_fen`") }
        report.id = .ofPast(report, campus: context.campus.id)
        return PastPayment(place: place, report: report, share: share)
    }

    /// What names the payment.
    func key(in campus: CampusID) -> PaymentKey {
        PaymentKey(campus: campus, channel: report.channel, transactionID: report.transactionID)
    }
}

extension PastRefund {
    /// Reads a refund of a line that is as ``ImportSchemas/line`` says.
    static func parsed(_ json: JSON, of payments: [PastPayment], _ context: ImportContext) throws(Problem) -> PastRefund
    {
        var faults = FaultList()
        let transaction = json["transaction_id"]?.string
        let payment = payments.first { transaction == nil || $0.report.transactionID == transaction }
        if let transaction {
            let count = payments.count { $0.report.transactionID == transaction }
            if count == 0 { faults.add("/transaction_id", "names none of the order's payments") }
            if count > 1 { faults.add("/transaction_id", "names payments of several channels") }
        } else if payments.count != 1 {
            let detail = payments.isEmpty ? "cannot be: nothing was paid" : "is missing: the order has several payments"
            faults.add("/transaction_id", detail)
        }
        let succeededAt = json["succeeded_at"]?.time ?? context.now
        if succeededAt > context.now + reportedTimeTolerance { faults.add("/succeeded_at", "lies ahead") }
        if let payment, succeededAt < payment.report.paidAt {
            faults.add("/succeeded_at", "lies before the time of its payment")
        }
        let amount = Money(fen: json["amount_fen"]?.integer ?? 0)
        let items = json["items"]?.array.map { PaidItem.parsed($0, sum: amount, &faults) }
        guard faults.all.isEmpty else { throw .validation(faults.all) }
        return PastRefund(
            number: json["out_refund_no"]?.string ?? "",
            transactionID: transaction,
            amount: amount,
            succeededAt: succeededAt,
            items: items
        )
    }
}

extension PaidItem {
    /// Reads what a refund was for; the parts must sum to it.
    fileprivate static func parsed(_ entries: [JSON], sum amount: Money, _ faults: inout FaultList) -> [PaidItem: Money]
    {
        var items: [PaidItem: Money] = [:]
        var sum: Int64 = 0
        for (index, entry) in entries.enumerated() {
            let part = entry["amount_fen"]?.integer ?? 0
            sum += part
            guard let item = PaidItem(json: entry) else {
                faults.add("/items/\(index)", "has `line_no` or `fee`, one of them")
                continue
            }
            if items.updateValue(Money(fen: part), forKey: item) != nil {
                faults.add("/items/\(index)", "is there twice")
            }
        }
        if sum != amount.fen { faults.add("/items", "sum to \(sum) fen, which is not `amount_fen`") }
        return items
    }

    private init?(json: JSON) {
        switch (json["line_no"]?.integer, json["fee"]?.string) {
        case (let line?, nil): self = .line(Int(clamping: line))
        case (nil, "delivery"): self = .delivery
        case (nil, "packaging"): self = .packaging
        case (nil, nil), (_, .some): return nil
        }
    }
}

extension OrderID {
    /// Stands where an order has no id yet.
    fileprivate static let unknown = OrderID(high: 0, low: 0)
}

extension PaymentID {
    /// The id of a payment that imports bring: always the same for the same payment, so that each line that has a part of it names it.
    fileprivate static func ofPast(_ report: PaymentReport, campus: CampusID) -> PaymentID {
        let name = "\(campus)\0\(report.channel.rawValue)\0\(report.transactionID)"
        var generator = FixedGenerator(word: UInt64(bitPattern: SHA256Digest(of: name.utf8).lockID))
        return .make(at: report.paidAt, using: &generator)
    }
}

/// Yields one number, where a digest stands in for chance.
private struct FixedGenerator: RandomNumberGenerator {
    let word: UInt64

    mutating func next() -> UInt64 { word }
}
