import AsyncHTTPClient
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Model
import NIOCore
import NIOHTTP1
import Synchronization
import TestSupport
import Testing

@testable import ServiceKit

@Suite("Addresses that others choose", .timeLimit(.minutes(1)))
struct PublicHTTPClientTests {
    @Test(
        "The public internet",
        arguments: [
            "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0",
            "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "2400:3200::1",
            "2606:4700::1111", "2001:200::", "64:ff9b::808:808",
        ]
    )
    func isPublic(_ text: String) throws {
        #expect(try SocketAddress(ipAddress: text, port: 443).isPublic)
    }

    @Test(
        "What is not of it",
        arguments: [
            "0.0.0.0", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.169.254",
            "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1",
            "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
            "255.255.255.255",
            "::", "::1", "::ffff:1.1.1.1", "::1.1.1.1", "64:ff9b::a00:1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1",
            "2001::1", "2001:db8::1", "2002:a00:1::", "3fff::1", "5f00::1", "fc00::1", "fd12:3456::1", "fe80::1",
            "fec0::1", "ff02::1",
        ]
    )
    func isNotPublic(_ text: String) throws {
        #expect(try !SocketAddress(ipAddress: text, port: 443).isPublic)
    }

    /// A server at 127.0.0.1 that answers with the name it was called by, and a client for which names mean what `lookup` says.
    private func serve(
        allowsLoopback: Bool = true,
        lookup: @escaping PublicHTTPClient.Lookup,
        _ body: @Sendable @escaping (_ client: PublicHTTPClient, _ port: Int, _ asked: Asked) async throws -> Void
    ) async throws {
        let asked = Asked()
        let router = Router()
        router.get("**") { request, _ in
            asked.note(request.head.authority)
            return HTTPResponse.Status.noContent
        }
        let application = Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            logger: .silent
        )
        try await application.test(.live) { server in
            var configuration = HTTPClient.Configuration()
            configuration.connectionPool.retryConnectionEstablishment = false
            let client = PublicHTTPClient(configuration, allowsLoopback: allowsLoopback, lookup: lookup)
            do {
                try await body(client, try #require(server.port), asked)
            } catch {
                await client.close()
                throw error
            }
            await client.close()
        }
    }

    /// The names that a server was called by.
    final class Asked: Sendable {
        private let all = Mutex<[String]>([])

        var names: [String] { all.withLock { $0 } }

        func note(_ name: String?) {
            all.withLock { $0.append(name ?? "") }
        }
    }

    private static func address(_ text: String) throws -> SocketAddress { try SocketAddress(ipAddress: text, port: 0) }

    @Test("A name is called at the address that was found for it, under its own name", arguments: ["hooks", "Hooks"])
    func pinned(_ label: String) async throws {
        try await serve {
            #expect($0 == "\(label).example.com")
            return [try Self.address("127.0.0.1")]
        } _: { client, port, asked in
            let request = HTTPClientRequest(url: "http://\(label).example.com:\(port)/x")
            let response = try await client.execute(request)
            #expect(response.status == .noContent)
            #expect(asked.names == ["\(label).example.com:\(port)"])
        }
    }

    @Test(
        "A name that has any address of ours is not called at all",
        arguments: [["127.0.0.1"], ["1.1.1.1", "10.0.0.1"], ["::ffff:127.0.0.1"], ["1.1.1.1", "fd00::1"]]
    )
    func refused(_ addresses: [String]) async throws {
        try await serve(allowsLoopback: false) { _ in
            try addresses.map(Self.address)
        } _: { client, port, asked in
            for host in ["hooks.example.com", "127.0.0.1", "[::1]"] {
                await #expect(throws: PublicHTTPClient.Refusal.notPublic) {
                    try await client.execute(HTTPClientRequest(url: "http://\(host):\(port)/x"))
                }
            }
            #expect(asked.names.isEmpty)
        }
    }

    @Test("A name that nobody knows is not called")
    func unresolved() async throws {
        try await serve { _ in
            []
        } _: { client, port, _ in
            await #expect(throws: PublicHTTPClient.Refusal.unresolved) {
                try await client.execute(HTTPClientRequest(url: "http://hooks.example.com:\(port)/x"))
            }
        }
    }

    @Test("What a name means a moment after it was looked up does not matter")
    func rebound() async throws {
        let lookups = Mutex(0)
        try await serve { _ in
            let isFirst = lookups.withLock { count in
                count += 1
                return count == 1
            }
            return [try Self.address(isFirst ? "127.0.0.1" : "10.0.0.1")]
        } _: { client, port, asked in
            for _ in 0..<3 {
                let request = HTTPClientRequest(url: "http://hooks.example.com:\(port)/x")
                let response = try await client.execute(request)
                #expect(response.status == .noContent)
            }
            #expect(asked.names.count == 3)
        }
    }

    @Test("An address that cannot be connected to is passed over for the next")
    func passedOver() async throws {
        try await serve { _ in
            try ["127.0.0.2", "127.0.0.1"].map(Self.address)
        } _: { client, port, _ in
            let request = HTTPClientRequest(url: "http://hooks.example.com:\(port)/x")
            let response = try await client.execute(request)
            #expect(response.status == .noContent)
        }
    }

    @Test("The system is asked for this machine's own name, and for one that does not exist")
    func system() async throws {
        #expect(try await NameLookup.addresses(of: "localhost").contains { $0.isLoopback })
        #expect(try await NameLookup.addresses(of: "nowhere.invalid").isEmpty)
    }
}
