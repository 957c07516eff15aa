import HTTPTypes
import Model

extension OpenAPIDocument {
    /// The schema of every problem.
    ///
    /// Kinds may have members of their own.
    static let problem = JSONSchema.openObject(
        name: "Problem",
        [
            .required("type", .string(length: 1...200), "A page about this kind of problem, relative to the service."),
            .required("title", .string(length: 1...200), "The same for each occurrence."),
            .required("status", .integer(400...599), "The HTTP status."),
            .required("detail", .string(length: 1...2_000), "What is particular to this occurrence."),
            .required("code", .string(length: 1...64), "The stable name of this kind of problem."),
            .required("request_id", .string(length: 1...64), "What `X-Request-Id` says; the log has it."),
            .optional(
                "errors",
                .array(
                    of: .object(
                        name: "Fault",
                        [
                            .required("in", .enumeration(["body", "query", "header", "path"])),
                            .required("pointer", .string(length: 0...2_000), "A JSON pointer (RFC 6901)."),
                            .required("detail", .string(length: 1...2_000)),
                        ]
                    ),
                    count: 1...FaultCollector.limit * 2
                ),
                "Every fault of the request, for `validation`."
            ),
            .optional("state", .string(length: 1...64), "The present state, for `illegal-transition`."),
            .optional(
                "allowed",
                .array(of: .string(length: 1...64), count: 0...100),
                "What the present state allows, for `illegal-transition`."
            ),
        ]
    )

    /// An operation's answers and problems by status.
    static func responses(of operation: Operation, _ schemas: inout SchemaComponents) -> JSONObject {
        var responses: JSONObject = [:]
        for response in operation.responses where responses["\(response.status)"] == nil {
            let alike = operation.responses.filter { $0.status == response.status }
            responses["\(response.status)"] = describe(alike, operation, &schemas)
        }
        let problems = problems(of: operation)
        for status in Set(problems.map(\.status)).sorted() {
            let kinds = problems.filter { $0.status == status }.sorted { $0.code < $1.code }
            responses["\(status)"] = describe(kinds, status: status, &schemas)
        }
        return responses
    }

    /// Every kind of problem an operation can answer with: its own, and those that the edge finds on the way to it.
    static func problems(of operation: Operation) -> Set<ProblemKind> {
        var kinds: Set<ProblemKind> = [
            .malformedRequest, .notAcceptable, .uriTooLong, .validation, .rateLimited, .headersTooLarge, .internalError,
            .unavailable,
        ]
        if operation.access.needsCredential { kinds.formUnion([.unauthenticated, .forbidden]) }
        if operation.path.contains("{") { kinds.insert(.notFound) }
        if operation.method != .get || operation.body != nil {
            kinds.formUnion([.bodyTooLarge, .requestTimeout])
        }
        if let body = operation.body {
            kinds.insert(.unsupportedMediaType)
            if case .json = body.content { kinds.insert(.malformedJSON) }
        }
        if operation.isIdempotent {
            kinds.formUnion([.idempotencyKeyRequired, .idempotencyInFlight, .idempotencyMismatch])
        }
        if operation.parameters.contains(where: { $0.name == "If-Match" }) {
            kinds.formUnion([.versionRequired, .versionMismatch])
        }
        return kinds.union(operation.problems)
    }

    /// One answer, which may come in several types.
    private static func describe(
        _ responses: [ResponseDescription],
        _ operation: Operation,
        _ schemas: inout SchemaComponents
    ) -> JSON {
        var headers: JSONObject = ["X-Request-Id": header("The name of the request.")]
        for entry in responses.flatMap(\.headers) { headers[entry.name] = header(entry.summary) }
        if operation.access.needsCredential { describeAllowance(in: &headers) }
        if operation.isIdempotent { headers["Idempotent-Replayed"] = header("`true` when this is the stored answer.") }
        var content: JSONObject = [:]
        for response in responses {
            switch response.content {
            case .none: break
            case .json(let schema): content["application/json"] = ["schema": schemas.document(schema)]
            case .other(let type, _): content[type] = ["schema": ["type": "string"]]
            }
        }
        let summary = responses.map(\.summary).joined(separator: " ")
        var object: JSONObject = ["description": .string(summary), "headers": .object(headers)]
        if !content.members.isEmpty { object["content"] = .object(content) }
        return .object(object)
    }

    private static func describe(_ kinds: [ProblemKind], status: Int, _ schemas: inout SchemaComponents) -> JSON {
        var headers: JSONObject = ["X-Request-Id": header("The name of the request.")]
        switch status {
        case 401: headers["WWW-Authenticate"] = header("The challenge of RFC 6750.")
        case 429, 503: headers["Retry-After"] = header("Seconds to wait before repeating.")
        default: break
        }
        if status == 429 { describeAllowance(in: &headers) }
        let description = kinds.map { "`\($0.code)`: \($0.title)." }.joined(separator: " ")
        return [
            "description": .string(description),
            "headers": .object(headers),
            "content": [
                "application/problem+json": [
                    "schema": [
                        "allOf": [
                            schemas.document(problem),
                            ["properties": ["code": ["enum": .array(kinds.map { .string($0.code) })]]],
                        ]
                    ]
                ]
            ],
        ]
    }

    private static func describeAllowance(in headers: inout JSONObject) {
        headers["RateLimit-Limit"] = header("How many requests the credential may make at once after a rest.")
        headers["RateLimit-Remaining"] = header("How many it may make now.")
        headers["RateLimit-Reset"] = header("Seconds until it may make all of them again.")
    }

    private static func header(_ summary: String) -> JSON {
        ["description": .string(summary), "schema": ["type": "string"]]
    }
}
