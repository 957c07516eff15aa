/// A value that can be read from a row.
public protocol PostgresDecodable: PostgresArrayDecodable {
    /// Reads the value's binary form.
    ///
    /// - Parameters:
    ///   - bytes: what the server sent.
    ///   - type: the column's type in `pg_type`.
    /// - Throws: why it is no such value, without quoting it.
    init(decoding bytes: RawSpan, type: UInt32) throws(DecodingFault)

    /// What NULL is read as; nil when NULL is no such value.
    static var decodedNull: Self? { get }
}

/// A value whose arrays can be read from a row.
///
/// Apart from `UInt8`, whose arrays are `bytea`, this follows from ``PostgresDecodable``.
public protocol PostgresArrayDecodable {
    /// Reads the binary form of an array.
    static func decode(array bytes: RawSpan, type: UInt32) throws(DecodingFault) -> [Self]
}

/// Why bytes are not the value asked for.
public struct DecodingFault: Error, Hashable, Sendable {
    /// The reason; never quotes the value.
    public let reason: String

    /// Gives a reason.
    public init(_ reason: String) {
        self.reason = reason
    }

    static func wrongType(_ type: UInt32) -> DecodingFault {
        DecodingFault("a column of type number \(type) is read as something else; cast it in the statement")
    }
}

extension PostgresDecodable {
    /// NULL is not a value of most types.
    public static var decodedNull: Self? { nil }

    /// Reads a one-dimensional array (`array_recv` in the server's `arrayfuncs.c`).
    public static func decode(array bytes: RawSpan, type: UInt32) throws(DecodingFault) -> [Self] {
        var reader = SpanReader(count: bytes.byteCount)
        let dimensions: Int32 = try reader.integer(from: bytes)
        _ = try reader.integer(from: bytes) as Int32
        let elementType: UInt32 = try reader.integer(from: bytes)
        if dimensions == 0 { return [] }
        guard dimensions == 1 else { throw DecodingFault("an array of \(dimensions) dimensions") }
        let count: Int32 = try reader.integer(from: bytes)
        _ = try reader.integer(from: bytes) as Int32
        // Each element takes at least its length's four bytes, whatever the header claims.
        guard count >= 0, Int(count) <= reader.remaining / 4 else {
            throw DecodingFault("an array longer than its bytes")
        }
        var elements: [Self] = []
        elements.reserveCapacity(Int(count))
        for _ in 0..<count {
            let length: Int32 = try reader.integer(from: bytes)
            if length < 0 {
                guard let null = decodedNull else { throw DecodingFault("the array holds a NULL") }
                elements.append(null)
            } else {
                let range = try reader.take(Int(length))
                elements.append(try Self(decoding: bytes.extracting(range), type: elementType))
            }
        }
        return elements
    }
}

extension Array: PostgresArrayDecodable where Element: PostgresArrayDecodable {}

extension Array: PostgresDecodable where Element: PostgresArrayDecodable {
    /// Reads an array, or bytes.
    public init(decoding bytes: RawSpan, type: UInt32) throws(DecodingFault) {
        self = try Element.decode(array: bytes, type: type)
    }
}

extension Optional: PostgresArrayDecodable where Wrapped: PostgresDecodable {}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    /// Reads what is wrapped.
    public init(decoding bytes: RawSpan, type: UInt32) throws(DecodingFault) {
        self = .some(try Wrapped(decoding: bytes, type: type))
    }

    /// NULL is nil.
    public static var decodedNull: Wrapped?? { .some(.none) }
}

extension UInt8: PostgresArrayDecodable {
    /// Reads bytes as they are.
    public static func decode(array bytes: RawSpan, type: UInt32) throws(DecodingFault) -> [UInt8] {
        guard type == PostgresType.bytea.oid else { throw .wrongType(type) }
        return bytes.withUnsafeBytes { [UInt8]($0) }
    }
}

extension PostgresDecodable where Self: RawRepresentable, RawValue == String {
    /// Reads an enum of strings; a text that is none of its cases is a fault.
    public init(decoding bytes: RawSpan, type: UInt32) throws(DecodingFault) {
        guard let value = Self(rawValue: try String(decoding: bytes, type: type)) else {
            throw DecodingFault("the text is none of the cases")
        }
        self = value
    }
}

/// Walks over bytes, checking each step.
struct SpanReader {
    private let count: Int
    private(set) var offset = 0

    init(count: Int) {
        self.count = count
    }

    var remaining: Int { count - offset }

    mutating func integer<T: FixedWidthInteger & BitwiseCopyable>(from bytes: RawSpan) throws(DecodingFault) -> T {
        let range = try take(MemoryLayout<T>.size)
        return T(bigEndian: bytes.extracting(range).unsafeLoadUnaligned(as: T.self))
    }

    mutating func take(_ length: Int) throws(DecodingFault) -> Range<Int> {
        guard length <= remaining else { throw DecodingFault("the value ends early") }
        defer { offset += length }
        return offset..<offset + length
    }
}
