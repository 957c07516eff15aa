import AsyncHTTPClient
import FoundationEssentials
import HTTPTypes
import Model
import NIOCore
import NIOHTTP1
import ServiceKit

/// Makes the requests.
///
/// One deadline spans name resolution, connection, headers and body. Redirects are answers like any other. What is read of an answer
/// is bounded, and never unpacked.
struct WebhookSender: Sendable {
    /// The longest an attempt may take.
    static let deadline = Duration.seconds(15)
    /// How many bytes of an answer are read.
    static let responseLimit = 16_384

    private let client: PublicHTTPClient
    private let clock: any WallClock
    private let deadline: Duration

    /// A sender through `client`.
    init(client: PublicHTTPClient, clock: any WallClock, deadline: Duration = Self.deadline) {
        self.client = client
        self.clock = clock
        self.deadline = deadline
    }

    /// How the client must be set up to send so many requests at once.
    static func clientConfiguration(concurrency: Int) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            timeout: HTTPClient.Configuration.Timeout(connect: .seconds(5)),
            decompression: .disabled
        )
        configuration.connectionPool.idleTimeout = .seconds(30)
        configuration.connectionPool.retryConnectionEstablishment = false
        // Endpoints are kept apart by the queue. Here those of one host would wait for each other.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = concurrency
        configuration.httpVersion = .http1Only
        return configuration
    }

    /// Signs `body` as of now and sends it; never throws, because every ending is an outcome.
    func send(
        _ body: [UInt8],
        id: String,
        trace: String?,
        to url: String,
        secrets: [WebhookSecret]
    ) async -> WebhookAttempt {
        let begun = clock.now()
        let stopwatch = ContinuousClock.now
        let signature = WebhookSignature(id: id, at: begun, body: body, secrets: secrets)
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers = [
            "content-type": "application/json",
            "user-agent": "campus-webhooks/1",
            "webhook-id": signature.id,
            "webhook-timestamp": signature.timestamp,
            "webhook-signature": signature.signatures,
        ]
        if let trace { request.headers.add(name: "traceparent", value: trace) }
        request.body = .bytes(ByteBuffer(bytes: body))
        let ending = await ending(of: request)
        let latency = ContinuousClock.now - stopwatch
        switch ending {
        case .answer(let status, let retryAfter, let body):
            return WebhookAttempt(
                attemptedAt: begun,
                latency: latency,
                outcome: status == 410 ? .gone : (200...299).contains(status) ? .delivered : .refused,
                httpStatus: status,
                error: nil,
                responseExcerpt: ResponseExcerpt.make(body),
                retryAfter: retryAfter.flatMap { RetryAfter.parse($0, now: clock.now()) }
            )
        case .failure(let words, let isTimeout):
            return WebhookAttempt(
                attemptedAt: begun,
                latency: latency,
                outcome: isTimeout ? .timedOut : .failed,
                httpStatus: nil,
                error: words,
                responseExcerpt: nil,
                retryAfter: nil
            )
        }
    }

    private enum Ending: Sendable {
        case answer(status: Int, retryAfter: String?, body: [UInt8])
        case failure(String, isTimeout: Bool)
    }

    private func ending(of request: HTTPClientRequest) async -> Ending {
        let deadline = ContinuousClock.now + deadline
        let answer: HTTPClientResponse
        switch await withDeadline(deadline, { try await client.execute(request) }) {
        case .success(let response): answer = response
        case .failure(let error): return Self.failure(error)
        }
        // The status decides; a body that does not end in time only goes unread.
        let excerpt = await withDeadline(deadline) {
            var bytes: [UInt8] = []
            for try await buffer in answer.body {
                bytes += buffer.readableBytesView.prefix(Self.responseLimit - bytes.count)
                if bytes.count >= Self.responseLimit { break }
            }
            return bytes
        }
        return .answer(
            status: Int(answer.status.code),
            retryAfter: answer.headers.first(name: "retry-after"),
            body: (try? excerpt.get()) ?? []
        )
    }

    private func withDeadline<Value: Sendable>(
        _ deadline: ContinuousClock.Instant,
        _ work: @escaping @Sendable () async throws -> Value
    ) async -> Result<Value, any Error> {
        await withTaskGroup(of: Result<Value, any Error>.self) { group in
            group.addTask {
                do { return .success(try await work()) } catch { return .failure(error) }
            }
            group.addTask {
                try? await Task.sleep(until: deadline, clock: .continuous)
                return .failure(HTTPClientError.deadlineExceeded)
            }
            defer { group.cancelAll() }
            return await group.next() ?? .failure(CancellationError())
        }
    }

    private static func failure(_ error: any Error) -> Ending {
        let timeouts: [HTTPClientError] = [
            .deadlineExceeded, .connectTimeout, .readTimeout, .writeTimeout, .tlsHandshakeTimeout,
        ]
        if let error = error as? HTTPClientError {
            return .failure(error.shortDescription, isTimeout: timeouts.contains(error))
        }
        return .failure(ResponseExcerpt.cleaned("\(error)", limit: 200), isTimeout: false)
    }
}

/// The `Retry-After` header (RFC 9110 §10.2.3).
enum RetryAfter {
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// How long to wait: whole seconds, or the time until a date in the preferred format; nil for anything else.
    static func parse(_ text: String, now: Timestamp) -> Duration? {
        if text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let seconds = UInt32(text) {
            return .seconds(Int64(seconds))
        }
        // For example `Sun, 06 Nov 1994 08:49:37 GMT`.
        let parts = text.split(separator: " ")
        guard parts.count == 6, parts[5] == "GMT", let month = months.firstIndex(of: String(parts[2])) else {
            return nil
        }
        let monthNumber = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp(rfc3339: "\(parts[3])-\(monthNumber)-\(parts[1])T\(parts[4])Z").map {
            max(.zero, $0.duration(since: now))
        }
    }
}
