import Foundation

/// One line of the table.
struct Row {
    /// What was measured.
    var measure: String
    /// The figure, with its unit.
    var figure: String
    /// What it is held against: a limit measured in the same run, or a fixed bound.
    var beside: String
    /// The figure over the limit, where both are rates.
    var ratio: Double?
    /// The bound, as promised.
    var target: String
    /// Whether the bound is kept.
    var isMet: Bool
    /// Processor time spent, by whom.
    var processor: String
    /// What else the reader should know: rows written, counts, causes.
    var note: String

    /// A rate beside another measured in the same run; missed, whatever the rate, when anything went wrong.
    init(
        measure: String,
        rate: Double,
        unit: String,
        limit: Double,
        limitName: String,
        atLeast target: Double,
        faults: Int = 0,
        processor: String,
        note: String = ""
    ) {
        let ratio = limit > 0 ? rate / limit : 0
        self.init(
            measure: measure,
            figure: "\(grouped(rate)) \(unit)",
            beside: "\(limitName) \(grouped(limit))",
            ratio: ratio,
            target: "≥ \(target)",
            isMet: ratio >= target && faults == 0,
            processor: processor,
            note: note
        )
    }

    /// A rate beside a fixed bound; missed, whatever the rate, when anything went wrong.
    init(
        measure: String,
        rate: Double,
        unit: String,
        atLeast target: Double,
        faults: Int = 0,
        processor: String,
        note: String = ""
    ) {
        self.init(
            measure: measure,
            figure: "\(grouped(rate)) \(unit)",
            beside: "",
            ratio: nil,
            target: "≥ \(grouped(target))",
            isMet: rate >= target && faults == 0,
            processor: processor,
            note: note
        )
    }

    /// A figure beside a fixed upper bound; missed, whatever the figure, when anything went wrong.
    init(
        measure: String,
        value: Double,
        unit: String,
        atMost target: Double,
        faults: Int = 0,
        processor: String,
        note: String = ""
    ) {
        self.init(
            measure: measure,
            figure: "\(String(format: "%.2f", value)) \(unit)",
            beside: "",
            ratio: nil,
            target: "≤ \(String(format: "%g", target)) \(unit)",
            isMet: value <= target && faults == 0,
            processor: processor,
            note: note
        )
    }

    /// A measure that could not be taken.
    init(measure: String, failure: String) {
        self.init(
            measure: measure,
            figure: "failed",
            beside: "",
            ratio: nil,
            target: "",
            isMet: false,
            processor: "",
            note: failure
        )
    }

    private init(
        measure: String,
        figure: String,
        beside: String,
        ratio: Double?,
        target: String,
        isMet: Bool,
        processor: String,
        note: String
    ) {
        self.measure = measure
        self.figure = figure
        self.beside = beside
        self.ratio = ratio
        self.target = target
        self.isMet = isMet
        self.processor = processor
        self.note = note
    }
}

/// Prints rows as they come, and at the end how many missed.
struct Report {
    private(set) var missed = 0
    private var rows = 0

    mutating func add(_ row: Row) {
        if rows == 0 {
            emit(line("measure", "figure", "beside", "ratio", "bound", "", "processor"))
        }
        rows += 1
        if !row.isMet { missed += 1 }
        let ratio = row.ratio.map { String(format: "%.2f", $0) } ?? ""
        emit(
            line(row.measure, row.figure, row.beside, ratio, row.target, row.isMet ? "met" : "MISSED", row.processor)
        )
        for note in row.note.split(separator: "\n") { emit("    \(note)") }
    }

    func finish() {
        emit(missed == 0 ? "\(rows) figures, all within their bounds" : "\(rows) figures, \(missed) missed")
    }

    private func line(_ columns: String...) -> String {
        zip(columns, [44, 22, 24, 6, 14, 7, 0])
            .map { column, width in column + String(repeating: " ", count: max(0, width - column.count)) }
            .joined(separator: " ")
    }

    private func emit(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }
}

/// A rate as a whole number with its thousands set apart.
func grouped(_ value: Double) -> String { grouped(Int(value.rounded())) }

/// A count with its thousands set apart.
func grouped(_ count: Int) -> String {
    String(
        String(count).reversed().enumerated()
            .reduce(into: "") { text, entry in
                if entry.offset > 0, entry.offset % 3 == 0 { text.append(" ") }
                text.append(entry.element)
            }
            .reversed()
    )
}
