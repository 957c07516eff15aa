/// A statement's text and its values, kept apart: what is interpolated becomes a bind, never text.
///
/// ```swift
/// let sql: SQL = "select status from campus.orders where id = \(id) and version > \(version)"
/// ```
/// A `SQL` may be interpolated into another (`"… \(filter) …"`); its binds are renumbered. Identical text is prepared once
/// for each connection, so text should not vary with values.
public struct SQL: Sendable, ExpressibleByStringInterpolation {
    /// The text, with `$1`, `$2`… where values go.
    public private(set) var text: String
    /// The values, in order.
    public private(set) var binds: [Bind]
    /// The values' binary forms, one after the other.
    private(set) var values: BindWriter

    /// Takes text without any value.
    public init(stringLiteral value: String) {
        self.text = value
        self.binds = []
        self.values = BindWriter()
    }

    /// Takes text with its values.
    public init(stringInterpolation: StringInterpolation) {
        self = stringInterpolation.sql
    }

    private init() {
        self.init(stringLiteral: "")
    }

    /// Appends a statement's text and values to this one's.
    public static func += (left: inout SQL, right: SQL) {
        left.append(right)
    }

    /// Joins two parts of a statement.
    public static func + (left: SQL, right: SQL) -> SQL {
        var sum = left
        sum.append(right)
        return sum
    }

    private mutating func append(_ value: some PostgresEncodable) {
        let placeholder = text.utf8.count
        let start = values.bytes.count
        text += "$"
        text += String(binds.count + 1)
        let isNull = values.write(value)
        binds.append(
            Bind(
                type: type(of: value).postgresType.oid,
                start: start,
                length: isNull ? -1 : values.bytes.count - start,
                placeholder: placeholder
            )
        )
    }

    private mutating func append(_ part: SQL) {
        let shift = values.bytes.count
        values.append(part.values)
        var copied = part.text.utf8.startIndex
        for (number, bind) in part.binds.enumerated() {
            // The placeholder in `part` is `$` and the digits of its own number; here it gets the next number.
            let placeholder = part.text.utf8.index(part.text.utf8.startIndex, offsetBy: bind.placeholder)
            text += part.text[copied..<placeholder]
            copied = part.text.utf8.index(placeholder, offsetBy: 1 + String(number + 1).utf8.count)
            let moved = Bind(
                type: bind.type,
                start: bind.start + shift,
                length: bind.length,
                placeholder: text.utf8.count
            )
            binds.append(moved)
            text += "$"
            text += String(binds.count)
        }
        text += part.text[copied...]
    }

    /// Collects a statement's pieces.
    public struct StringInterpolation: StringInterpolationProtocol {
        fileprivate var sql = SQL()

        /// Starts a statement.
        public init(literalCapacity: Int, interpolationCount: Int) {
            sql.text.reserveCapacity(literalCapacity + interpolationCount * 3)
            sql.binds.reserveCapacity(interpolationCount)
            sql.values.reserveCapacity(interpolationCount * 16)
        }

        /// Appends text.
        public mutating func appendLiteral(_ literal: String) {
            sql.text += literal
        }

        /// Appends a value as a bind.
        public mutating func appendInterpolation(_ value: some PostgresEncodable) {
            sql.append(value)
        }

        /// Appends a value as a bind, or NULL; taking the optional openly keeps the compiler from warning about it.
        public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
            sql.append(value)
        }

        /// Appends a name as text.
        public mutating func appendInterpolation(identifier: SQLIdentifier) {
            sql.text += identifier.name
        }

        /// Appends how many rows are wanted, as text: a plan for all values has to know whether they are few.
        public mutating func appendInterpolation(rows count: some BinaryInteger) {
            sql.text += String(count)
        }

        /// Appends another statement's text and values.
        public mutating func appendInterpolation(_ part: SQL) {
            sql.append(part)
        }
    }
}

/// One value of a statement: where its binary form lies, and what type it is declared as.
public struct Bind: Hashable, Sendable {
    /// The type's number in `pg_type`.
    public let type: UInt32
    /// Where its bytes start.
    let start: Int
    /// How many bytes it has; -1 is NULL.
    let length: Int
    /// Where in the statement's text, in UTF-8 bytes, its `$` stands.
    let placeholder: Int

    /// Whether the value is NULL.
    public var isNull: Bool { length < 0 }
}

extension SQL: CustomStringConvertible, CustomDebugStringConvertible {
    /// How many values it has; neither text nor values, so that logging an error by mistake leaks nothing.
    public var description: String { "SQL with \(binds.count) values" }

    /// The text, without the values.
    public var debugDescription: String { text }
}
