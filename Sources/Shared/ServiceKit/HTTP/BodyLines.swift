import HTTPTypes
import Hummingbird
import NIOCore

/// The lines of a request's body, as they arrive: what is held is the line at hand and the piece of the body that it ends in.
///
/// They can be gone through once. A body that breaks off, is too large or does not come in time throws the ``Problem`` that says so, and the
/// line that was not whole is not among those before.
public struct BodyLines: AsyncSequence, Sendable {
    /// A line, without its end.
    public enum Line: Hashable, Sendable {
        /// Its bytes.
        case text([UInt8])
        /// It has more bytes than a line may have.
        case tooLong
    }

    let body: RequestBody
    /// How long the body says it is, if it does.
    let length: Int?
    /// The most bytes of all lines together.
    let limit: Int

    /// Begins with the first line.
    public func makeAsyncIterator() -> Iterator {
        Iterator(pieces: body.makeAsyncIterator(), length: length, limit: limit)
    }

    /// Where in the body one is.
    public struct Iterator: AsyncIteratorProtocol {
        private var pieces: RequestBody.AsyncIterator
        private var splitter = LineSplitter(limit: BodyRule.standardLimit)
        private let length: Int?
        private let limit: Int
        private var received = 0
        private var isAtEnd = false

        fileprivate init(pieces: RequestBody.AsyncIterator, length: Int?, limit: Int) {
            self.pieces = pieces
            self.length = length
            self.limit = limit
        }

        /// The next line, once it is there whole; nil after the last.
        public mutating func next() async throws -> Line? {
            while !isAtEnd {
                if let line = splitter.next() { return line }
                guard let piece = try await nextPiece() else {
                    isAtEnd = true
                    return splitter.last()
                }
                splitter.append(piece)
            }
            return nil
        }

        private mutating func nextPiece() async throws -> ByteBuffer? {
            let piece: ByteBuffer?
            do {
                piece = try await pieces.next(isolation: #isolation)
            } catch {
                throw Problem.ofBody(error)
            }
            guard let piece else {
                if let length, received < length { throw Problem.bodyBrokenOff }
                return nil
            }
            received += piece.readableBytes
            guard received <= limit else { throw Problem.bodyTooLarge(limit: limit) }
            return piece
        }
    }
}

/// Cuts text that comes in pieces into lines, which end in LF.
struct LineSplitter {
    private let limit: Int
    private var piece = ByteBuffer()
    /// What earlier pieces had of the line at hand.
    private var begun: [UInt8] = []
    private var isTooLong = false

    /// - Parameter limit: the most bytes that a line may have; of longer ones nothing is held.
    init(limit: Int) {
        self.limit = limit
    }

    /// Goes on with another piece, after ``next()`` found no further line in the one before.
    mutating func append(_ piece: ByteBuffer) {
        self.piece = piece
    }

    /// The next line that has ended; nil when that takes another piece.
    mutating func next() -> BodyLines.Line? {
        let bytes = piece.readableBytesView
        guard let lineEnd = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
            take(bytes.count)
            return nil
        }
        take(lineEnd - bytes.startIndex)
        piece.moveReaderIndex(forwardBy: 1)
        return end()
    }

    /// The line that the text ends with when its last line has no end; nil when it has.
    mutating func last() -> BodyLines.Line? {
        begun.isEmpty && !isTooLong ? nil : end()
    }

    private mutating func take(_ count: Int) {
        if isTooLong || begun.count + count > limit {
            isTooLong = true
            begun = []
        } else {
            begun.append(contentsOf: piece.readableBytesView.prefix(count))
        }
        piece.moveReaderIndex(forwardBy: count)
    }

    private mutating func end() -> BodyLines.Line {
        defer {
            begun = []
            isTooLong = false
        }
        return isTooLong ? .tooLong : .text(begun)
    }
}

/// Which requests have a body that is handed on as it arrives, told by their heads alone.
struct StreamedBodies: Sendable {
    private let targets: [(method: HTTPRequest.Method, path: String)]

    /// Those for the operations that take one; their paths have no parameters.
    init(_ operations: [Operation]) {
        targets = operations.filter { $0.body?.isStreamed ?? false }.map { ($0.method, $0.path) }
    }

    /// Whether the request's body is one of them.
    func contains(_ head: HTTPRequest) -> Bool {
        targets.contains { target in
            guard head.method == target.method, let path = head.path, path.hasPrefix(target.path) else { return false }
            let rest = path.utf8.dropFirst(target.path.utf8.count)
            return rest.isEmpty || rest.first == UInt8(ascii: "?")
        }
    }
}
