import HTTPTypes
import Model

/// One row of a route table, and its entry in `openapi.json`.
///
/// Everything a client may send or get is declared here, and the edge checks requests by it before the handler runs: credential, role,
/// parameters, body, Idempotency-Key. The handler meets only what fits.
public struct Operation: Sendable {
    /// Does the work.
    ///
    /// What it throws becomes a problem: a ``Problem`` as it is, a database error as 503, anything else as 500.
    public typealias Handler = @Sendable (Call) async throws -> Reply

    /// The `operationId`: stable for ever, in lower camel case.
    public let id: String
    /// GET, POST, PUT or DELETE.
    ///
    /// HEAD is answered for every GET that is not a stream.
    public let method: HTTPRequest.Method
    /// The path template, for example `/v1/orders/{id}/timeline`.
    public let path: String
    /// One line for the document.
    public let summary: String
    /// More for the document, Markdown.
    public let details: String?
    /// The group it is listed in.
    public let tag: String
    /// Who may ask.
    public let access: Access
    /// Its parameters beyond those every operation has.
    public let parameters: [Parameter]
    /// The body it takes.
    public let body: BodyRule?
    /// Its answers when all is well.
    public let responses: [ResponseDescription]
    /// Its problems beyond those of the edge.
    public let problems: [ProblemKind]
    /// Whether an Idempotency-Key is required and ``Call/idempotency`` is there.
    public let isIdempotent: Bool
    /// Does the work.
    public let handler: Handler

    /// A row of a route table.
    ///
    /// - Parameters:
    ///   - id: the `operationId`.
    ///   - method: GET, POST, PUT or DELETE.
    ///   - path: with a leading slash; parameters in braces fill a whole segment.
    ///   - summary: one line for the document.
    ///   - details: more for the document.
    ///   - tag: the group it is listed in.
    ///   - access: who may ask.
    ///   - parameters: its own parameters; path parameters not among them are UUIDs.
    ///   - body: the schema of its required JSON body.
    ///   - responses: its answers when all is well; the first is the usual one.
    ///   - problems: kinds beyond those of the edge.
    ///   - idempotent: whether it requires an Idempotency-Key.
    ///   - handler: does the work.
    public init(
        _ id: String,
        _ method: HTTPRequest.Method,
        _ path: String,
        summary: String,
        details: String? = nil,
        tag: String,
        access: Access,
        parameters: [Parameter] = [],
        body: JSONSchema? = nil,
        responses: [ResponseDescription],
        problems: [ProblemKind] = [],
        idempotent: Bool = false,
        handler: @escaping Handler
    ) {
        self.init(
            id,
            method,
            path,
            summary: summary,
            details: details,
            tag: tag,
            access: access,
            parameters: parameters,
            bodyRule: body.map { .json($0) },
            responses: responses,
            problems: problems,
            idempotent: idempotent,
            handler: handler
        )
    }

    /// A row of a route table whose body is optional, larger than usual, or not JSON.
    public init(
        _ id: String,
        _ method: HTTPRequest.Method,
        _ path: String,
        summary: String,
        details: String? = nil,
        tag: String,
        access: Access,
        parameters: [Parameter] = [],
        bodyRule: BodyRule?,
        responses: [ResponseDescription],
        problems: [ProblemKind] = [],
        idempotent: Bool = false,
        handler: @escaping Handler
    ) {
        self.id = id
        self.method = method
        self.path = path
        self.summary = summary
        self.details = details
        self.tag = tag
        self.access = access
        self.parameters = parameters
        self.body = bodyRule
        self.responses = responses
        self.problems = problems
        self.isIdempotent = idempotent
        self.handler = handler
    }

    /// Whether its answer is a stream, which has no end to wait for.
    var isStream: Bool {
        responses.contains { response in
            if case .other(let type, _) = response.content { type == "text/event-stream" } else { false }
        }
    }

    /// The types its answers can have, the usual one first; JSON when none has a body.
    var contentTypes: [String] {
        var types: [String] = []
        for type in responses.compactMap(\.contentType) where !types.contains(type) { types.append(type) }
        return types.isEmpty ? ["application/json"] : types
    }

    /// Its parameters in the query.
    var queryParameters: [Parameter] { parameters.filter { $0.location == .query } }
    /// Its own parameters in the headers.
    var headerParameters: [Parameter] { parameters.filter { $0.location == .header } }
}
