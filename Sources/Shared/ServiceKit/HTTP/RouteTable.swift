import HTTPTypes

/// Finds the operation of a method and a path.
///
/// Hummingbird's router knows "found" and "not found"; a resource that exists and lacks the method needs a third answer (405 with `Allow`),
/// and one look at the path should do for all three.
struct RouteTable: Sendable {
    enum Match {
        case found(operation: Int, values: [(name: String, value: String)])
        case methodNotAllowed([HTTPRequest.Method])
        case notFound
    }

    private struct Node {
        var literals: [Substring: Int] = [:]
        var parameter: Int?
        var methods: [(method: HTTPRequest.Method, operation: Int)] = []
    }

    /// Two operations that no request could tell apart.
    struct Ambiguity: Error, CustomStringConvertible {
        let description: String
    }

    private var nodes = [Node()]
    private let names: [[String]]

    /// A table of these operations, which it names by their place.
    init(_ operations: [Operation]) throws(Ambiguity) {
        names = operations.map { operation in
            operation.path.split(separator: "/").compactMap { Self.parameterName($0) }
        }
        for (index, operation) in operations.enumerated() {
            var node = 0
            for segment in operation.path.split(separator: "/") {
                node = child(of: node, for: segment)
            }
            guard !nodes[node].methods.contains(where: { $0.method == operation.method }) else {
                throw Ambiguity(description: "two operations are \(operation.method.rawValue) \(operation.path)")
            }
            nodes[node].methods.append((operation.method, index))
        }
    }

    /// The name in braces; nil for a literal segment.
    static func parameterName(_ segment: Substring) -> String? {
        segment.hasPrefix("{") && segment.hasSuffix("}") ? String(segment.dropFirst().dropLast()) : nil
    }

    /// What a method and a path, still percent-encoded, ask for.
    ///
    /// A literal segment wins over a parameter.
    func match(_ method: HTTPRequest.Method, _ path: Substring) -> Match {
        guard path.utf8.first == UInt8(ascii: "/") else { return .notFound }
        let segments = path.dropFirst().split(at: UInt8(ascii: "/"))
        guard let (node, raw) = find(segments[...], from: 0) else { return .notFound }
        let methods = nodes[node].methods
        guard let entry = methods.first(where: { $0.method == method }) else {
            return .methodNotAllowed(methods.map(\.method))
        }
        var values: [(name: String, value: String)] = []
        values.reserveCapacity(raw.count)
        for (name, text) in zip(names[entry.operation], raw) {
            guard let value = PercentEncoding.decode(text) else { return .notFound }
            values.append((name, value))
        }
        return .found(operation: entry.operation, values: values)
    }

    private func find(_ segments: ArraySlice<Substring>, from node: Int) -> (node: Int, values: [Substring])? {
        guard let segment = segments.first else { return nodes[node].methods.isEmpty ? nil : (node, []) }
        if let next = nodes[node].literals[segment], let found = find(segments.dropFirst(), from: next) { return found }
        guard !segment.isEmpty, let next = nodes[node].parameter, let found = find(segments.dropFirst(), from: next)
        else {
            return nil
        }
        return (found.node, [segment] + found.values)
    }

    private mutating func child(of node: Int, for segment: Substring) -> Int {
        let existing =
            Self.parameterName(segment) == nil ? nodes[node].literals[segment] : nodes[node].parameter
        if let existing { return existing }
        nodes.append(Node())
        let next = nodes.count - 1
        if Self.parameterName(segment) == nil {
            nodes[node].literals[segment] = next
        } else {
            nodes[node].parameter = next
        }
        return next
    }
}

extension Substring {
    /// The parts between a byte, empty ones included.
    ///
    /// Splitting by characters would look for grapheme clusters in each request.
    func split(at separator: UInt8, maxSplits: Int = .max) -> [Substring] {
        utf8.split(separator: separator, maxSplits: maxSplits, omittingEmptySubsequences: false).map { Substring($0) }
    }
}

/// Percent-encoding of URIs (RFC 3986 §2.1).
enum PercentEncoding {
    /// The text; nil when an escape is broken or the bytes are not UTF-8.
    ///
    /// - `plusIsSpace`: as in `application/x-www-form-urlencoded`, which queries are.
    static func decode(_ text: Substring, plusIsSpace: Bool = false) -> String? {
        let isPlain = text.utf8.allSatisfy { $0 != UInt8(ascii: "%") && !(plusIsSpace && $0 == UInt8(ascii: "+")) }
        if isPlain { return String(text) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count)
        var iterator = text.utf8.makeIterator()
        while let byte = iterator.next() {
            switch byte {
            case UInt8(ascii: "%"):
                guard let high = iterator.next().flatMap(digit), let low = iterator.next().flatMap(digit) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            case UInt8(ascii: "+") where plusIsSpace: bytes.append(0x20)
            default: bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x37
        case 0x61...0x66: byte - 0x57
        default: nil
        }
    }
}
