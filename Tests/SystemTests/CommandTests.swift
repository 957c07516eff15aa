import Foundation
import Postgres
import TestSupport
import Testing

extension SystemTests {
    @Suite("Commands")
    struct CommandTests {
        @Test("Each service explains itself and each of its commands", arguments: ServiceName.allCases)
        func explain(service: ServiceName) async throws {
            let help = try await CommandRun.of(service.rawValue, ["--help"])
            #expect(help.status == 0)
            for command in ["serve", "migrate", "campus", "key", "token", "tasks", "events"] {
                #expect(help.output.contains(command))
                let details = try await CommandRun.of(service.rawValue, [command, "--help"])
                #expect(details.status == 0)
                #expect(details.output.contains("OVERVIEW"), "\(command)")
            }
        }

        @Test(
            "A command or option that does not exist is refused with a hint",
            arguments: [["sevre"], ["serve", "--port"]]
        )
        func refuse(arguments: [String]) async throws {
            let run = try await CommandRun.of(ServiceName.order.rawValue, arguments)
            #expect(run.status != 0)
            #expect(run.errors.contains("Usage:"))
        }

        @Test(
            "A comparison that cannot be made ends differently from one that finds differences",
            arguments: [
                [], ["--date", "x", "--campus", "c", "--file", "f"], ["--colour"],
                ["--campus", "c", "--date", "2026-03-01", "--file", "/nowhere"],
            ]
        )
        func reconcile(arguments: [String]) async throws {
            let run = try await CommandRun.of(ServiceName.afterSales.rawValue, ["reconcile"] + arguments)
            #expect(run.status == 2)
            #expect(!run.errors.isEmpty)
        }

        @Test("A bad configuration is refused at once, with every fault named", arguments: ServiceName.allCases)
        func nameEveryFault(service: ServiceName) async throws {
            let run = try await CommandRun.of(
                service.rawValue,
                ["serve"],
                environment: [
                    "HTTP_PORT": "99999", "LOG_LEVEL": "loud", "DATABASE_POOL_SIZE": "many", "SHUTDOWN_TIMEOUT_S": "-1",
                ],
                atMost: .seconds(10)
            )
            #expect(run.status != 0)
            let words = run.output + run.errors
            for name in ["DATABASE_URL", "HTTP_PORT", "LOG_LEVEL", "DATABASE_POOL_SIZE", "SHUTDOWN_TIMEOUT_S"] {
                #expect(words.contains(name))
            }
        }

        @Test("Several may migrate at once, and again", .timeLimit(.minutes(2)))
        func migrateTogether() async throws {
            try await TemporaryCluster.with { cluster in
                let pool = ConnectionPool(
                    try cluster.configuration(),
                    pool: PoolConfiguration(size: 1),
                    logger: .silent
                )
                try await pool.autocommit { session in _ = try session.execute("create database campus") }
                let url = try cluster.url(database: "campus")
                for round in 1...2 {
                    try await withThrowingTaskGroup(of: CommandRun.self) { group in
                        for index in 0..<6 {
                            let service = ServiceName.allCases[index % ServiceName.allCases.count]
                            group.addTask {
                                try await CommandRun.of(
                                    service.rawValue,
                                    ["migrate"],
                                    environment: ["MIGRATION_DATABASE_URL": url]
                                )
                            }
                        }
                        for try await run in group {
                            #expect(run.status == 0, "round \(round): \(run.output)\(run.errors)")
                        }
                    }
                }
                await pool.shutdown()
            }
        }

        @Test("A service refuses a database that was never migrated, and says what to do", .timeLimit(.minutes(2)))
        func refuseUnmigrated() async throws {
            try await TemporaryCluster.with { cluster in
                let run = try await CommandRun.of(
                    ServiceName.order.rawValue,
                    ["serve"],
                    environment: ["DATABASE_URL": try cluster.url(), "HTTP_PORT": "0"],
                    atMost: .seconds(30)
                )
                #expect(run.status != 0)
                #expect((run.output + run.errors).contains("migrate"))
            }
        }
    }
}
