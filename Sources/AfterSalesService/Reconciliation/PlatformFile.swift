import Model

/// A line of the platform's own books.
struct PlatformEntry: Hashable, Sendable {
    /// Its line in the file, from 1.
    let line: Int
    /// What it is about.
    let key: ReconciliationKey
    /// What tells it from other lines about the same: the platform's number of the order, for a payment of several.
    let part: String
    /// How much.
    let amount: Money
    /// Whether money moved.
    let isMoved: Bool
    /// What became of it, in the platform's word.
    let status: String
}

/// The platform's own books of a day, as it writes them: CSV with a header, or a JSON object a line.
///
/// What each line needs: `kind` (`payment`, `refund`), `transaction_id` for a payment, `out_refund_no` for a refund, `amount_fen`
/// and `status`. `external_id` tells the parts of a payment for several orders apart. Other columns are passed over, as are lines
/// of another kind, so that our own export can be read too.
struct PlatformFile: Sendable {
    /// The lines.
    let entries: [PlatformEntry]

    /// Reads a file.
    ///
    /// - Throws: ``PlatformFileFaults`` with every line that cannot be read.
    init(_ text: String) throws(PlatformFileFaults) {
        let text = text.unicodeScalars.first == "\u{feff}" ? String(text.unicodeScalars.dropFirst()) : text
        let start = text.unicodeScalars.first { !" \t\r\n".unicodeScalars.contains($0) }
        let lines: [(line: Int, fields: [String: String])]
        do throws(UnreadableLine) {
            lines = try start == "{" ? Self.objects(of: text) : Self.records(of: text)
        } catch {
            throw PlatformFileFaults(faults: [error])
        }
        var entries: [PlatformEntry] = []
        var faults: [UnreadableLine] = []
        for (line, fields) in lines {
            do throws(UnreadableLine) {
                if let entry = try PlatformEntry(fields, line: line) { entries.append(entry) }
            } catch {
                faults.append(error)
            }
        }
        guard faults.isEmpty else { throw PlatformFileFaults(faults: faults) }
        self.entries = entries
    }

    private static func records(of text: String) throws(UnreadableLine) -> [(line: Int, fields: [String: String])] {
        let records = try CSV.records(of: text)
        guard let header = records.first else { return [] }
        for column in ["kind", "amount_fen", "status"] where !header.fields.contains(column) {
            throw UnreadableLine(line: header.line, reason: "has no column \(column)")
        }
        return records.dropFirst().map { line, fields in
            let values = zip(header.fields, fields).map { ($0, CSV.unguarded($1)) }
            return (line, Dictionary(values) { first, _ in first })
        }
    }

    private static func objects(of text: String) throws(UnreadableLine) -> [(line: Int, fields: [String: String])] {
        var objects: [(line: Int, fields: [String: String])] = []
        let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        for (index, line) in lines.enumerated() where line.contains(where: { !$0.isWhitespace }) {
            guard let members = (try? JSON(parsing: String(line)))?.object?.members else {
                throw UnreadableLine(line: index + 1, reason: "is not a JSON object")
            }
            let fields = members.compactMap { member in member.value.field.map { (member.name, $0) } }
            objects.append((index + 1, Dictionary(fields) { first, _ in first }))
        }
        return objects
    }
}

extension PlatformEntry {
    /// Words for money that moved.
    private static let moved: Set<String> = [
        "paid", "succeeded", "success", ReconciliationRow.Status.paidThoughReleased.rawValue,
    ]

    /// Reads a line; nil for one of another kind.
    fileprivate init?(_ fields: [String: String], line: Int) throws(UnreadableLine) {
        func value(_ name: String) throws(UnreadableLine) -> String {
            guard let value = fields[name], !value.isEmpty else {
                throw UnreadableLine(line: line, reason: "has no \(name)")
            }
            return value
        }
        switch try value("kind").lowercased() {
        case "payment": key = .payment(try value("transaction_id"))
        case "refund": key = .refund(try value("out_refund_no"))
        default: return nil
        }
        guard let fen = Int64(try value("amount_fen")), fen >= 0 else {
            throw UnreadableLine(line: line, reason: "has an amount_fen that is not a whole number of fen")
        }
        self.line = line
        part = fields["external_id"] ?? ""
        amount = Money(fen: fen)
        status = try value("status").lowercased()
        isMoved = Self.moved.contains(status)
    }
}

extension JSON {
    /// The value as a field of a table; nil for what is none.
    fileprivate var field: String? {
        switch self {
        case .string(let text): text
        case .integer(let number): "\(number)"
        case .null, .bool, .double, .array, .object: nil
        }
    }
}

/// A file of which lines cannot be read.
struct PlatformFileFaults: Error, Hashable {
    /// Which, and why.
    let faults: [UnreadableLine]
}
