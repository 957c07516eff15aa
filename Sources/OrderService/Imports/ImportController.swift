import HTTPTypes
import Model
import Postgres
import ServiceKit

/// The routes by which a platform brings its past along.
struct ImportController: Sendable {
    let importOrders: ImportOrders
    let pool: ConnectionPool
    /// The most bytes of one request.
    let bodyLimit: Int
    /// How many requests import at once.
    let slots: Slots

    private static let tag = "Import"
    private let imports = ImportStore()

    init(importOrders: ImportOrders, pool: ConnectionPool, bodyLimit: Int, slots: Slots) {
        self.importOrders = importOrders
        self.pool = pool
        self.bodyLimit = bodyLimit
        self.slots = slots
    }

    /// The table of routes.
    var operations: [Operation] {
        [
            Operation(
                "importOrders",
                .post,
                "/v1/orders/import",
                summary: "Import past orders",
                details: """
                    One order a line, with its state, its payments and the refunds already made. Nobody is told, and no deadline that has \
                    passed begins. Lines at fault are listed and the others taken. What was taken stays when the connection breaks: ask \
                    the import for `next_line` and send the rest with `from_line`, or send everything again; a line that was taken before \
                    is skipped. The import's name does what an Idempotency-Key does elsewhere.
                    """,
                tag: Self.tag,
                access: .platform(.ordersImport),
                parameters: [
                    .query(
                        "import_id",
                        ImportSchemas.name,
                        required: true,
                        "Your name of the import; a new one begins it."
                    ),
                    .query(
                        "from_line",
                        .integer(1...1_000_000_000),
                        "The number of the first line sent; 1 when not given."
                    ),
                ],
                bodyRule: .lines(of: ImportSchemas.line, limit: bodyLimit),
                responses: [.json("What became of the import.", ImportSchemas.state)],
                problems: [.tooManyImports]
            ) { try await take($0) },
            Operation(
                "getImport",
                .get,
                "/v1/orders/imports/{import_id}",
                summary: "Read what became of an import",
                tag: Self.tag,
                access: .platform(.ordersImport),
                parameters: [Self.name],
                responses: [.json("The import so far.", ImportSchemas.state)]
            ) { call in
                let key = ImportKey(call)
                guard let state = try await pool.autocommit({ [imports] in try imports.find(key, in: $0) }) else {
                    throw Problem.notFound
                }
                return .ok(try await json(state, key))
            },
            Operation(
                "listImportFaults",
                .get,
                "/v1/orders/imports/{import_id}/faults",
                summary: "List what is wrong with the lines of an import",
                tag: Self.tag,
                access: .platform(.ordersImport),
                parameters: [Self.name, .limit, .cursor],
                responses: [.json("A page of faults, in the order of lines.", ImportSchemas.faults)]
            ) { try await faults($0) },
        ]
    }

    private static let name = Parameter.path("import_id", ImportSchemas.name, "The name of the import.")

    private func take(_ call: Call) async throws -> Reply {
        guard let lines = call.lines, let id = call.query["import_id"]?.string else { throw Problem.notFound }
        let request = ImportOrders.Request(
            key: ImportKey(campus: call.campus.id, id: id),
            firstLine: call.query["from_line"]?.integer ?? 1,
            context: ImportContext(campus: call.campus, actor: call.principal.actor, now: call.now)
        )
        let (owner, campus) = (call.principal.idempotencyName, request.key.campus)
        do {
            try slots.take(for: owner, in: campus)
        } catch {
            throw Problem(error)
        }
        defer { slots.giveBack(of: owner, in: campus) }
        return .ok(try await json(try await importOrders(lines, of: request, logger: call.logger), request.key))
    }

    private func json(_ state: OrderImport, _ key: ImportKey) async throws -> JSON {
        let faults = try await pool.autocommit { [imports] session in
            try imports.faults(of: key, limit: OrderImport.shownFaults, in: session)
        }
        return state.json(showing: faults)
    }

    private func faults(_ call: Call) async throws -> Reply {
        let page = try Page(call)
        let place = try page.lineAndNumber
        let key = ImportKey(call)
        let found: [ImportFault]? = try await pool.autocommit { [imports] session in
            guard try imports.find(key, in: session) != nil else { return nil }
            return try imports.faults(of: key, after: place, limit: page.limit + 1, in: session)
        }
        guard let found else { throw Problem.notFound }
        return .page(page.cut(found, after: \.cursor), \.json)
    }
}

extension ImportKey {
    /// The import that the path names.
    fileprivate init(_ call: Call) {
        self.init(campus: call.campus.id, id: call.path("import_id"))
    }
}

extension OrderImport {
    /// As it is shown, with the first of its faults.
    func json(showing faults: [ImportFault]) -> JSON {
        [
            "id": .string(id),
            "next_line": .integer(nextLine),
            "imported": .integer(imported),
            "skipped": .integer(skipped),
            "faulty": .integer(faulty),
            "faults": .array(faults.map(\.json)),
            "created_by": .string(createdBy),
            "created_at": .string(createdAt.rfc3339),
            "updated_at": .string(updatedAt.rfc3339),
        ]
    }
}

extension ImportFault {
    /// As it is shown.
    fileprivate var json: JSON {
        ["line": .integer(line), "pointer": .string(pointer), "detail": .string(detail)]
    }

    /// Where the list goes on after it.
    fileprivate var cursor: Cursor { Cursor([.integer(line), .integer(Int64(number))]) }
}

extension Page {
    /// After which fault to go on; the beginning without a cursor.
    fileprivate var lineAndNumber: (line: Int64, number: Int32) {
        get throws(Problem) {
            guard let cursor else { return (0, 0) }
            guard cursor.values.count == 2, let line = cursor.values[0].integer,
                let number = cursor.values[1].integer.flatMap({ Int32(exactly: $0) })
            else { throw Page.foreign }
            return (line, number)
        }
    }
}
