import CLibPQ

/// One row of a result; columns are read by name or number, as the type the caller asks for.
///
/// ```swift
/// let order = try session.one("select id, promised_at from …") { row in
///     Order(id: try row["id"], promisedAt: try row["promised_at"])
/// }
/// ```
public struct Row {
    private let rows: RowSet
    private let index: Int32

    init(_ rows: RowSet, _ index: Int) {
        self.rows = rows
        self.index = Int32(truncatingIfNeeded: index)
    }

    /// Reads the column of this name.
    ///
    /// - Throws: `PostgresError.decoding` when there is no such column, or it is no such value, or it is NULL and the type
    ///   is not optional.
    public subscript<Value: PostgresDecodable>(_ name: String) -> Value {
        get throws {
            guard let column = rows.columns.number(of: name) else {
                throw failure(name, Value.self, "the result has no such column")
            }
            return try value(column, name)
        }
    }

    /// Reads the column of this number, counted from 0.
    ///
    /// - Throws: `PostgresError.decoding`, as by name.
    public subscript<Value: PostgresDecodable>(_ column: Int) -> Value {
        get throws {
            guard rows.columns.names.indices.contains(column) else {
                throw failure("\(column)", Value.self, "the result has no such column")
            }
            return try value(column, rows.columns.names[column])
        }
    }

    private func value<Value: PostgresDecodable>(_ column: Int, _ name: String) throws -> Value {
        let number = Int32(truncatingIfNeeded: column)
        let length = Int(PQgetlength(rows.handle.pointer, index, number))
        if length == 0, PQgetisnull(rows.handle.pointer, index, number) == 1 {
            guard let null = Value.decodedNull else { throw failure(name, Value.self, "it is NULL") }
            return null
        }
        let bytes = UnsafeRawBufferPointer(start: PQgetvalue(rows.handle.pointer, index, number), count: length)
        do {
            return try Value(decoding: bytes.bytes, type: rows.columns.types[column])
        } catch {
            throw failure(name, Value.self, error.reason)
        }
    }

    private func failure(_ column: String, _ type: Any.Type, _ reason: String) -> PostgresError {
        .decoding(DecodingFailure(column: column, type: "\(type)", reason: reason))
    }
}

/// A result with the names and types of its columns.
final class RowSet {
    let handle: ResultHandle
    let columns: Columns

    init(_ handle: consuming ResultHandle, _ columns: Columns) {
        self.handle = handle
        self.columns = columns
    }

    var count: Int { handle.rowCount }

    /// Reads each row.
    func map<Value>(_ decode: (Row) throws -> Value) throws -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(count)
        for index in 0..<count { values.append(try decode(Row(self, index))) }
        return values
    }
}

/// The names and types of a result's columns, kept with the prepared statement so that they are read once.
final class Columns: Sendable {
    let names: [String]
    let types: [UInt32]

    init(of result: borrowing ResultHandle) {
        let pointer = result.pointer
        let numbers = 0..<PQnfields(pointer)
        names = numbers.map { number in PQfname(pointer, number).map { String(cString: $0) } ?? "" }
        types = numbers.map { PQftype(pointer, $0) }
    }

    /// The first column of this name; results have few columns, so a scan beats a dictionary.
    func number(of name: String) -> Int? {
        for index in names.indices where names[index] == name { return index }
        return nil
    }
}
