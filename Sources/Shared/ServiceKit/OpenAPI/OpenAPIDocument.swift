import HTTPTypes
import Model

/// Writes `openapi.json` from a route table.
///
/// OpenAPI 3.1.0. Everything in it comes from the declarations by which requests are checked, so it is as true as they are.
public struct OpenAPIDocument: Sendable {
    private let title: String
    private let summary: String
    private let version: String
    private let operations: [Operation]

    /// A document.
    ///
    /// - Parameters:
    ///   - title: the service's name.
    ///   - summary: what it is for.
    ///   - version: the version of the service.
    ///   - operations: all of its operations.
    public init(title: String, summary: String, version: String, operations: [Operation]) {
        self.title = title
        self.summary = summary
        self.version = version
        self.operations = operations
    }

    /// The document.
    public var json: JSON {
        var schemas = SchemaComponents()
        var paths: JSONObject = [:]
        for operation in operations {
            var item = paths[operation.path]?.object ?? [:]
            item[operation.method.rawValue.lowercased()] = describe(operation, &schemas)
            paths[operation.path] = .object(item)
        }
        _ = schemas.document(Self.problem)
        return [
            "openapi": "3.1.0",
            "info": [
                "title": .string(title), "version": .string(version),
                "description": .string(summary + "\n\n" + Self.conventions),
            ],
            "servers": [["url": "/"]],
            "tags": .array(tags),
            "paths": .object(paths),
            "components": [
                "schemas": .object(schemas.schemas),
                "securitySchemes": .object(Self.securitySchemes),
            ],
        ]
    }

    private var tags: [JSON] {
        var names: [String] = []
        for operation in operations where !names.contains(operation.tag) { names.append(operation.tag) }
        return names.map { ["name": .string($0)] }
    }

    private func describe(_ operation: Operation, _ schemas: inout SchemaComponents) -> JSON {
        var object: JSONObject = [
            "operationId": .string(operation.id), "summary": .string(operation.summary),
            "tags": [.string(operation.tag)],
        ]
        object["description"] = .string(Self.description(of: operation))
        object["security"] = Self.security(of: operation.access)
        let parameters = Self.parameters(of: operation).map { Self.describe($0, &schemas) }
        if !parameters.isEmpty { object["parameters"] = .array(parameters) }
        if let body = operation.body { object["requestBody"] = Self.describe(body, &schemas) }
        object["responses"] = .object(Self.responses(of: operation, &schemas))
        return .object(object)
    }

    private static func description(of operation: Operation) -> String {
        var parts = [operation.details ?? operation.summary]
        if let roles = operation.access.roles {
            var who: [String] = []
            if !roles.isEmpty { who.append("users who are " + roles.map(\.rawValue).sorted().joined(separator: ", ")) }
            if let scope = operation.access.scope { who.append("platform keys with the scope `\(scope.rawValue)`") }
            parts.append("For " + who.joined(separator: ", and for ") + ".")
        }
        return parts.joined(separator: "\n\n")
    }

    /// Its own parameters, the path's that it does not declare, and the headers every operation has.
    private static func parameters(of operation: Operation) -> [Parameter] {
        let declared = operation.parameters
        let implied = operation.path.split(separator: "/").compactMap { RouteTable.parameterName($0) }
            .filter { name in !declared.contains { $0.location == .path && $0.name == name } }
            .map { Parameter.path($0, .id, "Its id.") }
        var headers: [Parameter] = [.requestID, .traceparent]
        if operation.isIdempotent { headers.insert(.idempotencyKey, at: 0) }
        if operation.access.scope != nil, operation.access.roles?.isEmpty == false { headers.append(.actor) }
        return implied + declared + headers
    }

    private static func describe(_ parameter: Parameter, _ schemas: inout SchemaComponents) -> JSON {
        // What is replaced or ignored when it does not fit is not described as refused.
        let isLenient = ["X-Request-Id", "traceparent"].contains(parameter.name)
        var object: JSONObject = [
            "name": .string(parameter.name), "in": .string(parameter.location.rawValue),
            "required": .bool(parameter.isRequired), "description": .string(parameter.summary),
            "schema": isLenient ? ["type": "string"] : schemas.document(parameter.schema),
        ]
        if case .array = parameter.schema.rule {
            object["style"] = "form"
            object["explode"] = false
        }
        return .object(object)
    }

    private static func describe(_ body: BodyRule, _ schemas: inout SchemaComponents) -> JSON {
        var content: JSONObject = [:]
        switch body.content {
        case .json(let schema): content["application/json"] = ["schema": schemas.document(schema)]
        case .bytes(let types): for type in types { content[type] = [:] }
        case .lines(let schema):
            content[BodyRule.linesType] = ["schema": ["type": "string"], "x-item-schema": schemas.document(schema)]
        }
        return [
            "required": .bool(body.isRequired), "content": .object(content),
            "description": .string("At most \(body.limit) bytes."),
        ]
    }

    private static func security(of access: Access) -> JSON {
        guard let roles = access.roles else { return [] }
        var schemes: [JSON] = []
        if !roles.isEmpty { schemes.append(["userToken": []]) }
        if access.scope != nil { schemes.append(["platformKey": []]) }
        // Nothing: a ticket among the parameters stands in.
        if access.ticketParameter != nil { schemes.append([:]) }
        return .array(schemes)
    }

    private static let securitySchemes: JSONObject = [
        "platformKey": [
            "type": "http", "scheme": "bearer", "bearerFormat": "ck_…",
            "description": """
            A platform key, tied to one campus and to scopes. It acts for itself, or for a user that `X-Actor` states.
            """,
        ],
        "userToken": [
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": """
            A user's JWT, signed by a verification key of the campus (`kid` in its header): `sub`, `role` (customer, merchant, rider, \
            agent, supervisor, admin), `campus` (code or id), `exp`, and `merchant_id` for merchants.
            """,
        ],
    ]

    private static let conventions = """
        Times are RFC 3339 in UTC, money is whole fen in members named `*_fen`, ids are UUIDs. Unknown members and parameters are \
        refused. Every error is `application/problem+json` (RFC 9457) whose `type` is a page of this service and whose `code` is stable. \
        Requests that create or move something carry an `Idempotency-Key`; repeating one is safe and answers the same. A method that a \
        resource does not have answers 405 with `Allow`.
        """
}
