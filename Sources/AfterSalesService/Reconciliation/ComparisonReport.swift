import Logging
import Model
import ServiceKit

/// What a comparison came to, for people and for scripts.
struct ComparisonReport: Sendable {
    /// The campus's code.
    let campus: String
    /// The day.
    let day: ReconciliationDay
    /// How many rows of other days belong to it.
    let lateCount: Int
    /// How many lines the platform's file has.
    let theirCount: Int
    /// Where the two books differ.
    let differences: [Difference]
    /// The earlier closed days that rows of this one belong to, and how many: their comparisons were not final before.
    let compareAgain: [CampusCalendar.Day: Int]

    /// A sentence, and a line for each difference and each day to compare again.
    var lines: [String] {
        let late = lateCount == 0 ? "" : " and \(lateCount) in the books of other days"
        let counts = "\(day.rowCount) rows with us\(late), \(theirCount) with them"
        let result = differences.isEmpty ? "both agree" : "\(differences.count) differences"
        return ["\(campus) \(day.day): \(result) (\(counts))"]
            + differences.map(Self.line)
            + again.map { "compare \($0.day) again: \($0.rows) rows of these books belong to it" }
    }

    private static func line(_ difference: Difference) -> String {
        let places = difference.lines.map(String.init).joined(separator: ", ")
        let words = [
            difference.kind.rawValue, difference.key.kind.rawValue, difference.key.number,
            "with us: \(text(difference.ours))", "with them: \(text(difference.theirs))",
        ]
        return (words + (places.isEmpty ? [] : ["line \(places)"])).joined(separator: "  ")
    }

    private static func text(_ side: Difference.Side?) -> String {
        side.map { "\($0.amount.fen) fen \($0.status)" } ?? "nothing"
    }

    private var again: [(day: CampusCalendar.Day, rows: Int)] {
        compareAgain.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    /// The same for scripts.
    var json: JSON {
        [
            "campus": .string(campus), "date": .string(day.day.description), "sha256": .string(day.sha256(.ndjson)),
            "rows": [
                "ours": .integer(Int64(day.rowCount)), "ours_in_other_days": .integer(Int64(lateCount)),
                "theirs": .integer(Int64(theirCount)),
            ],
            "agree": .bool(differences.isEmpty), "differences": .array(differences.map(\.json)),
            "compare_again": .array(
                again.map { ["date": .string($0.day.description), "rows": .integer(Int64($0.rows))] }
            ),
        ]
    }

    /// One line, so that somebody looks.
    func log(_ logger: Logger) {
        logger.record(
            .reconciliationDiffers,
            [
                .campus: .string(campus), .subject: .string(day.day.description),
                .count: .integer(differences.count),
            ]
        )
    }
}

extension Difference {
    fileprivate var json: JSON {
        [
            "kind": .string(kind.rawValue), "about": .string(key.kind.rawValue), "number": .string(key.number),
            "lines": .array(lines.map { .integer(Int64($0)) }), "ours": ours?.json ?? .null,
            "theirs": theirs?.json ?? .null,
        ]
    }
}

extension Difference.Side {
    fileprivate var json: JSON {
        ["amount_fen": .integer(amount.fen), "status": .string(status)]
    }
}
