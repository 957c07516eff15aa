import AsyncHTTPClient
import FoundationEssentials
import Model
import NIOCore
import ServiceLifecycle
import Synchronization

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// An HTTP client for addresses that others choose: whatever their names resolve to, it reaches the public internet and nothing of ours.
///
/// It looks a name up itself, goes no further unless every address that it has is public, and connects to one of those, so that what the
/// name means a moment later does not matter. TLS verifies the name as ever. An answer must be read within ``idleLimit``.
public final class PublicHTTPClient: Service {
    /// Why an address is not called.
    public enum Refusal: SafelyDescribedError, Hashable {
        /// The name has no address, or nobody can say.
        case unresolved
        /// The name has an address that is not of the public internet.
        case notPublic

        /// In words for whoever chose the address.
        public var description: String {
            switch self {
            case .unresolved: "the host's name cannot be resolved"
            case .notPublic: "the host has an address that is not of the public internet"
            }
        }
    }

    /// Says which addresses a name has.
    typealias Lookup = @Sendable (_ host: String) async throws -> [SocketAddress]

    /// A name and the address that stands for it; each has a client of its own, for a client pins whatever it calls.
    private struct Pin: Hashable {
        let host: String
        let address: String
    }

    private struct Found {
        let addresses: [SocketAddress]
        let at: ContinuousClock.Instant
    }

    private struct Pinned {
        let client: HTTPClient
        var usedAt: ContinuousClock.Instant
    }

    private struct State {
        var names: [String: Found] = [:]
        var clients: [Pin: Pinned] = [:]
        var isClosed = false
    }

    /// How long connections are kept for a name that is not called.
    public static let idleLimit = Duration.seconds(120)
    /// How long what was found for a name holds.
    private static let lookupLifetime = Duration.seconds(30)
    /// How many addresses of a name are tried.
    private static let mostAddresses = 3

    private let configuration: HTTPClient.Configuration
    private let allowsLoopback: Bool
    private let lookup: Lookup
    private let state = Mutex(State())

    /// A client.
    ///
    /// - Parameters:
    ///   - configuration: how each connection is made and used; redirects are not followed.
    ///   - allowsLoopback: whether this machine itself may be called: for development only.
    public convenience init(_ configuration: HTTPClient.Configuration, allowsLoopback: Bool) {
        self.init(configuration, allowsLoopback: allowsLoopback, lookup: NameLookup.addresses)
    }

    init(_ configuration: HTTPClient.Configuration, allowsLoopback: Bool, lookup: @escaping Lookup) {
        self.configuration = configuration
        self.allowsLoopback = allowsLoopback
        self.lookup = lookup
    }

    /// Sends a request; who calls bounds how long it may take.
    ///
    /// An address that cannot be connected to is passed over for the next one of the name, before anything was sent.
    ///
    /// - Throws: ``Refusal``; what `HTTPClient` throws.
    public func execute(_ request: HTTPClientRequest) async throws -> HTTPClientResponse {
        guard let host = URL(string: request.url)?.host, !host.isEmpty else { throw HTTPClientError.emptyHost }
        var failure: any Error = Refusal.unresolved
        for address in try await addresses(of: host).prefix(Self.mostAddresses) {
            do {
                return try await client(for: host, at: address).execute(request, deadline: .distantFuture)
            } catch  where Self.isUnconnected(error) {
                failure = error
            }
        }
        throw failure
    }

    /// Lets go of connections that nobody uses, until shut down.
    public func run() async throws {
        await Rounds(every: .seconds(15)) { await self.letGo(unusedFor: Self.idleLimit) }.run()
        await close()
    }

    /// Closes all connections; nothing is sent any more.
    public func close() async {
        state.withLock { $0.isClosed = true }
        await letGo(unusedFor: .zero)
    }

    /// The addresses of a host, all of them allowed.
    private func addresses(of host: String) async throws -> [SocketAddress] {
        let literal = host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : host
        let addresses: [SocketAddress]
        if let address = try? SocketAddress(ipAddress: literal, port: 0) {
            addresses = [address]
        } else if let found = state.withLock({ $0.names[host] }), ContinuousClock.now - found.at < Self.lookupLifetime {
            addresses = found.addresses
        } else {
            addresses = try await lookup(host)
            state.withLock { $0.names[host] = Found(addresses: addresses, at: .now) }
        }
        guard addresses.allSatisfy({ $0.isPublic || allowsLoopback && $0.isLoopback }) else { throw Refusal.notPublic }
        return addresses
    }

    private func client(for host: String, at address: SocketAddress) throws -> HTTPClient {
        guard let text = address.ipAddress else { throw Refusal.unresolved }
        let pin = Pin(host: host, address: text)
        return try state.withLock { state in
            if state.isClosed { throw HTTPClientError.alreadyShutdown }
            if let client = state.clients[pin]?.client {
                state.clients[pin]?.usedAt = .now
                return client
            }
            var configuration = configuration
            configuration.redirectConfiguration = .disallow
            configuration.dnsOverride = [host: text]
            let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
            state.clients[pin] = Pinned(client: client, usedAt: .now)
            return client
        }
    }

    private func letGo(unusedFor limit: Duration) async {
        let unused = state.withLock { state in
            let now = ContinuousClock.now
            let unused = state.clients.filter { now - $0.value.usedAt >= limit }
            for pin in unused.keys { state.clients[pin] = nil }
            state.names = state.names.filter { now - $0.value.at < Self.lookupLifetime }
            return unused.values.map(\.client)
        }
        for client in unused { try? await client.shutdown() }
    }

    /// Whether an attempt ended before there was a connection.
    private static func isUnconnected(_ error: any Error) -> Bool {
        switch error {
        case let error as HTTPClientError: error == .connectTimeout
        case let error as IOError: [ECONNREFUSED, EHOSTUNREACH, ENETUNREACH].contains(error.errnoCode)
        default: false
        }
    }
}
