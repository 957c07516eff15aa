import Model
import ServiceKit

/// A form in which a day's books are sent line by line.
enum ReconciliationForm: String, CaseIterable, Hashable, Sendable {
    case ndjson
    case csv

    /// Its media type.
    var contentType: String {
        switch self {
        case .ndjson: "application/x-ndjson"
        case .csv: "text/csv"
        }
    }

    /// What comes before the rows.
    var header: String {
        switch self {
        case .ndjson: ""
        case .csv: CSV.record(ReconciliationColumn.allCases.map { .string($0.rawValue) })
        }
    }

    /// A row that is kept as that line, which is `json`.
    func row(_ line: String, _ json: @autoclosure () throws -> JSON) rethrows -> String {
        switch self {
        case .ndjson: return line + "\n"
        case .csv:
            let row = try json()
            return CSV.record(ReconciliationColumn.allCases.map { row[$0.rawValue] ?? .null })
        }
    }

    /// The last line, which says what those before it must come to; whoever has it has all of them.
    func trailer(of day: ReconciliationDay) -> String {
        switch self {
        case .ndjson:
            let trailer: JSON = [
                "kind": "trailer", "date": .string(day.day.description), "rows": .integer(Int64(day.rowCount)),
                "payment_fen": .integer(day.paymentSum.fen), "refund_fen": .integer(day.refundSum.fen),
                "closed_at": .string(day.closedAt.rfc3339), "sha256": .string(day.sha256(self)),
            ]
            return trailer.text + "\n"
        case .csv:
            let said: [ReconciliationColumn: JSON] = [
                .kind: "trailer", .status: .string("rows:\(day.rowCount)"), .belongsTo: .string(day.day.description),
                .externalID: .string("sha256:\(day.sha256(self))"),
            ]
            return CSV.record(ReconciliationColumn.allCases.map { said[$0] ?? .null })
        }
    }
}
