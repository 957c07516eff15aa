import Model
import ServiceKit

extension OrderTerms {
    /// How far ahead a delivery can be promised: beyond it, somebody mixed up units or years.
    static let furthestPromise = Duration.days(31)

    /// Reads a request that is as ``OrderSchemas/place`` says; what the schema cannot see is faulted here, all at once.
    static func parsed(_ body: JSON, now: Timestamp) throws(Problem) -> OrderTerms {
        var faults: [Fault] = []
        let items = (body["lines"]?.array ?? []).map(OrderedItem.init(json:))
        let discounts = parsedDiscounts(body["discounts"]?.array ?? [], &faults)
        var bill: Bill?
        if faults.isEmpty {
            let priced = Bill.priced(
                items: items,
                delivery: Money(fen: body["fees"]?["delivery_fen"]?.integer ?? 0),
                packaging: Money(fen: body["fees"]?["packaging_fen"]?.integer ?? 0),
                discounts: discounts
            )
            switch priced {
            case .success(let value): bill = value
            case .failure(let failure): faults += failure.faults.map(\.fault)
            }
        }
        let dropoff = body["dropoff"] ?? .null
        if (dropoff["lat"] == nil) != (dropoff["lng"] == nil) {
            faults.append(Fault("/dropoff", "has `lat` and `lng` together or neither"))
        }
        let promisedAt = body["promised_at"]?.string.flatMap(Timestamp.init(rfc3339:)) ?? now
        if promisedAt > now + furthestPromise {
            faults.append(Fault("/promised_at", "must not lie more than 31 days ahead"))
        }
        if promisedAt < earliestReportedTime {
            faults.append(Fault("/promised_at", "must not lie before the year 2000"))
        }
        guard faults.isEmpty, let bill else { throw .validation(faults) }
        return OrderTerms(
            externalID: body["external_id"]?.string,
            shortNumber: body["short_no"]?.string,
            source: body["source"]?.string.flatMap(OrderSource.init) ?? .own,
            customerID: body["customer"]?["id"]?.string ?? "",
            merchant: Merchant(
                id: body["merchant"]?["id"]?.string ?? "",
                name: body["merchant"]?["name"]?.string ?? ""
            ),
            bill: bill,
            dropoff: Dropoff(
                address: dropoff["address"]?.string ?? "",
                latitude: dropoff["lat"]?.number,
                longitude: dropoff["lng"]?.number
            ),
            promisedAt: promisedAt,
            client: body["client"].map(Client.init(json:)),
            placedAt: now
        )
    }

    private static func parsedDiscounts(_ discounts: [JSON], _ faults: inout [Fault]) -> [Discount] {
        discounts.enumerated().compactMap { index, json in
            let line = json["line_no"]?.integer
            guard let base = DiscountBase(name: json["applies_to"]?.string, line: line) else {
                let detail =
                    line == nil ? "is missing: the discount is on a line" : "belongs to a discount on a line only"
                faults.append(Fault("/discounts/\(index)/line_no", detail))
                return nil
            }
            return Discount(
                funder: json["funded_by"]?.string.flatMap(Funder.init) ?? .platform,
                amount: Money(fen: json["amount_fen"]?.integer ?? 0),
                base: base,
                couponID: json["coupon_id"]?.string
            )
        }
    }
}

extension OrderedItem {
    /// Reads a line that is as the schema says.
    fileprivate init(json: JSON) {
        self.init(
            sku: json["sku"]?.string ?? "",
            name: json["name"]?.string ?? "",
            category: json["category"]?.string ?? "",
            unitPrice: Money(fen: json["unit_price_fen"]?.integer ?? 0),
            quantity: json["quantity"]?.integer ?? 1
        )
    }
}

extension PricingFault {
    /// The fault with its place in the request.
    fileprivate var fault: Fault {
        switch self {
        case .noSuchLine(let discount): Fault("/discounts/\(discount)/line_no", "names a line that is not there")
        case .moreThanItsBase(let discount, let left):
            Fault(
                "/discounts/\(discount)/amount_fen",
                "is more than the \(left.fen) fen that are left of what it applies to"
            )
        case .overflow: Fault("/lines", "cost more than can be counted")
        }
    }
}
