/// Bounds on what the parser reads, against input made to exhaust the stack.
public struct JSONLimits: Sendable {
    /// How many arrays and objects may enclose a value.
    public var depth: Int

    /// These bounds.
    public init(depth: Int) {
        self.depth = depth
    }

    /// 32 levels: more than any request or event has.
    public static let standard = JSONLimits(depth: 32)
}

/// Why a text is not acceptable JSON.
public struct JSONSyntaxError: SafelyDescribedError, Hashable {
    /// What is wrong, in words for the sender.
    public let reason: String
    /// Where: the count of bytes before the fault.
    public let offset: Int

    /// For example `unexpected character at byte 12`.
    public var description: String { "\(reason) at byte \(offset)" }
}

extension JSON {
    /// Reads a JSON text strictly as RFC 8259 defines it.
    ///
    /// Beyond the grammar it refuses what two readers could understand differently: an object that has a name twice, lone surrogates,
    /// invalid UTF-8, and numbers too large for a double.
    public init(parsing bytes: [UInt8], limits: JSONLimits = .standard) throws(JSONSyntaxError) {
        let result: Result<JSON, JSONSyntaxError> = bytes.withUnsafeBufferPointer { buffer in
            var parser = JSONParser(bytes: buffer, limits: limits)
            return Result { () throws(JSONSyntaxError) in try parser.document() }
        }
        self = try result.get()
    }

    /// Reads a JSON text strictly as RFC 8259 defines it.
    public init(parsing text: String, limits: JSONLimits = .standard) throws(JSONSyntaxError) {
        try self.init(parsing: Array(text.utf8), limits: limits)
    }
}

private struct JSONParser {
    let bytes: UnsafeBufferPointer<UInt8>
    let limits: JSONLimits
    var position = 0
    var depth = 0

    init(bytes: UnsafeBufferPointer<UInt8>, limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func document() throws(JSONSyntaxError) -> JSON {
        skipWhitespace()
        let value = try value()
        skipWhitespace()
        guard position == bytes.count else { throw fault("text after the value") }
        return value
    }

    private mutating func value() throws(JSONSyntaxError) -> JSON {
        guard position < bytes.count else { throw fault("unexpected end of text") }
        switch bytes[position] {
        case UInt8(ascii: "{"): return try object()
        case UInt8(ascii: "["): return try array()
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"): return try word("true", .bool(true))
        case UInt8(ascii: "f"): return try word("false", .bool(false))
        case UInt8(ascii: "n"): return try word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
        default: throw fault("unexpected character")
        }
    }

    private mutating func object() throws(JSONSyntaxError) -> JSON {
        try enter()
        var members: [JSONObject.Member] = []
        skipWhitespace()
        if take("}") { return leave(.object(JSONObject())) }
        repeat {
            skipWhitespace()
            guard position < bytes.count, bytes[position] == UInt8(ascii: "\"") else {
                throw fault("a name was expected")
            }
            let name = try string()
            guard !members.contains(where: { $0.name == name }) else {
                throw fault("an object has the same name twice")
            }
            skipWhitespace()
            guard take(":") else { throw fault("`:` was expected") }
            skipWhitespace()
            members.append(JSONObject.Member(name: name, value: try value()))
            guard members.count <= 1_000 else { throw fault("an object has more than 1000 members") }
            skipWhitespace()
        } while take(",")
        guard take("}") else { throw fault("`,` or `}` was expected") }
        return leave(.object(JSONObject(distinctMembers: members)))
    }

    private mutating func array() throws(JSONSyntaxError) -> JSON {
        try enter()
        var elements: [JSON] = []
        skipWhitespace()
        if take("]") { return leave(.array([])) }
        repeat {
            skipWhitespace()
            elements.append(try value())
            skipWhitespace()
        } while take(",")
        guard take("]") else { throw fault("`,` or `]` was expected") }
        return leave(.array(elements))
    }

    private mutating func enter() throws(JSONSyntaxError) {
        guard depth < limits.depth else { throw fault("nested deeper than \(limits.depth) levels") }
        depth += 1
        position += 1
    }

    private mutating func leave(_ value: JSON) -> JSON {
        depth -= 1
        return value
    }

    private mutating func word(_ word: StaticString, _ value: JSON) throws(JSONSyntaxError) -> JSON {
        for index in 0..<word.utf8CodeUnitCount {
            guard position + index < bytes.count, bytes[position + index] == word.utf8Start[index] else {
                throw fault("unexpected character")
            }
        }
        position += word.utf8CodeUnitCount
        return value
    }

    private mutating func number() throws(JSONSyntaxError) -> JSON {
        let start = position
        _ = take("-")
        if !take("0") {
            guard skipDigits() else { throw fault("a digit was expected") }
        }
        var isInteger = true
        if take(".") {
            isInteger = false
            guard skipDigits() else { throw fault("a digit was expected") }
        }
        if take("e") || take("E") {
            isInteger = false
            if !take("+") { _ = take("-") }
            guard skipDigits() else { throw fault("a digit was expected") }
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, let value = Int64(text) { return .integer(value) }
        guard let value = Double(text), value.isFinite else { throw fault("a number too large") }
        return .double(value)
    }

    private mutating func skipDigits() -> Bool {
        let start = position
        while position < bytes.count, (48...57).contains(bytes[position]) { position += 1 }
        return position > start
    }

    private mutating func string() throws(JSONSyntaxError) -> String {
        position += 1
        let start = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                let text = try validated(UnsafeBufferPointer(rebasing: bytes[start..<position]))
                position += 1
                return text
            case UInt8(ascii: "\\"):
                return try stringWithEscapes(from: start)
            case 0..<0x20: throw fault("a control character in a string")
            default: position += 1
            }
        }
        throw fault("a string without end")
    }

    private mutating func stringWithEscapes(from start: Int) throws(JSONSyntaxError) -> String {
        var unescaped = Array(bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return try unescaped.withUnsafeBufferPointer(validated)
            case UInt8(ascii: "\\"): try escape(into: &unescaped)
            case 0..<0x20: throw fault("a control character in a string")
            default: unescaped.append(byte)
            }
        }
        throw fault("a string without end")
    }

    private mutating func escape(into unescaped: inout [UInt8]) throws(JSONSyntaxError) {
        guard position < bytes.count else { throw fault("a string without end") }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): unescaped.append(byte)
        case UInt8(ascii: "b"): unescaped.append(0x08)
        case UInt8(ascii: "f"): unescaped.append(0x0c)
        case UInt8(ascii: "n"): unescaped.append(0x0a)
        case UInt8(ascii: "r"): unescaped.append(0x0d)
        case UInt8(ascii: "t"): unescaped.append(0x09)
        case UInt8(ascii: "u"): unescaped.append(contentsOf: String(try scalar()).utf8)
        default: throw fault("an unknown escape in a string")
        }
    }

    private mutating func scalar() throws(JSONSyntaxError) -> Unicode.Scalar {
        var code = UInt32(try codeUnit())
        if (0xd800..<0xdc00).contains(code) {
            guard take("\\"), take("u") else { throw fault("a lone surrogate in a string") }
            let trail = UInt32(try codeUnit())
            guard (0xdc00..<0xe000).contains(trail) else { throw fault("a lone surrogate in a string") }
            code = 0x10000 + (code - 0xd800) << 10 + (trail - 0xdc00)
        }
        guard let scalar = Unicode.Scalar(code) else { throw fault("a lone surrogate in a string") }
        return scalar
    }

    private mutating func codeUnit() throws(JSONSyntaxError) -> UInt16 {
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard position < bytes.count, let digit = hexadecimalValue(bytes[position]) else {
                throw fault("four hexadecimal digits were expected")
            }
            unit = unit << 4 | UInt16(digit)
            position += 1
        }
        return unit
    }

    private func validated(_ utf8: UnsafeBufferPointer<UInt8>) throws(JSONSyntaxError) -> String {
        guard let text = String(validating: utf8, as: UTF8.self) else { throw fault("a string that is not UTF-8") }
        return text
    }

    private mutating func skipWhitespace() {
        while position < bytes.count {
            switch bytes[position] {
            case 0x20, 0x0a, 0x0d, 0x09: position += 1
            default: return
            }
        }
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    private func fault(_ reason: String) -> JSONSyntaxError {
        JSONSyntaxError(reason: reason, offset: position)
    }
}
