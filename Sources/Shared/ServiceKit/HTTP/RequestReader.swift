import HTTPTypes
import Hummingbird
import Model
import NIOCore
import NIOHTTP1

/// Reads and checks everything of a request that its operation declares.
struct RequestReader: Sendable {
    /// What was read.
    struct Input {
        var query: JSONObject = [:]
        var body: JSON = .null
        var rawBody: [UInt8] = []
        var lines: BodyLines?
        var idempotencyKey: String?
    }

    private let operation: Operation
    private let parameters: ParameterReader
    private let contentTypes: [String]

    init(_ operation: Operation) {
        self.operation = operation
        self.parameters = ParameterReader(operation)
        self.contentTypes = operation.contentTypes
    }

    /// Whether the path's values can name something.
    func accepts(_ pathValues: [(name: String, value: String)]) -> Bool {
        pathValues.isEmpty || parameters.accepts(pathValues)
    }

    /// Reads query, headers and body; throws all their faults at once.
    func read(_ request: Request, query: Substring?) async throws -> Input {
        let headers = request.headers
        guard ContentNegotiation.accepts(headers[.accept], contentTypes) else {
            let types = contentTypes.joined(separator: ", ")
            throw Problem(.notAcceptable, "This operation answers with \(types).")
        }
        var input = Input()
        var faults: [Fault] = []
        input.query = parameters.query(query, &faults)
        try parameters.headers(headers, &faults)
        if operation.isIdempotent { input.idempotencyKey = try Self.idempotencyKey(headers, &faults) }
        try await readBody(request, &input, &faults)
        guard faults.isEmpty else { throw Problem.validation(faults) }
        return input
    }

    private static func idempotencyKey(_ headers: HTTPFields, _ faults: inout [Fault]) throws(Problem) -> String {
        guard let key = headers[.idempotencyKey] else {
            throw Problem(.idempotencyKeyRequired, "Send Idempotency-Key with a value that is new for each intention.")
        }
        var collector = FaultCollector(location: .header)
        collector.descend(.name("Idempotency-Key")) { Parameter.idempotencyKey.schema.check(.string(key), &$0) }
        faults.append(contentsOf: collector.faults)
        return key
    }

    private func readBody(_ request: Request, _ input: inout Input, _ faults: inout [Fault]) async throws {
        guard let rule = operation.body else {
            // Clients that always send something get by with an empty object.
            guard Self.announcesBody(request) else { return }
            let bytes = try await collect(request, limit: BodyRule.standardLimit)
            if !bytes.isEmpty, (try? JSON(parsing: bytes)) != .object([:]) {
                faults.append(Fault("", "must be empty: this operation takes no body"))
            }
            return
        }
        if rule.isStreamed, Self.announcesBody(request) {
            try Self.checkType(request, is: BodyRule.linesType)
            let length = try Self.checkedLength(request, limit: rule.limit)
            input.lines = BodyLines(body: request.body, length: length, limit: rule.limit)
            return
        }
        let bytes = Self.announcesBody(request) ? try await collect(request, limit: rule.limit) : []
        input.rawBody = bytes
        if bytes.isEmpty {
            if rule.isRequired { faults.append(Fault("", "is missing: this operation takes a body")) }
            input.body = .object([:])
            return
        }
        switch rule.content {
        case .bytes(let types):
            guard ContentNegotiation.isOne(of: types, request.headers[.contentType]) else {
                throw Problem(.unsupportedMediaType, "This operation takes \(types.joined(separator: ", ")).")
            }
        case .json(let schema):
            try Self.checkType(request, is: "application/json")
            do {
                input.body = try JSON(parsing: bytes)
            } catch {
                throw Problem(.malformedJSON, "The body is not valid JSON: \(error.description).")
            }
            faults.append(contentsOf: schema.validate(input.body))
        case .lines: break
        }
    }

    private static func checkType(_ request: Request, is type: String) throws(Problem) {
        guard ContentNegotiation.isOne(of: [type], request.headers[.contentType]) else {
            throw Problem(.unsupportedMediaType, "This operation takes \(type) in UTF-8.")
        }
    }

    /// How long the body says it is, if it does.
    private static func checkedLength(_ request: Request, limit: Int) throws(Problem) -> Int? {
        let length = request.headers[.contentLength].flatMap { Int($0) }
        if let length, length > limit { throw .bodyTooLarge(limit: limit) }
        return length
    }

    private func collect(_ request: Request, limit: Int) async throws -> [UInt8] {
        _ = try Self.checkedLength(request, limit: limit)
        do {
            let buffer = try await request.body.collect(upTo: limit)
            return Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw Problem.bodyTooLarge(limit: limit)
        } catch {
            throw Problem.ofBody(error)
        }
    }

    /// Whether the body says that it is as small as most bodies must be.
    static func announcesSmallBody(_ request: Request) -> Bool {
        guard let length = request.headers[.contentLength].flatMap({ Int($0) }) else { return false }
        return length <= BodyRule.standardLimit
    }

    private static func announcesBody(_ request: Request) -> Bool {
        if let length = request.headers[.contentLength] { return length != "0" }
        return request.headers[.transferEncoding] != nil
    }
}

extension Problem {
    /// The body has more bytes than the operation takes.
    static func bodyTooLarge(limit: Int) -> Problem {
        Problem(.bodyTooLarge, "The body may have \(limit) bytes.", headers: [.connection: "close"])
    }

    /// The body ended before it was whole.
    static let bodyBrokenOff = Problem(
        .malformedRequest,
        "The body is not framed as HTTP/1.1 has it.",
        headers: [.connection: "close"]
    )

    /// What is said when a body cannot be read: the error itself where it is not about the body.
    static func ofBody(_ error: any Error) -> any Error {
        switch error {
        case is HTTPParserError: bodyBrokenOff
        case is SlowBody:
            Problem(.requestTimeout, "The body did not arrive in time.", headers: [.connection: "close"])
        default: error
        }
    }
}
