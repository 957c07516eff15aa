import Model

/// Seconds from 1970-01-01, where Unix counts from, to 2000-01-01, where the server does, in microseconds.
private let serverEpoch: Int64 = 946_684_800_000_000

extension Timestamp: PostgresCodable {
    /// A moment is `timestamptz`.
    public static var postgresType: PostgresType { .timestamptz }

    /// Appends microseconds since 2000; a moment beyond what the server holds is refused.
    public func encode(into writer: inout BindWriter) {
        let (moved, overflowed) = microseconds.subtractingReportingOverflow(serverEpoch)
        // The extremes of the range mean infinity to the server.
        if overflowed || moved == .min || moved == .max { writer.refuse("a timestamp is out of range") }
        writer.write(integer: moved)
    }

    /// Reads `timestamptz`; infinity is out of range.
    public init(decoding bytes: RawSpan, type: UInt32) throws(DecodingFault) {
        guard type == PostgresType.timestamptz.oid else { throw .wrongType(type) }
        var reader = SpanReader(count: bytes.byteCount)
        let moved: Int64 = try reader.integer(from: bytes)
        let (microseconds, overflowed) = moved.addingReportingOverflow(serverEpoch)
        guard !overflowed, moved != .min else { throw DecodingFault("the timestamp is out of range") }
        self.init(microseconds: microseconds)
    }
}

extension Duration: PostgresCodable {
    /// A span is `interval`, so that it adds to `timestamptz`.
    public static var postgresType: PostgresType { .interval }

    /// Appends whole microseconds, no days and no months (`interval_send` in the server's `timestamp.c`).
    public func encode(into writer: inout BindWriter) {
        writer.write(integer: wholeMicroseconds)
        writer.write(integer: Int32(0))
        writer.write(integer: Int32(0))
    }

    /// Reads an `interval` without months, a day being 24 hours.
    public init(decoding bytes: RawSpan, type: UInt32) throws(DecodingFault) {
        guard type == PostgresType.interval.oid else { throw .wrongType(type) }
        var reader = SpanReader(count: bytes.byteCount)
        let microseconds: Int64 = try reader.integer(from: bytes)
        let days: Int32 = try reader.integer(from: bytes)
        let months: Int32 = try reader.integer(from: bytes)
        guard months == 0 else { throw DecodingFault("the interval has months, which have no fixed length") }
        self = .microseconds(microseconds) + .seconds(86_400 * Int64(days))
    }
}

extension ID: PostgresArrayEncodable, PostgresArrayDecodable {}

extension ID: PostgresCodable {
    /// An id is `uuid`.
    public static var postgresType: PostgresType { .uuid }

    /// Appends sixteen bytes.
    public func encode(into writer: inout BindWriter) {
        writer.write(integer: high)
        writer.write(integer: low)
    }

    /// Reads `uuid`.
    public init(decoding bytes: RawSpan, type: UInt32) throws(DecodingFault) {
        guard type == PostgresType.uuid.oid else { throw .wrongType(type) }
        var reader = SpanReader(count: bytes.byteCount)
        self.init(high: try reader.integer(from: bytes), low: try reader.integer(from: bytes))
    }
}

/// What a `uuid` is when nobody says whose.
typealias UUIDHalves = ID<Never>

extension Money: PostgresCodable {
    /// An amount is `int8`, in fen.
    public static var postgresType: PostgresType { .int8 }

    /// Appends fen.
    public func encode(into writer: inout BindWriter) {
        writer.write(integer: fen)
    }

    /// Reads whole fen of any integer type, sums included.
    public init(decoding bytes: RawSpan, type: UInt32) throws(DecodingFault) {
        self.init(fen: try Int64(decoding: bytes, type: type))
    }
}

extension JSON: PostgresCodable {
    /// JSON is `jsonb`.
    public static var postgresType: PostgresType { .jsonb }

    /// Appends a version byte and the text; a NUL character in a string is refused, for `jsonb` cannot hold one.
    public func encode(into writer: inout BindWriter) {
        let text = serialized()
        if holdsEscapedNUL(text) { writer.refuse("a JSON string holds a NUL character") }
        writer.write(byte: 1)
        writer.write(bytes: text)
    }

    /// Reads `jsonb` or `json`.
    public init(decoding bytes: RawSpan, type: UInt32) throws(DecodingFault) {
        let text: Range<Int>
        switch type {
        case PostgresType.jsonb.oid: text = try jsonbText(bytes)
        case PostgresType.json.oid: text = 0..<bytes.byteCount
        default: throw .wrongType(type)
        }
        do {
            self = try JSON(parsing: bytes.extracting(text).withUnsafeBytes { [UInt8]($0) })
        } catch {
            throw DecodingFault("the JSON does not parse")
        }
    }
}

// Values that several services keep, by their raw text.
extension OrderStatus: PostgresCodable {}
extension OrderSource: PostgresCodable {}
extension PaymentChannel: PostgresCodable {}
extension OrderExceptionKind: PostgresCodable {}
extension RefundDueCause: PostgresCodable {}
extension CaseKind: PostgresCodable {}
extension CaseReason: PostgresCodable {}
extension CaseStatus: PostgresCodable {}
extension Verdict: PostgresCodable {}
extension RefundStatus: PostgresCodable {}
extension PartyKind: PostgresCodable {}
extension Language: PostgresCodable {}

/// Whether serialized JSON has `\u0000` that is an escape, not the end of an escaped backslash.
private func holdsEscapedNUL(_ text: [UInt8]) -> Bool {
    let escape = Array("u0000".utf8)
    var index = 0
    while index < text.count {
        guard text[index] == UInt8(ascii: "\\") else {
            index += 1
            continue
        }
        if text[(index + 1)...].starts(with: escape) { return true }
        index += 2
    }
    return false
}
