import Postgres

extension Session {
    /// The first column of the one row.
    func value<Value: PostgresDecodable>(_ sql: SQL, as type: Value.Type = Value.self) throws -> Value {
        try one(sql) { try $0[0] }
    }

    /// The first column of the first row, if there is one.
    func firstValue<Value: PostgresDecodable>(_ sql: SQL, as type: Value.Type = Value.self) throws -> Value? {
        try first(sql) { try $0[0] }
    }
}
