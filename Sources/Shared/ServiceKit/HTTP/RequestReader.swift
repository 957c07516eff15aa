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
            guard ContentNegotiation.isOne(of: ["application/json"], request.headers[.contentType]) else {
                throw Problem(.unsupportedMediaType, "This operation takes application/json in UTF-8.")
            }
            do {
                input.body = try JSON(parsing: bytes)
            } catch {
                throw Problem(.malformedJSON, "The body is not valid JSON: \(error.description).")
            }
            faults.append(contentsOf: schema.validate(input.body))
        }
    }

    private func collect(_ request: Request, limit: Int) async throws -> [UInt8] {
        func tooLarge() -> Problem {
            Problem(.bodyTooLarge, "The body may have \(limit) bytes.", headers: [.connection: "close"])
        }
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit { throw tooLarge() }
        do {
            let buffer = try await request.body.collect(upTo: limit)
            return Array(buffer.readableBytesView)
        } catch is NIOTooManyBytesError {
            throw tooLarge()
        } catch is HTTPParserError {
            throw Problem(
                .malformedRequest,
                "The body is not framed as HTTP/1.1 has it.",
                headers: [.connection: "close"]
            )
        } catch is SlowBody {
            throw Problem(.requestTimeout, "The body did not arrive in time.", headers: [.connection: "close"])
        }
    }

    private static func announcesBody(_ request: Request) -> Bool {
        if let length = request.headers[.contentLength] { return length != "0" }
        return request.headers[.transferEncoding] != nil
    }
}
