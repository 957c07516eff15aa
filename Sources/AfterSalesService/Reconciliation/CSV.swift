import Model

/// Comma-separated values as RFC 4180 has them.
enum CSV {
    /// A record of these values, its line ending included.
    ///
    /// Whatever a spreadsheet would take for a formula begins with an apostrophe, because the values come from outside.
    static func record(_ values: some Sequence<JSON>) -> String {
        values.map(field).joined(separator: ",") + "\r\n"
    }

    /// The records of a text, each with the number of its first line, from 1; empty lines are none.
    ///
    /// Lines may end in CR LF or LF.
    ///
    /// - Throws: ``UnreadableLine`` for a quoted value without end, or with something behind it.
    static func records(of text: String) throws(UnreadableLine) -> [(line: Int, fields: [String])] {
        var reader = CSVReader(text)
        var records: [(line: Int, fields: [String])] = []
        while let record = try reader.next() {
            if record.fields != [""] { records.append(record) }
        }
        return records
    }

    /// The value as it was before ``record(_:)`` guarded it.
    static func unguarded(_ field: String) -> String {
        let scalars = field.unicodeScalars
        guard scalars.first == "'", scalars.dropFirst().first.map(startsFormula) == true else { return field }
        return String(scalars.dropFirst())
    }

    private static func field(_ value: JSON) -> String {
        switch value {
        case .null: ""
        case .bool(let flag): "\(flag)"
        case .integer(let number): "\(number)"
        case .double(let number): "\(number)"
        case .string(let text): quoted(text.unicodeScalars.first.map(startsFormula) == true ? "'" + text : text)
        case .array, .object: quoted(value.text)
        }
    }

    private static func quoted(_ text: String) -> String {
        guard text.utf8.contains(where: special.contains) else { return text }
        var doubled = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            doubled.append(scalar)
            if scalar == "\"" { doubled.append(scalar) }
        }
        return "\"" + String(doubled) + "\""
    }

    /// What spreadsheets begin a formula with, in Chinese and Japanese ones full-width too.
    private static func startsFormula(_ scalar: Unicode.Scalar) -> Bool {
        formulaStarts.contains(scalar)
    }

    private static let formulaStarts = Set("=+-@\t\r\n＝＋－＠".unicodeScalars)
    /// What a value is quoted for.
    private static let special = Set("\",\r\n".utf8)
}

/// A line of a file cannot be read.
struct UnreadableLine: Error, Hashable {
    /// Its number, from 1.
    let line: Int
    /// What is wrong with it.
    let reason: String
}

/// Reads records one after the other.
private struct CSVReader {
    private var rest: Substring.UnicodeScalarView
    private var line = 1

    init(_ text: String) {
        rest = text[...].unicodeScalars
    }

    mutating func next() throws(UnreadableLine) -> (line: Int, fields: [String])? {
        guard !rest.isEmpty else { return nil }
        let start = line
        var fields: [String] = []
        while true {
            fields.append(try rest.first == "\"" ? quotedField() : plainField())
            guard let end = rest.popFirst() else { return (start, fields) }
            if end == "," { continue }
            if end == "\r", rest.first == "\n" { rest.removeFirst() }
            line += 1
            return (start, fields)
        }
    }

    private mutating func plainField() -> String {
        let field = rest.prefix { $0 != "," && $0 != "\n" && $0 != "\r" }
        rest = rest[field.endIndex...]
        return String(field)
    }

    private mutating func quotedField() throws(UnreadableLine) -> String {
        rest.removeFirst()
        var field = String.UnicodeScalarView()
        while let scalar = rest.popFirst() {
            guard scalar == "\"" else {
                if scalar == "\n" { line += 1 }
                field.append(scalar)
                continue
            }
            if rest.first == "\"" {
                field.append(rest.removeFirst())
                continue
            }
            guard rest.first.map({ $0 == "," || $0 == "\n" || $0 == "\r" }) ?? true else {
                throw UnreadableLine(line: line, reason: "has something behind a quoted value")
            }
            return String(field)
        }
        throw UnreadableLine(line: line, reason: "has a quoted value without end")
    }
}
