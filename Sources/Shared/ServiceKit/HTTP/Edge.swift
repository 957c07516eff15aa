import HTTPTypes
import Hummingbird
import Logging
import Model
import NIOCore

/// What Hummingbird keeps for a request; everything of ours is in ``Call``.
public struct EdgeContext: RequestContext {
    /// Hummingbird's own part.
    public var coreContext: CoreRequestContextStorage

    /// A context for a request that has just arrived.
    public init(source: ApplicationRequestContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
    }
}

/// The way of a request: route, credential, access, limits, parameters, body, handler, answer.
///
/// Whatever goes wrong on the way ends as one problem document; nothing is thrown past it, and each request is counted once.
public struct Edge: HTTPResponder {
    /// What Hummingbird hands over with a request.
    public typealias Context = EdgeContext

    private struct Route: Sendable {
        let operation: Operation
        let reader: RequestReader
        let needsCredential: Bool
        let isUnsafe: Bool
        let isStream: Bool
        let streamsBody: Bool
    }

    /// The longest request target in bytes.
    static let longestTarget = 4_096

    private let table: RouteTable
    private let routes: [Route]
    private let authenticator: Authenticator
    private let limiter: RateLimiter
    private let directory: CampusDirectory
    private let statistics: RequestStatistics
    private let streams: OpenStreams
    private let logger: Logger
    private let nowhere: Campus

    init(
        operations: [Operation],
        authenticator: Authenticator,
        limiter: RateLimiter,
        directory: CampusDirectory,
        statistics: RequestStatistics,
        streams: OpenStreams,
        logger: Logger
    ) throws {
        table = try RouteTable(operations)
        routes = operations.map { operation in
            Route(
                operation: operation,
                reader: RequestReader(operation),
                needsCredential: operation.access.needsCredential,
                isUnsafe: operation.method != .get,
                isStream: operation.isStream,
                streamsBody: operation.body?.isStreamed ?? false
            )
        }
        self.authenticator = authenticator
        self.limiter = limiter
        self.directory = directory
        self.statistics = statistics
        self.streams = streams
        self.logger = logger
        nowhere = Campus.nowhere
    }

    /// Answers a request; never throws.
    public func respond(to request: Request, context: EdgeContext) async throws -> Response {
        let started = ContinuousClock.now
        let identity = RequestIdentity(request.headers)
        var route: Int?
        var response: Response
        do {
            let target = try self.target(of: request)
            route = target.route
            response =
                routes[target.route].isStream
                ? try await answerApart(request, identity, target) : try await answer(request, identity, target)
        } catch {
            response = refuse(error, identity, route, request)
        }
        if request.method == .head { response = response.createHeadResponse() }
        response.headers[.requestID] = identity.requestID
        let duration = ContinuousClock.now - started
        statistics.record(route: route, status: response.status.code, duration: duration)
        if logger.logLevel <= .debug { log(request, identity, route, response.status.code, duration) }
        return response
    }

    /// What a request is directed at.
    private struct Target: Sendable {
        /// Which route, by its number.
        let route: Int
        let path: Substring
        let query: Substring?
        let pathValues: [(name: String, value: String)]
    }

    private func target(of request: Request) throws(Problem) -> Target {
        let target = request.head.path ?? "/"
        guard target.utf8.count <= Self.longestTarget else {
            throw Problem(.uriTooLong, "Path and query may have \(Self.longestTarget) bytes.")
        }
        let parts = target[...].split(at: UInt8(ascii: "?"), maxSplits: 1)
        let (route, values) = try match(request.method, parts[0])
        return Target(route: route, path: parts[0], query: parts.count > 1 ? parts[1] : nil, pathValues: values)
    }

    /// Answers in a task of its own.
    ///
    /// A task keeps the memory that its calls once took until it ends. The connection's own task lasts as long as a stream does, so it had
    /// better not take the way to the answer itself: that was a third of what an open stream held.
    private func answerApart(
        _ request: Request,
        _ identity: RequestIdentity,
        _ target: Target
    ) async throws -> Response {
        async let response = answer(request, identity, target)
        return try await response
    }

    private func answer(_ request: Request, _ identity: RequestIdentity, _ target: Target) async throws -> Response {
        let access = routes[target.route].operation.access
        let (principal, campus) = try await authenticate(request, routes[target.route])
        guard campus.id != nowhere.id else { return try await answer(request, identity, target, principal, campus) }
        // Counted whatever comes of it: being refused costs us something, too.
        let allowance = try await limiter.admit(principal)
        var response: Response
        do {
            try access.check(principal)
            response = try await answer(request, identity, target, principal, campus)
        } catch {
            response = refuse(error, identity, target.route, request)
        }
        allowance.write(to: &response.headers)
        return response
    }

    private func answer(
        _ request: Request,
        _ identity: RequestIdentity,
        _ target: Target,
        _ principal: Principal,
        _ campus: Campus
    ) async throws -> Response {
        let entry = routes[target.route]
        guard entry.reader.accepts(target.pathValues) else { throw Problem.notFound }
        let input = try await entry.reader.read(request, query: target.query)
        let call = Call(
            principal: principal,
            campus: campus,
            now: try await directory.now(in: campus),
            query: input.query,
            body: input.body,
            rawBody: input.rawBody,
            lines: input.lines,
            idempotency: input.idempotencyKey.map { key in
                IdempotencyKey(
                    campus: principal.campus,
                    principal: principal.idempotencyName,
                    method: request.method.rawValue,
                    path: String(target.path),
                    key: key,
                    bodySHA256: SHA256Digest(of: input.rawBody)
                )
            },
            requestID: identity.requestID,
            trace: identity.trace,
            pathValues: target.pathValues,
            headers: request.headers,
            baseLogger: logger
        )
        if principal.key != nil, !principal.isPlatform, entry.isUnsafe { noteOnBehalf(call, entry.operation) }
        return try response(await entry.operation.handler(call), to: request, call)
    }

    private func match(
        _ method: HTTPRequest.Method,
        _ path: Substring
    ) throws(Problem) -> (index: Int, values: [(name: String, value: String)]) {
        switch table.match(method == .head ? .get : method, path) {
        case .notFound: throw .notFound
        case .methodNotAllowed(let methods):
            var names = methods.map(\.rawValue)
            if names.contains("GET") { names.append("HEAD") }
            let allowed = names.sorted().joined(separator: ", ")
            throw Problem(.methodNotAllowed, "This resource has \(allowed).", headers: [.allow: allowed])
        case .found(let operation, let values):
            if method == .head, routes[operation].isStream {
                throw Problem(.methodNotAllowed, "A stream has only GET.", headers: [.allow: "GET"])
            }
            return (operation, values)
        }
    }

    private func authenticate(_ request: Request, _ route: Route) async throws -> (principal: Principal, campus: Campus)
    {
        guard route.needsCredential, !Self.hasTicket(request, route.operation.access) else {
            return (Principal(campus: nowhere.id, actor: .system("anonymous")), nowhere)
        }
        return try await authenticator.authenticate(request.headers)
    }

    private static func hasTicket(_ request: Request, _ access: Access) -> Bool {
        guard let parameter = access.ticketParameter, request.headers[.authorization] == nil else { return false }
        return request.uri.queryParameters[Substring(parameter)] != nil
    }

    private func response(_ reply: Reply, to request: Request, _ call: Call) throws -> Response {
        var headers = reply.headers
        let status = HTTPResponse.Status(code: reply.status)
        switch reply.body {
        case .none:
            return Response(status: status, headers: headers)
        case .json(let json):
            headers[.contentType] = "application/json"
            return Response(
                status: status,
                headers: headers,
                body: ResponseBody(byteBuffer: ByteBuffer(bytes: json.serialized()))
            )
        case .bytes(let bytes):
            return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        case .stream(let stream):
            headers[.connection] = "close"
            let streamed = StreamedResponse(
                stream: stream,
                requestBody: request.body,
                open: streams,
                logger: call.logger
            )
            return Response(status: status, headers: headers, body: streamed.body)
        }
    }
}

extension Edge {
    /// The problem document of an error; what is a fault of ours is logged with all there is.
    private func refuse(
        _ error: any Error,
        _ identity: RequestIdentity,
        _ route: Int?,
        _ request: Request
    ) -> Response {
        let problem = Problem(error)
        if problem.kind.status >= 500 {
            let event: LoggedEvent = problem.kind == .unavailable ? .requestUnavailable : .requestFailed
            logger.record(
                event,
                [
                    .requestID: .string(identity.requestID), .traceID: .string(identity.trace.traceID),
                    .operation: .string(route.map { routes[$0].operation.id } ?? "unmatched"),
                ],
                error: error
            )
        }
        var headers = problem.headers
        headers[.contentType] = "application/problem+json"
        // What is still on its way of a small body is read and thrown away; of a large one, nobody waits for the rest.
        if let route, routes[route].streamsBody, !RequestReader.announcesSmallBody(request) {
            headers[.connection] = "close"
        }
        let body = ByteBuffer(bytes: problem.json(requestID: identity.requestID).serialized())
        return Response(
            status: HTTPResponse.Status(code: problem.kind.status),
            headers: headers,
            body: ResponseBody(byteBuffer: body)
        )
    }

    private func noteOnBehalf(_ call: Call, _ operation: Operation) {
        call.logger.record(
            .requestOnBehalf,
            [
                .operation: .string(operation.id), .actor: .actor(call.principal.actor),
                .keyID: .string(call.principal.key?.description ?? ""),
            ]
        )
    }

    private func log(
        _ request: Request,
        _ identity: RequestIdentity,
        _ route: Int?,
        _ status: Int,
        _ duration: Duration
    ) {
        logger.record(
            .requestServed,
            [
                .requestID: .string(identity.requestID), .traceID: .string(identity.trace.traceID),
                .method: .string(request.method.rawValue),
                .route: .string(route.map { routes[$0].operation.path } ?? "unmatched"),
                .status: .integer(status), .durationMilliseconds: .milliseconds(duration),
            ]
        )
    }
}

/// How a request is named in answers, logs, events and traces.
struct RequestIdentity: Sendable {
    let requestID: String
    let trace: Traceparent

    /// The client's own names when they are sane, new ones otherwise.
    init(_ headers: HTTPFields) {
        var generator = SystemRandomNumberGenerator()
        trace = headers[.traceparent].flatMap(Traceparent.init) ?? Traceparent(using: &generator)
        if let given = headers[.requestID], Parameter.requestID.schema.validate(.string(given)).isEmpty {
            requestID = given
        } else {
            requestID = trace.traceID
        }
    }
}

extension Campus {
    /// Stands where a request without a credential has no campus.
    static let nowhere = Campus(
        id: CampusID(high: 0, low: 0),
        code: "none",
        name: "",
        isTest: false,
        settings: CampusSettings(),
        timezone: CampusTimezone(name: "UTC", changes: [])
    )
}
