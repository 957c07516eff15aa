import AsyncHTTPClient
import FoundationEssentials
import Model
import NIOCore
import NIOHTTP1
import ServiceKit

/// Fetches key sets from identity providers.
///
/// What is read is bounded in time and size, redirects are not followed, and a set that was fetched before is asked for by its entity
/// tag, so that most answers are a 304. Whoever named an address is told whether a set came from there and what is wrong with it, but
/// not how the fetch failed: that is for our log.
struct KeySetClient: Sendable {
    /// What a provider answered, and how long it says that holds.
    struct Answer: Sendable {
        let outcome: KeySetFetch
        var maxAge: Duration?
        /// What only our log says of a failure.
        var detail: String?

        /// Nothing that can be used.
        static func failed(_ reason: String) -> Answer {
            Answer(outcome: .failed(String(reason.prefix(200))))
        }

        /// Nothing that looks like a set.
        static func unfetched(_ detail: String) -> Answer {
            Answer(outcome: .failed("it could not be fetched"), detail: String(detail.prefix(200)))
        }
    }

    /// The longest an attempt may take.
    static let deadline = Duration.seconds(10)

    private let client: PublicHTTPClient
    private let deadline: Duration

    /// Fetches through that client.
    init(_ client: PublicHTTPClient, deadline: Duration = Self.deadline) {
        self.client = client
        self.deadline = deadline
    }

    /// How the client must be set up.
    static var configuration: HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration(
            timeout: HTTPClient.Configuration.Timeout(connect: .seconds(5)),
            decompression: .disabled
        )
        configuration.connectionPool.idleTimeout = .seconds(10)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        return configuration
    }

    /// Asks for a set; never throws, because every ending is an answer.
    func fetch(_ set: KeySet) async -> Answer {
        let deadline = deadline
        return await withTaskGroup(of: Answer.self) { group in
            group.addTask { await ask(set) }
            group.addTask {
                try? await Task.sleep(for: deadline)
                return .unfetched("it did not answer within \(deadline)")
            }
            defer { group.cancelAll() }
            return await group.next() ?? .unfetched("it was not asked")
        }
    }

    private func ask(_ set: KeySet) async -> Answer {
        var request = HTTPClientRequest(url: set.url)
        request.headers = [
            "accept": "application/jwk-set+json, application/json", "user-agent": "campus-key-sets/1",
        ]
        if let etag = set.etag { request.headers.add(name: "if-none-match", value: etag) }
        do {
            let response = try await client.execute(request)
            let maxAge = CacheControl.maxAge(response.headers)
            switch response.status {
            case .notModified where set.etag != nil:
                return Answer(outcome: .unchanged, maxAge: maxAge)
            case .ok:
                let etag = response.headers.first(name: "etag").flatMap { $0.utf8.count <= 256 ? $0 : nil }
                let bytes = try await response.body.collect(upTo: JWKS.byteLimit)
                let jwks = try JWKS(published: try JSON(parsing: Array(bytes.readableBytesView)))
                return Answer(outcome: .changed(jwks, etag: etag), maxAge: maxAge)
            default:
                return .unfetched("it answered \(response.status.code)")
            }
        } catch let error as InvalidVerificationKey {
            return .failed(error.reason)
        } catch is JSONSyntaxError {
            return .failed("it did not answer with JSON")
        } catch is NIOTooManyBytesError {
            return .failed("it answered with more than \(JWKS.byteLimit) bytes")
        } catch let error as HTTPClientError {
            return .unfetched(error.shortDescription)
        } catch let refusal as PublicHTTPClient.Refusal {
            return .unfetched(refusal.description)
        } catch {
            return .unfetched("it cannot be reached")
        }
    }
}

/// The `Cache-Control` header (RFC 9111 §5.2.2), as far as it says how long an answer holds.
enum CacheControl {
    /// How long; zero where nothing may be kept, nil where nothing is said.
    static func maxAge(_ headers: HTTPHeaders) -> Duration? {
        var age: Duration?
        for directive in headers[canonicalForm: "cache-control"] {
            let words = directive.lowercased()
            if words == "no-store" || words == "no-cache" { return .zero }
            guard words.hasPrefix("max-age="), let seconds = UInt32(words.dropFirst(8)) else { continue }
            age = .seconds(Int64(seconds))
        }
        return age
    }
}
