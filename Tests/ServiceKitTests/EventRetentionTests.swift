import Postgres
import ServiceLifecycle
import TestSupport
import Testing

@testable import ServiceKit

@Suite("How long events are kept", .timeLimit(.minutes(5)))
struct EventRetentionTests {
    @Test("A service that is told to keep three days of events drops older ones")
    func days() async throws {
        try await withDatabase { database in
            let admin = try database.pool(size: 1)
            try await admin.transaction { session in
                _ = try session.query("select campus.make_event_partitions(current_date - 10, current_date)") { _ in }
            }
            func oldest() async throws -> Int64 {
                try await admin.autocommit { session in
                    try session.one(
                        """
                        select max(timezone('UTC', now())::date - to_date(right(c.relname, 8), 'YYYYMMDD'))::bigint
                        from pg_inherits i join pg_class c on c.oid = i.inhrelid
                        where i.inhparent = 'campus.orders_event'::regclass
                        """
                    ) { try $0[0] }
                }
            }
            #expect(try await oldest() >= 10)
            let platform = try await ProbePlatform(database, isTest: false, settings: ["EVENT_RETENTION_DAYS": "3"])
            let runtime = try await platform.runtime { _ in }
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                let group = ServiceGroup(
                    configuration: ServiceGroupConfiguration(services: [runtime.application], logger: .silent)
                )
                tasks.addTask { try await group.run() }
                try await eventually("older days are gone") { try await oldest() <= 4 }
                #expect(try await oldest() >= 3)
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
    }
}
