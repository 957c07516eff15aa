import Model
import Postgres

/// JSON text that is written already.
struct JSONText: Hashable, Sendable {
    /// The text as UTF-8.
    var bytes: [UInt8]
}

extension JSONText: PostgresEncodable {
    /// JSON is `jsonb`.
    static var postgresType: PostgresType { .jsonb }

    /// Appends a version byte and the text, which has no NUL: requests with one are refused.
    func encode(into writer: inout BindWriter) {
        writer.write(byte: 1)
        writer.write(bytes: bytes)
    }
}

/// Writes JSON text straight into bytes: an order is shown and stored too often for building a tree of it first.
struct JSONWriter: ~Copyable {
    private var bytes: [UInt8] = []
    private var needsComma = false

    /// The text that `body` writes.
    static func text(capacity: Int = 256, _ body: (inout JSONWriter) -> Void) -> JSONText {
        var writer = JSONWriter()
        writer.bytes.reserveCapacity(capacity)
        body(&writer)
        return JSONText(bytes: writer.bytes)
    }

    /// Writes an object, whose members `body` writes.
    mutating func object(_ body: (inout JSONWriter) -> Void) {
        open(UInt8(ascii: "{"))
        body(&self)
        close(UInt8(ascii: "}"))
    }

    /// Writes an array, whose elements `body` writes.
    mutating func array(_ body: (inout JSONWriter) -> Void) {
        open(UInt8(ascii: "["))
        body(&self)
        close(UInt8(ascii: "]"))
    }

    /// Writes the name of the member whose value is written next; it must need no escapes.
    mutating func name(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
        needsComma = false
    }

    /// Writes a string.
    mutating func value(_ string: String) {
        separate()
        var string = string
        string.withUTF8 { utf8 in
            bytes.append(UInt8(ascii: "\""))
            if utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
                bytes.append(contentsOf: utf8)
            } else {
                for byte in utf8 { appendEscaped(byte) }
            }
            bytes.append(UInt8(ascii: "\""))
        }
    }

    /// Writes a whole number.
    mutating func value(_ integer: Int64) {
        separate()
        bytes.append(contentsOf: String(integer).utf8)
    }

    /// Writes a number.
    mutating func value(_ number: Double) {
        separate()
        bytes.append(contentsOf: "\(number)".utf8)
    }

    /// Writes `true`, `false` or `null`.
    mutating func value(_ truth: Bool?) {
        separate()
        bytes.append(contentsOf: (truth.map { $0 ? "true" : "false" } ?? "null").utf8)
    }

    /// Writes text that is JSON already.
    mutating func value(_ text: JSONText) {
        separate()
        bytes.append(contentsOf: text.bytes)
    }

    /// Writes `null`.
    mutating func null() {
        value(Bool?.none)
    }

    private mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func appendEscaped(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        case 0..<0x20:
            let digits = Array("0123456789abcdef".utf8)
            bytes.append(contentsOf: #"\u00"#.utf8)
            bytes.append(digits[Int(byte >> 4)])
            bytes.append(digits[Int(byte & 15)])
        default: bytes.append(byte)
        }
    }
}

// Members of the kinds that orders have.
extension JSONWriter {
    mutating func member(_ name: StaticString, _ string: String?) {
        self.name(name)
        if let string { value(string) } else { null() }
    }

    mutating func member(_ name: StaticString, _ integer: Int64) {
        self.name(name)
        value(integer)
    }

    mutating func member(_ name: StaticString, _ amount: Money) {
        self.name(name)
        value(amount.fen)
    }

    mutating func member(_ name: StaticString, _ moment: Timestamp?) {
        member(name, moment?.rfc3339)
    }

    mutating func member<Subject>(_ name: StaticString, _ id: ID<Subject>) {
        member(name, id.description)
    }

    mutating func member(_ name: StaticString, _ text: JSONText) {
        self.name(name)
        value(text)
    }

    mutating func member(_ name: StaticString, truth: Bool?) {
        self.name(name)
        value(truth)
    }
}
