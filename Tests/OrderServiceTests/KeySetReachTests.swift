import HTTPTypes
import Model
import NIOCore
import TestSupport
import Testing

@testable import OrderService
@testable import ServiceKit

@Suite("Where key sets are fetched from", .timeLimit(.minutes(1)))
struct KeySetReachTests {
    private func fetch(_ url: String, allowsLoopback: Bool) async -> KeySetClient.Answer {
        let connections = PublicHTTPClient(KeySetClient.configuration, allowsLoopback: allowsLoopback) { _ in
            [try SocketAddress(ipAddress: "127.0.0.1", port: 0)]
        }
        let set = KeySet(
            id: KeySetID(high: 1, low: 1),
            campus: CampusID(high: 1, low: 1),
            url: url,
            createdAt: Timestamp(microseconds: 0),
            revokedAt: nil,
            fetchedAt: nil,
            failures: 0,
            fault: nil,
            etag: nil
        )
        let answer = await KeySetClient(connections).fetch(set)
        await connections.close()
        return answer
    }

    @Test("A name that means a host of ours is not asked, and whoever named it cannot tell that from one that is away")
    func inside() async throws {
        try await KeySetPublisher.run([SigningKey(kid: "k")]) { publisher in
            let url = "http://login.example.com:\(publisher.port)/jwks"
            guard case .changed = await fetch(url, allowsLoopback: true).outcome else {
                Issue.record("The name does not mean the publisher")
                return
            }
            #expect(publisher.asked == 1)
            var faults: Set<String> = []
            var details: Set<String?> = []
            let refused = await fetch(url, allowsLoopback: false)
            let away = await fetch("http://login.example.com:1/jwks", allowsLoopback: true)
            publisher.publish([]) { $0.status = .notFound }
            let other = await fetch(url, allowsLoopback: true)
            for answer in [refused, away, other] {
                if case .failed(let fault) = answer.outcome { faults.insert(fault) }
                details.insert(answer.detail)
            }
            #expect(faults == ["it could not be fetched"])
            #expect(details.count == 3)
            #expect(refused.detail == "the host has an address that is not of the public internet")
            #expect(publisher.asked == 2)
        }
    }
}
