import Foundation
import Model
import TestSupport
import Testing

@testable import CampusSimulator

extension SystemTests {
    @Suite("A lunch on real processes")
    struct LunchTests {
        @Test("Orders, money and every notification add up", .timeLimit(.minutes(5)))
        func balances() async throws {
            try await RunningPlatform.with { platform in
                let account = try await platform.lunch(orders: 60, over: 10)
                #expect(Set(account.orders.map(\.plan.story)) == Set(Story.allCases))
                #expect(account.webhookRefusals > 0)
                #expect(account.refunds.contains { $0.status == "succeeded" })
            }
        }

        @Test("They add up when every process is killed midway", .timeLimit(.minutes(6)))
        func survivesKills() async throws {
            try await RunningPlatform.with { platform in
                let account = try await platform.lunch(orders: 60, over: 15, seed: 2) { board in
                    for (index, instance) in platform.instances.enumerated() {
                        await board.waitForOrders(12 * (index + 1))
                        instance.process.signal(SIGKILL)
                        _ = await instance.process.waitForExit(atMost: .seconds(10))
                        try platform.restart(instance)
                        try await platform.waitUntilReady(instance)
                    }
                }
                // The kill of NotifyService broke every stream.
                #expect(account.streamResumes >= account.inboxes.count)
            }
        }

        @Test("They add up with two instances of each service, one of which is stopped midway", .timeLimit(.minutes(6)))
        func sharesWork() async throws {
            try await RunningPlatform.with(instances: 2) { platform in
                _ = try await platform.lunch(orders: 60, over: 12, seed: 3) { board in
                    await board.waitForOrders(25)
                    for service in ServiceName.allCases {
                        let instance = try platform.instance(of: service)
                        instance.process.signal(SIGTERM)
                        #expect(await instance.process.waitForExit(atMost: .seconds(10)) == 0)
                    }
                }
            }
        }

        @Test("PostgreSQL goes away midway: alive, not ready, 503, and on by themselves", .timeLimit(.minutes(6)))
        func survivesPostgres() async throws {
            try await RunningPlatform.with { platform in
                let account = try await platform.lunch(orders: 60, over: 15, seed: 4) { board in
                    await board.waitForOrders(25)
                    try await platform.cluster.stop()
                    for instance in platform.instances {
                        try await eventually("\(instance.service) is not ready", within: .seconds(15)) {
                            await platform.probe(instance, "/health/ready") == 503
                        }
                        #expect(await platform.probe(instance, "/health/live") == 200)
                        #expect(instance.process.exitStatus == nil)
                    }
                    try await Self.expectUnavailable(platform)
                    try await platform.cluster.start()
                    for instance in platform.instances { try await platform.waitUntilReady(instance) }
                }
                #expect(account.requestRepeats > 0)
            }
        }

        /// A request that needs the database is told to come back, and when.
        private static func expectUnavailable(_ platform: RunningPlatform) async throws {
            try await CampusAccess.with(platform.credentials, patience: .zero) { campus in
                let answer = await #expect(throws: UnexpectedAnswer.self) {
                    try await campus.order.get("/v1/orders")
                }
                #expect(answer?.status == 503)
                #expect(answer?.retryAfter != nil)
            }
        }
    }
}
