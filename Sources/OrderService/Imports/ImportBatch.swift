import Model
import ServiceKit

/// Some lines of an import, one after the other: what they tell, and what is wrong with them.
struct ImportBatch: Sendable {
    /// The most lines in one transaction.
    static let lineLimit = 1_000
    /// The most bytes in one transaction.
    static let byteLimit = 4 << 20

    /// The number of its first line.
    let firstLine: Int64
    /// The number of the line that follows it.
    private(set) var nextLine: Int64
    private(set) var orders: [PastOrder] = []
    private(set) var faults: [ImportFault] = []
    private var bytes = 0

    init(firstLine: Int64) {
        self.firstLine = firstLine
        nextLine = firstLine
    }

    var isEmpty: Bool { nextLine == firstLine }
    var isFull: Bool { nextLine - firstLine >= Int64(Self.lineLimit) || bytes >= Self.byteLimit }

    /// Reads the next line; one that is blank counts and says nothing.
    mutating func add(_ line: BodyLines.Line, in context: ImportContext) {
        let number = nextLine
        nextLine += 1
        switch line {
        case .tooLong:
            let fault = Fault("", "has more than \(BodyRule.standardLimit) bytes")
            faults += ImportFault.all([fault], of: number)
        case .text(let text):
            bytes += text.count
            guard !text.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0d }) else { return }
            do throws(Problem) {
                orders.append(try PastOrder.parsed(text, line: number, in: context))
            } catch {
                faults += ImportFault.all(error.faults, of: number)
            }
        }
    }
}
