import Model
import ServiceKit

extension PastOrder {
    /// Reads a line; what is wrong with it, all at once where one fault does not hide another.
    static func parsed(_ bytes: [UInt8], line: Int64, in context: ImportContext) throws(Problem) -> PastOrder {
        let json: JSON
        do {
            json = try JSON(parsing: bytes)
        } catch {
            throw .validation("", "is not valid JSON: \(error.description)")
        }
        let misfits = ImportSchemas.line.validate(json)
        guard misfits.isEmpty else { throw .validation(misfits) }
        var faults = FaultList()
        let terms = faults.gather { () throws(Problem) in try OrderTerms.parsed(json, now: context.now) }
        let past = PastMembers(json, context, &faults)
        guard var terms, faults.all.isEmpty else { throw .validation(faults.all) }
        terms.placedAt = past.placedAt
        past.checkTotals(json["totals"], terms.bill, &faults)
        let order = past.order(of: terms, in: context, &faults)
        guard let order, faults.all.isEmpty else { throw .validation(faults.all) }
        return PastOrder(
            line: line,
            digest: SHA256Digest(of: json.withSortedMembers.serialized()),
            externalID: terms.externalID ?? "",
            order: order.order,
            steps: order.steps,
            payments: past.payments,
            refunds: past.refunds,
            timers: order.timers,
            texts: Texts(order.order)
        )
    }
}

extension JSON {
    /// The same value, written the same however it came.
    fileprivate var withSortedMembers: JSON {
        switch self {
        case .null, .bool, .integer, .double, .string: self
        case .array(let elements): .array(elements.map(\.withSortedMembers))
        case .object(let object):
            .object(
                JSONObject(
                    object.members.sorted { $0.name < $1.name }.map { ($0.name, $0.value.withSortedMembers) }
                )
            )
        }
    }
}
