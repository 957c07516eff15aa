/// A value that can be bound to a statement; a type that can also be read back is ``PostgresCodable``.
///
/// An enum of strings conforms by declaration alone: `extension OrderStatus: PostgresCodable {}`.
/// Values are declared with exactly their type, so `\(text)` is `text` and needs a cast where another type is wanted.
public protocol PostgresEncodable: PostgresArrayEncodable {
    /// The type that the value is declared as.
    static var postgresType: PostgresType { get }
    /// Appends the value's binary form.
    func encode(into writer: inout BindWriter)
}

/// A value that can be bound to a statement and read from a row.
public typealias PostgresCodable = PostgresEncodable & PostgresDecodable

/// A value whose arrays can be bound to a statement.
///
/// Apart from `UInt8`, whose arrays are `bytea`, this follows from ``PostgresEncodable``.
public protocol PostgresArrayEncodable: Sendable {
    /// The type that an array of these values is declared as.
    static var postgresArrayType: PostgresType { get }
    /// Appends the binary form of an array.
    static func encode(array: [Self], into writer: inout BindWriter)
}

extension PostgresEncodable {
    /// The array type of the value's type; arrays of arrays have none.
    public static var postgresArrayType: PostgresType {
        PostgresType(oid: postgresType.arrayOID, arrayOID: 0)
    }

    /// Appends a one-dimensional array (`array_send` in the server's `arrayfuncs.c`).
    public static func encode(array: [Self], into writer: inout BindWriter) {
        guard postgresType.arrayOID != 0 else {
            writer.refuse("arrays of arrays can not be bound")
            return
        }
        writer.write(integer: Int32(array.isEmpty ? 0 : 1))
        let hasNullPosition = writer.bytes.count
        writer.write(integer: Int32(0))
        writer.write(integer: postgresType.oid)
        if array.isEmpty { return }
        writer.write(integer: Int32(clamping: array.count))
        writer.write(integer: Int32(1))
        var hasNull = false
        for element in array where writer.write(element: element) {
            hasNull = true
        }
        if hasNull { writer.overwrite(at: hasNullPosition, with: 1) }
    }
}

extension Array: PostgresArrayEncodable where Element: PostgresArrayEncodable {}

extension Array: PostgresEncodable where Element: PostgresArrayEncodable {
    /// The array type of the element's type, or `bytea` for bytes.
    public static var postgresType: PostgresType { Element.postgresArrayType }

    /// Appends the array.
    public func encode(into writer: inout BindWriter) {
        Element.encode(array: self, into: &writer)
    }
}

extension Optional: PostgresArrayEncodable where Wrapped: PostgresEncodable {}

extension Optional: PostgresEncodable where Wrapped: PostgresEncodable {
    /// The type of what is wrapped.
    public static var postgresType: PostgresType { Wrapped.postgresType }

    /// Appends what is wrapped, or NULL.
    public func encode(into writer: inout BindWriter) {
        if let wrapped = self {
            wrapped.encode(into: &writer)
        } else {
            writer.writeNull()
        }
    }
}

extension UInt8: PostgresArrayEncodable {
    /// Bytes are `bytea`.
    public static var postgresArrayType: PostgresType { .bytea }

    /// Appends bytes as they are.
    public static func encode(array: [UInt8], into writer: inout BindWriter) {
        writer.write(bytes: array)
    }
}

extension PostgresEncodable where Self: RawRepresentable, RawValue == String {
    /// An enum of strings is `text`.
    public static var postgresType: PostgresType { .text }

    /// Appends the raw value.
    public func encode(into writer: inout BindWriter) {
        writer.write(text: rawValue)
    }
}
