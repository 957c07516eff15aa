import EventLog
import Model
import Postgres
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import ServiceKit

@Suite("Background work", .timeLimit(.minutes(5)))
struct BackgroundPoolTests {
    /// When requests may let go of their connections.
    private final class End: Sendable {
        let isReached = Atomic(false)
    }

    @Test("Ticks are closed while requests have all connections, and more of them wait")
    func ticks() async throws {
        try await withDatabase { database in
            let platform = try await ProbePlatform(database, isTest: false, settings: ["DATABASE_POOL_SIZE": "1"])
            let runtime = try await platform.runtime { _ in }
            let requests = runtime.foundation.pool
            let other = try database.pool(as: .orderService)
            let end = End()
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                let group = ServiceGroup(
                    configuration: ServiceGroupConfiguration(services: [runtime.application], logger: .silent)
                )
                tasks.addTask { try await group.run() }
                for _ in 0..<20 {
                    tasks.addTask {
                        try await requests.transaction { session in
                            while !end.isReached.load(ordering: .relaxed) {
                                try session.execute("select pg_sleep(0.02)")
                            }
                        }
                    }
                }
                try await eventually("requests wait") { requests.usage.inUse == 1 && requests.usage.waiting > 10 }
                func ticks() async throws -> Int64 {
                    try await other.autocommit { try $0.one("select max(tick) from campus.tick") { try $0[0] } }
                }
                let before = try await ticks()
                let root = AnyID.make(at: SystemWallClock().now())
                let event = NewEvent(
                    type: .orderPlaced,
                    campus: platform.campus,
                    subject: root,
                    version: 1,
                    root: root,
                    actor: .system("test"),
                    at: SystemWallClock().now(),
                    payload: [:]
                )
                try await other.transaction { try EventStore(stream: .orders).append([event], in: $0) }
                try await eventually("a tick is closed", within: .seconds(10)) { try await ticks() > before }
                #expect(requests.usage.waiting > 10)
                end.isReached.store(true, ordering: .relaxed)
                try await eventually("requests are through") { requests.usage.inUse + requests.usage.waiting == 0 }
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
    }
}
