import Foundation
import Testing

@testable import CampusSimulator

extension SystemTests {
    @Suite("Stopping")
    struct ShutdownTests {
        @Test(
            "SIGTERM midway: exit 0 within ten seconds, and streams go on exactly where they were",
            .timeLimit(.minutes(6))
        )
        func drains() async throws {
            try await RunningPlatform.with { platform in
                let account = try await platform.lunch(orders: 60, over: 15, seed: 5) { board in
                    for (index, instance) in platform.instances.enumerated() {
                        await board.waitForOrders(12 * (index + 1))
                        let start = ContinuousClock.now
                        instance.process.signal(SIGTERM)
                        #expect(await instance.process.waitForExit(atMost: .seconds(20)) == 0)
                        #expect(ContinuousClock.now - start < .seconds(10), "\(instance.service)")
                        try platform.restart(instance)
                        try await platform.waitUntilReady(instance)
                    }
                }
                #expect(account.streamResumes >= account.inboxes.count)
            }
        }

        @Test("SIGINT is as good, and stopping twice does no harm", .timeLimit(.minutes(2)))
        func takesEverySignal() async throws {
            try await RunningPlatform.with { platform in
                for instance in platform.instances {
                    instance.process.signal(SIGINT)
                    instance.process.signal(SIGTERM)
                    #expect(await instance.process.waitForExit(atMost: .seconds(10)) == 0, "\(instance.service)")
                }
            }
        }
    }
}
