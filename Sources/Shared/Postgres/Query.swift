/// A statement and how its rows are read, to be asked in one round trip with others: ``Session/pipeline(_:)``.
public struct Query<Value> {
    let sql: SQL?
    private let decode: (Row) throws -> Value

    /// Describes a question.
    ///
    /// - Parameters:
    ///   - sql: the statement; nil asks nothing, and has no rows.
    ///   - decode: reads a row.
    public init(_ sql: SQL?, _ decode: @escaping (Row) throws -> Value) {
        self.sql = sql
        self.decode = decode
    }

    /// Takes its rows from the results of all that was asked.
    func read(_ results: inout ArraySlice<RowSet>) throws -> [Value] {
        guard sql != nil, let rows = results.popFirst() else { return [] }
        return try rows.map(decode)
    }
}
