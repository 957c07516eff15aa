/// The statements that one connection has prepared, by text and types; the least recently used make room.
struct PreparedStatements {
    /// Text and the types of its binds, which together decide what the server prepares.
    private struct Key: Hashable {
        let text: String
        let binds: [Bind]

        func hash(into hasher: inout Hasher) {
            hasher.combine(text)
        }

        static func == (left: Key, right: Key) -> Bool {
            left.text == right.text && left.binds.elementsEqual(right.binds) { $0.type == $1.type }
        }
    }

    private let limit: Int
    private var statements: [Key: PreparedStatement] = [:]
    private var uses: UInt64 = 0
    private var names: UInt64 = 0
    /// The names of statements that the server may still hold and nobody uses.
    private(set) var discarded: [String] = []

    init(limit: Int) {
        self.limit = limit
    }

    var count: Int { statements.count }

    /// The statement for this text, prepared already or to be prepared now.
    mutating func statement(for sql: SQL) -> PreparedStatement {
        let key = Key(text: sql.text, binds: sql.binds)
        uses += 1
        if let known = statements[key] {
            known.lastUse = uses
            return known
        }
        if statements.count >= limit, let oldest = statements.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            statements[oldest.key] = nil
            discarded.append(oldest.value.name)
        }
        names += 1
        let statement = PreparedStatement(name: "s\(names)")
        statement.lastUse = uses
        statements[key] = statement
        return statement
    }

    /// Forgets a statement that the server refused to run as it was prepared, so that it is prepared anew.
    mutating func forget(_ statement: PreparedStatement) {
        guard let known = statements.first(where: { $0.value === statement }) else { return }
        statements[known.key] = nil
        discarded.append(statement.name)
    }

    /// Forgets all statements, since the server has.
    mutating func forgetAll() {
        statements = [:]
        discarded = []
    }

    /// Takes the names that the server is to be told to forget.
    mutating func takeDiscarded() -> [String] {
        defer { discarded = [] }
        return discarded
    }
}

/// One statement of one connection.
final class PreparedStatement {
    /// Its name in the server's session.
    let name: String
    /// Whether the server was told to prepare it.
    var isKnownToServer = false
    /// The columns of its rows, once it has run; they cannot change while it stays prepared.
    var columns: Columns?
    /// When it was last used, in uses of the cache.
    fileprivate(set) var lastUse: UInt64 = 0

    init(name: String) {
        self.name = name
    }
}
