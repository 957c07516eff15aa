import Logging
import Model
import Postgres
import TestSupport
import Testing

@testable import EventLog

@Suite("Notifications that are lost")
struct LostNotificationTests {
    private func group(_ database: TestDatabase, _ listener: Listener, poll: Duration) throws -> ConsumerGroup<Void> {
        ConsumerGroup(
            name: "recorder",
            owner: .notifications,
            streams: [.orders],
            pool: try database.pool(as: .notifyService),
            wakeup: listener.signal(for: "orders"),
            options: ConsumerOptions(lease: .seconds(30), poll: poll),
            logger: .silent
        ) { session, events in try Effects.record(events, by: "recorder", in: session) }
    }

    private func append(_ database: TestDatabase, count: Int) async throws {
        let pool = try database.pool(as: .orderService, size: 1)
        for _ in 0..<count {
            try await pool.append([example()])
            try await pool.tick()
        }
    }

    @Test("Backends that listen are terminated again and again: the consumer goes on, without waiting for its poll")
    func terminated() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let listener = try Listener(
                try database.configuration(as: .notifyService),
                channels: ["orders"],
                options: Listener.Options(backoff: .milliseconds(20), maximumBackoff: .milliseconds(100)),
                logger: .silent
            )
            try await running([listener, try group(database, listener, poll: .seconds(60))]) {
                for round in 1...4 {
                    try await effects.pool.autocommit { session in
                        try session.execute(
                            """
                            select pg_terminate_backend(pid) from pg_stat_activity
                            where datname = current_database() and query ilike 'listen%'
                            """
                        )
                    }
                    try await append(database, count: 5)
                    try await eventually("round \(round) is handled") {
                        try await effects.count(by: "recorder") == round * 5
                    }
                }
            }
            #expect(try await effects.faults(of: "recorder") == Faults())
        }
    }

    @Test("A dead link to the server is noticed: the listener connects anew, and nothing waits for the poll")
    func deadLink() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            try await HalfOpenProxy.with(database) { proxy in
                let listener = try Listener(
                    try proxy.configuration(database, as: .notifyService),
                    channels: ["orders"],
                    options: Listener.Options(
                        livenessInterval: .milliseconds(200),
                        livenessDeadline: .milliseconds(200),
                        backoff: .milliseconds(20),
                        maximumBackoff: .milliseconds(100)
                    ),
                    logger: .silent
                )
                try await running([listener, try group(database, listener, poll: .seconds(60))]) {
                    try await append(database, count: 1)
                    try await eventually("the link works") { try await effects.count(by: "recorder") == 1 }
                    let connections = proxy.acceptedCount
                    proxy.behave(.blackHole)
                    try await append(database, count: 3)
                    try await eventually("the dead link is noticed") { proxy.acceptedCount > connections }
                    proxy.behave(.forward)
                    try await eventually("what came meanwhile is handled") {
                        try await effects.count(by: "recorder") == 4
                    }
                }
            }
            #expect(try await effects.faults(of: "recorder") == Faults())
        }
    }

    @Test("While there is no way to listen, the poll stands in")
    func poll() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            try await HalfOpenProxy.with(database) { proxy in
                proxy.behave(.blackHole)
                let listener = try Listener(
                    try proxy.configuration(database, as: .notifyService),
                    channels: ["orders"],
                    logger: .silent
                )
                try await running([listener, try group(database, listener, poll: .milliseconds(300))]) {
                    try await append(database, count: 1)
                    let start = ContinuousClock.now
                    try await eventually("it is handled") { try await effects.count(by: "recorder") == 1 }
                    #expect(ContinuousClock.now - start < .seconds(3))
                    proxy.cut()
                }
            }
        }
    }
}
