/// Rows in columns as wide as their widest value, for people at a terminal.
struct TextTable {
    private var rows: [[String]]

    /// A table with these headings.
    init(_ headings: [String]) {
        rows = [headings]
    }

    /// Adds a row, with a value for each heading.
    mutating func add(_ row: [String]) {
        rows.append(row)
    }

    /// The lines, the headings first.
    var lines: [String] {
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            let cells = zip(row, widths).map { cell, width in
                cell + String(repeating: " ", count: width - cell.count)
            }
            let line = cells.joined(separator: "  ")
            return String(line.reversed().drop { $0 == " " }.reversed())
        }
    }
}
