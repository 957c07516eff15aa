import AsyncHTTPClient
import Model
import NIOCore
import NIOHTTP1

/// Who a request comes from.
enum Caller: Sendable, Hashable {
    /// The platform itself.
    case platform
    /// The platform on behalf of a user, `customer:stu_1`.
    case user(String)
    /// Whoever holds this token.
    case token(String)
}

/// An answer that is not what the asker can go on with.
struct UnexpectedAnswer: Error, CustomStringConvertible {
    let request: String
    let status: Int
    let code: String
    let detail: String
    /// `Retry-After`, when the answer states one.
    var retryAfter: String?

    var description: String { "\(request) → \(status) \(code): \(detail)" }
}

/// One service as a client sees it: JSON out and in, patient with a service that is away for a moment.
///
/// What cannot have been meant for this request alone (no connection, 429, 502, 503, 504, a key still in flight) is
/// asked again with the same idempotency key until patience runs out; so nothing here happens twice.
struct ServiceClient: Sendable {
    private static let largestAnswer = 8 * 1_024 * 1_024

    let http: HTTPClient
    /// A request that one does not answer goes to the next.
    let instances: Instances
    let platformKey: String
    /// How long a service may be away before a request gives up.
    let patience: Duration
    let mishaps: Mishaps

    /// Reads; `query` values are percent-encoded here.
    func get(_ path: String, query: [(String, String)] = [], as caller: Caller = .platform) async throws -> JSON {
        try await send(.GET, path, query: query, body: nil, key: nil, as: caller)
    }

    /// Reads a list to its end, page after page.
    func pages(_ path: String, query: [(String, String)] = [], as caller: Caller = .platform) async throws -> [JSON] {
        var items: [JSON] = []
        var cursor: String?
        repeat {
            let page = try await get(path, query: query + (cursor.map { [("cursor", $0)] } ?? []), as: caller)
            items += page["items"]?.array ?? []
            cursor = page["next_cursor"]?.string
        } while cursor != nil
        return items
    }

    /// Creates or moves something, once for each `key`.
    @discardableResult
    func post(_ path: String, _ body: JSON = [:], key: String, as caller: Caller = .platform) async throws -> JSON {
        try await send(.POST, path, query: [], body: body, key: key, as: caller)
    }

    /// Takes something away; gone already is as good.
    func delete(_ path: String, as caller: Caller = .platform) async throws {
        do {
            _ = try await send(.DELETE, path, query: [], body: nil, key: nil, as: caller)
        } catch let answer as UnexpectedAnswer where answer.status == 404 {
            return
        }
    }

    /// One of the instances, whichever.
    var anyAddress: String { instances.addresses.randomElement() ?? "" }

    /// The headers that say who asks.
    func headers(for caller: Caller) -> HTTPHeaders {
        switch caller {
        case .platform: ["authorization": "Bearer \(platformKey)"]
        case .user(let actor): ["authorization": "Bearer \(platformKey)", "x-actor": actor]
        case .token(let token): ["authorization": "Bearer \(token)"]
        }
    }

    private func send(
        _ method: HTTPMethod,
        _ path: String,
        query: [(String, String)],
        body: JSON?,
        key: String?,
        as caller: Caller
    ) async throws -> JSON {
        var request = HTTPClientRequest(url: "")
        request.method = method
        request.headers = headers(for: caller)
        if let key { request.headers.add(name: "idempotency-key", value: key) }
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(body.serialized())
        }
        let name = "\(method.rawValue) \(path)"
        let clock = ContinuousClock()
        let deadline = clock.now + patience
        var pause = Duration.milliseconds(50)
        let count = instances.addresses.count
        let first = instances.first
        var turn = 0
        while true {
            let problem: any Error
            let instance = (first + turn) % count
            request.url = instances.addresses[instance] + path + Self.queryText(query)
            do {
                let answer = try await attempt(request, name: name)
                switch answer {
                case .answered(let json):
                    instances.noteAnswer(of: instance)
                    return json
                case .tryAgain(let reason): problem = reason
                }
            } catch let fault as UnexpectedAnswer {
                mishaps.note(fault)
                throw fault
            } catch is CancellationError {
                throw CancellationError()
            } catch let error as HTTPClientError where error == .cancelled {
                throw CancellationError()
            } catch {
                // Refused, reset, cut short: the service may be restarting.
                problem = error
            }
            guard clock.now + pause < deadline else { throw problem }
            mishaps.noteRepeat()
            turn += 1
            // Nobody waits before each instance has been asked once.
            guard turn % count == 0 else { continue }
            try await clock.sleep(for: pause)
            pause = min(pause * 2, .seconds(1))
        }
    }

    private enum Attempt {
        case answered(JSON)
        case tryAgain(UnexpectedAnswer)
    }

    private func attempt(_ request: HTTPClientRequest, name: String) async throws -> Attempt {
        let response = try await http.execute(request, timeout: .seconds(30))
        let bytes = try await response.body.collect(upTo: Self.largestAnswer)
        let status = Int(response.status.code)
        let json: JSON
        do {
            json = bytes.readableBytes == 0 ? .null : try JSON(parsing: [UInt8](bytes.readableBytesView))
        } catch {
            throw UnexpectedAnswer(request: name, status: status, code: "not-json", detail: String(buffer: bytes))
        }
        if (200..<300).contains(status) { return .answered(json) }
        let fault = UnexpectedAnswer(
            request: name,
            status: status,
            code: json["code"]?.string ?? "",
            detail: (json["detail"]?.string ?? "") + (json["errors"].map { " \($0.text)" } ?? ""),
            retryAfter: response.headers.first(name: "retry-after")
        )
        switch (status, fault.code) {
        case (429, _), (502, _), (503, _), (504, _), (409, "idempotency-in-flight"): return .tryAgain(fault)
        default: throw fault
        }
    }

    /// `?name=value&…`, or nothing; values are percent-encoded here.
    static func queryText(_ query: [(String, String)]) -> String {
        guard !query.isEmpty else { return "" }
        return "?" + query.map { "\($0.0)=\(Self.percentEncoded($0.1))" }.joined(separator: "&")
    }

    /// Everything but RFC 3986's unreserved characters as `%XX`.
    static func percentEncoded(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: encoded.append(byte)
            default: encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
