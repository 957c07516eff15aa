import Hummingbird
import Logging
import Model
import NIOCore
import TestSupport
import Testing

@testable import CampusSimulator

@Suite("A client of a service")
struct ServiceClientTests {
    @Test("An instance that is gone is asked once, and nobody waits for it", .timeLimit(.minutes(1)))
    func leavesGoneInstance() async throws {
        let closed = try FreePort.take()
        try await Self.serving { port in
            let addresses = ["http://127.0.0.1:\(closed)", "http://127.0.0.1:\(port)"]
            let credentials = Credentials(
                addresses: Credentials.Addresses(order: addresses, afterSales: addresses, notify: addresses),
                campus: "north",
                platformKey: "ck_1",
                tokens: [:]
            )
            try await CampusAccess.with(credentials) { campus in
                let start = ContinuousClock.now
                for _ in 0..<20 {
                    let answer = try await campus.order.get("/answer")
                    #expect(answer == ["is": 42])
                }
                #expect(ContinuousClock.now - start < .seconds(2))
                #expect(campus.mishaps.repeats == 1)
                #expect(campus.mishaps.unexpected.isEmpty)
            }
        }
    }

    /// Serves `{"is":42}` at `/answer` while `body` runs.
    private static func serving(_ body: (Int) async throws -> Void) async throws {
        let router = Router()
        router.get("answer") { _, _ in #"{"is":42}"# }
        let port = Watched<Int?>(nil)
        let application = Application(
            router: router,
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { channel in port.update { $0 = channel.localAddress?.port } },
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await application.run() }
            #expect(await port.wait(atMost: .seconds(10)) { $0 != nil })
            try await body(try #require(port.value))
            group.cancelAll()
        }
    }
}
