import CLibPQ

/// An error as the server reported it.
///
/// `description` carries neither the server's message nor its detail: both may quote values, and values may be personal.
/// `debugDescription` carries everything.
public struct ServerError: Error, Hashable, Sendable {
    /// What kind of error it is.
    public let sqlState: SQLState
    /// The primary message; may quote values.
    public let message: String
    /// A second line with more, which may quote values.
    public let detail: String?
    /// What the server suggests.
    public let hint: String?
    /// The schema of the object concerned.
    public let schema: String?
    /// The table concerned.
    public let table: String?
    /// The column concerned.
    public let column: String?
    /// The constraint that refused; its name is what callers match on.
    public let constraint: String?
    /// The call stack of functions in the server, which quotes their statements.
    public let context: String?

    /// Describes an error; made by the client, and by tests.
    public init(
        sqlState: SQLState,
        message: String,
        detail: String? = nil,
        hint: String? = nil,
        schema: String? = nil,
        table: String? = nil,
        column: String? = nil,
        constraint: String? = nil,
        context: String? = nil
    ) {
        self.sqlState = sqlState
        self.message = message
        self.detail = detail
        self.hint = hint
        self.schema = schema
        self.table = table
        self.column = column
        self.constraint = constraint
        self.context = context
    }

    /// Reads the fields of a result that is an error.
    init(_ result: OpaquePointer) {
        func field(_ code: Character) -> String? {
            guard let ascii = code.asciiValue, let text = PQresultErrorField(result, Int32(ascii)) else { return nil }
            return String(cString: text)
        }
        self.init(
            sqlState: SQLState(rawValue: field("C") ?? ""),
            message: field("M") ?? PQresultErrorMessage(result).map { String(cString: $0) } ?? "",
            detail: field("D"),
            hint: field("H"),
            schema: field("s"),
            table: field("t"),
            column: field("c"),
            constraint: field("n"),
            context: field("W")
        )
    }
}

extension ServerError: CustomStringConvertible, CustomDebugStringConvertible {
    /// The code and the names of what it concerns; no values.
    public var description: String {
        var text = "server error \(sqlState)"
        for (name, value) in [("constraint", constraint), ("table", table), ("column", column)] {
            if let value { text += " \(name)=\(value)" }
        }
        return text
    }

    /// Everything the server said; may hold values, so it is for debugging only.
    public var debugDescription: String {
        var text = "\(description): \(message)"
        for part in [detail, hint, context] {
            if let part { text += " | \(part)" }
        }
        return text
    }
}
