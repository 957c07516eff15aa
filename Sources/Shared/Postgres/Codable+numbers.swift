extension Bool: PostgresCodable {
    /// Truth is `boolean`.
    public static var postgresType: PostgresType { .boolean }

    /// Appends one byte.
    public func encode(into writer: inout BindWriter) {
        writer.write(byte: self ? 1 : 0)
    }

    /// Reads one byte.
    public init(decoding bytes: RawSpan, type: UInt32) throws(DecodingFault) {
        guard type == PostgresType.boolean.oid else { throw .wrongType(type) }
        var reader = SpanReader(count: bytes.byteCount)
        self = try reader.integer(from: bytes) as UInt8 != 0
    }
}

/// An integer that the server has a type for.
public protocol PostgresInteger: FixedWidthInteger, PostgresCodable {}

extension PostgresInteger {
    /// Appends the integer.
    public func encode(into writer: inout BindWriter) {
        writer.write(integer: self)
    }

    /// Reads any integer type of the server whose value fits, and a `numeric` without fraction, as `sum(bigint)` is.
    public init(decoding bytes: RawSpan, type: UInt32) throws(DecodingFault) {
        var reader = SpanReader(count: bytes.byteCount)
        let wide: Int64
        switch type {
        case PostgresType.int8.oid, PostgresType.xid8.oid: wide = try reader.integer(from: bytes)
        case PostgresType.int4.oid: wide = Int64(try reader.integer(from: bytes) as Int32)
        case PostgresType.int2.oid: wide = Int64(try reader.integer(from: bytes) as Int16)
        case PostgresType.oid.oid: wide = Int64(try reader.integer(from: bytes) as UInt32)
        case PostgresType.numeric.oid: wide = try Numeric(decoding: bytes).whole
        default: throw .wrongType(type)
        }
        guard let value = Self(exactly: wide) else { throw DecodingFault("the number is out of range") }
        self = value
    }
}

extension Int16: PostgresInteger {
    /// 16 bits are `int2`.
    public static var postgresType: PostgresType { .int2 }
}

extension Int32: PostgresInteger {
    /// 32 bits are `int4`.
    public static var postgresType: PostgresType { .int4 }
}

extension Int64: PostgresInteger {
    /// 64 bits are `int8`.
    public static var postgresType: PostgresType { .int8 }
}

extension Int: PostgresInteger {
    /// A word is `int8`.
    public static var postgresType: PostgresType { .int8 }

    /// Appends 64 bits.
    public func encode(into writer: inout BindWriter) {
        writer.write(integer: Int64(self))
    }
}

extension Double: PostgresCodable {
    /// A `Double` is `float8`.
    public static var postgresType: PostgresType { .float8 }

    /// Appends the IEEE 754 form.
    public func encode(into writer: inout BindWriter) {
        writer.write(integer: bitPattern)
    }

    /// Reads `float8`, `float4`, and `numeric` to the nearest `Double`.
    public init(decoding bytes: RawSpan, type: UInt32) throws(DecodingFault) {
        var reader = SpanReader(count: bytes.byteCount)
        switch type {
        case PostgresType.float8.oid: self = Double(bitPattern: try reader.integer(from: bytes))
        case PostgresType.float4.oid: self = Double(Float(bitPattern: try reader.integer(from: bytes)))
        case PostgresType.numeric.oid: self = try Numeric(decoding: bytes).approximate
        default: throw .wrongType(type)
        }
    }
}

/// The server's exact number, read only: what sums and `extract` return (`numeric_send` in the server's `numeric.c`).
struct Numeric {
    /// Base-10000 digits, most significant first.
    private let digits: [Int16]
    /// The power of 10000 of the first digit.
    private let weight: Int
    private let isNegative: Bool

    init(decoding bytes: RawSpan) throws(DecodingFault) {
        var reader = SpanReader(count: bytes.byteCount)
        let count: Int16 = try reader.integer(from: bytes)
        weight = Int(try reader.integer(from: bytes) as Int16)
        let sign: UInt16 = try reader.integer(from: bytes)
        _ = try reader.integer(from: bytes) as Int16
        guard sign == 0 || sign == 0x4000 else { throw DecodingFault("the number is not finite") }
        isNegative = sign == 0x4000
        var digits: [Int16] = []
        for _ in 0..<max(0, count) { digits.append(try reader.integer(from: bytes)) }
        self.digits = digits
    }

    /// The number as an integer, if it is one of 64 bits.
    var whole: Int64 {
        get throws(DecodingFault) {
            guard digits.count <= weight + 1 || digits.isEmpty else { throw DecodingFault("the number has a fraction") }
            var value: Int64 = 0
            for place in 0..<max(0, digits.isEmpty ? 0 : weight + 1) {
                let digit = place < digits.count ? Int64(digits[place]) : 0
                let (shifted, overflowed) = value.multipliedReportingOverflow(by: 10_000)
                let (sum, overran) = shifted.addingReportingOverflow(isNegative ? -digit : digit)
                guard !overflowed, !overran else { throw DecodingFault("the number is out of range") }
                value = sum
            }
            return value
        }
    }

    /// The nearest `Double`, to within the rounding of the sum.
    var approximate: Double {
        var value = 0.0
        for digit in digits { value = value * 10_000 + Double(digit) }
        var places = weight + 1 - digits.count
        while places > 0 {
            value *= 10_000
            places -= 1
        }
        var divisor = 1.0
        while places < 0 {
            divisor *= 10_000
            places += 1
        }
        return (isNegative ? -value : value) / divisor
    }
}
