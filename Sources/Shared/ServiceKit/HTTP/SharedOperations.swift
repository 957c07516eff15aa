import HTTPTypes
import Model
import Postgres

/// The operations that every service has: health, its own description, the pages of its problems.
struct SharedOperations: Sendable {
    /// Whether the service can work: throws or returns a reason when it cannot.
    typealias ReadinessCheck = @Sendable () async throws -> String?

    let isReady: ReadinessCheck
    let catalogue: [ProblemKind]

    /// All but `/openapi.json`, which needs to know the others.
    var operations: [Operation] { [live, ready, problemPage] }

    private var live: Operation {
        Operation(
            "getLiveness",
            .get,
            "/health/live",
            summary: "Whether the process runs.",
            tag: "Health",
            access: .anyone,
            responses: [.json("The process runs.", Self.status)],
            handler: { _ in .ok(["status": "live"]) }
        )
    }

    private var ready: Operation {
        Operation(
            "getReadiness",
            .get,
            "/health/ready",
            summary: "Whether the database is reachable and its schema is one that this version works with.",
            tag: "Health",
            access: .anyone,
            responses: [.json("The service can work.", Self.status)],
            handler: { [isReady] _ in
                guard let reason = try await isReady() else { return .ok(["status": "ready"]) }
                throw Problem.unavailable(reason)
            }
        )
    }

    private var problemPage: Operation {
        let pages = Dictionary(catalogue.map { ($0.code, $0) }) { first, _ in first }
        return Operation(
            "getProblem",
            .get,
            "/problems/{code}",
            summary: "What a problem means and what to do about it: where the `type` of a problem points.",
            tag: "Reference",
            access: .anyone,
            parameters: [.path("code", .enumeration(pages.keys.sorted()), "The `code` of a problem.")],
            responses: [.other(type: "text/markdown", "The page of the problem.")],
            handler: { call in
                guard let kind = pages[call.path("code")] else { throw Problem.notFound }
                return Reply(
                    status: 200,
                    headers: [.contentType: "text/markdown; charset=utf-8"],
                    body: .bytes(Array(ProblemPage(kind).markdown.utf8))
                )
            }
        )
    }

    /// `/openapi.json`, which describes the operations given and itself.
    static func document(
        _ describe: @escaping @Sendable ([Operation]) -> [UInt8],
        of operations: [Operation]
    ) -> Operation {
        func operation(_ handler: @escaping Operation.Handler) -> Operation {
            Operation(
                "getOpenAPI",
                .get,
                "/openapi.json",
                summary: "This description.",
                tag: "Reference",
                access: .anyone,
                responses: [.json("The OpenAPI 3.1 document.", .any)],
                handler: handler
            )
        }
        let placeholder = operation { _ in .noContent }
        let bytes = describe(operations + [placeholder])
        return operation { _ in
            Reply(status: 200, headers: [.contentType: "application/json"], body: .bytes(bytes))
        }
    }

    private static let status = JSONSchema.object(
        name: "Health",
        [.required("status", .enumeration(["live", "ready"]))]
    )
}

/// The page of one entry of the error catalogue.
public struct ProblemPage: Sendable {
    private let kind: ProblemKind

    /// The page of that kind.
    public init(_ kind: ProblemKind) {
        self.kind = kind
    }

    /// The page as Markdown, in English and then in Chinese.
    public var markdown: String {
        """
        # \(kind.title)

        `\(kind.code)` · HTTP \(kind.status)

        \(kind.meaning)

        """ + (kind.chinese.map { "\n## \($0.title)\n\n\($0.meaning)\n" } ?? "")
    }
}
