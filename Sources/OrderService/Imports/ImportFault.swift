import ServiceKit

/// One thing wrong with a line.
struct ImportFault: Hashable, Sendable {
    /// The most that is said of one line.
    static let limitOfLine = 10

    var line: Int64
    /// Counts the faults of the line, from 1.
    var number: Int32
    /// A JSON pointer into the line.
    var pointer: String
    var detail: String

    /// The first faults of a line.
    static func all(_ faults: [Fault], of line: Int64) -> [ImportFault] {
        faults.prefix(limitOfLine).enumerated().map { index, fault in
            // A name that nobody knows may hold what PostgreSQL cannot.
            let pointer = fault.pointer.replacing("\0", with: "\u{fffd}")
            return ImportFault(line: line, number: Int32(index + 1), pointer: pointer, detail: fault.detail)
        }
    }
}
