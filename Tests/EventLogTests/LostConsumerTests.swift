import Logging
import Model
import Postgres
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import EventLog

#if canImport(Glibc)
import Glibc
#elseif canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#endif

/// A consumer in a process of its own, which something happens to in the middle of a batch.
struct DoomedConsumer {
    /// What happens to it in its third batch, after its effects and before its commit.
    enum Fate: Int32, Sendable {
        case killed
        case stopped
    }

    let url: String
    let fate: Fate

    /// Consumes until it is killed, or until the table `public.stop` has a row.
    func run() async throws {
        let configuration = try ConnectionConfiguration(url: url)
        let pool = ConnectionPool(configuration, logger: .silent)
        try await pool.autocommit { session in
            try session.execute("insert into public.process (id) values (\(Int64(getpid())))")
        }
        let batches = Counter()
        let group = ConsumerGroup(
            name: "recorder",
            owner: .notifications,
            streams: [.orders],
            pool: pool,
            options: ConsumerOptions(batchLimit: 5, lease: .seconds(1), poll: .milliseconds(50)),
            logger: .silent
        ) { [fate] session, events in
            try Effects.record(events, by: "recorder", member: "doomed", in: session)
            if batches.add(1) == 3 {
                switch fate {
                case .killed: kill(getpid(), SIGKILL)
                case .stopped: kill(getpid(), SIGSTOP)
                }
            }
        }
        try await running([group]) {
            try await eventually("it may stop", within: .seconds(180)) {
                try await pool.number("select count(*) from public.stop") > 0
            }
        }
        await pool.shutdown()
    }
}

@Suite("Consumers that are lost")
struct LostConsumerTests {
    private func prepare(_ database: TestDatabase) async throws -> Effects {
        let effects = try await Effects.make(in: database)
        try await effects.pool.autocommit { session in
            try session.execute(
                script: """
                    create table public.process (id bigint);
                    create table public.stop (at timestamptz);
                    grant all on all tables in schema public to public;
                    """
            )
        }
        try await append(1...20, to: database)
        return effects
    }

    /// Appends these versions of five roots, a tick for each version.
    private func append(_ versions: ClosedRange<Int64>, to database: TestDatabase) async throws {
        let pool = try database.pool(as: .orderService)
        for version in versions {
            try await pool.append((0..<5).map { root in example(AnyID(high: 7, low: root * 3), version: version) })
            try await pool.tick()
        }
    }

    private func successor(_ database: TestDatabase) throws -> ConsumerGroup<Void> {
        recorder(try database.pool(as: .notifyService)) { session, events in
            try Effects.record(events, by: "recorder", member: "successor", in: session)
        }
    }

    @Test(
        "One is killed in the middle of a batch: another takes over, nothing is lost or done twice",
        .timeLimit(.minutes(5))
    )
    func killed() async throws {
        try await withDatabase { database in
            let effects = try await prepare(database)
            let url = database.url(as: .notifyService)
            await #expect(processExitsWith: .signal(SIGKILL)) { [url = url as String] in
                try await DoomedConsumer(url: url, fate: .killed).run()
            }
            let done = try await effects.count(by: "recorder")
            #expect(done > 0 && done < 100)
            try await running([try successor(database)]) {
                try await eventually("the other has done the rest") { try await effects.count(by: "recorder") == 100 }
            }
            #expect(try await effects.faults(of: "recorder") == Faults())
        }
    }

    @Test("One is stopped past its lease and goes on then: it was replaced, and does no harm", .timeLimit(.minutes(5)))
    func stopped() async throws {
        try await withDatabase { database in
            let effects = try await prepare(database)
            let url = database.url(as: .notifyService)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask {
                    await #expect(processExitsWith: .success) { [url = url as String] in
                        try await DoomedConsumer(url: url, fate: .stopped).run()
                    }
                }
                try await eventually("it has begun", within: .seconds(30)) {
                    try await effects.count(by: "recorder") > 0
                }
                let process = try await effects.pool.number("select id from public.process")
                do {
                    try await running([try successor(database)]) {
                        try await eventually("the other has done everything", within: .seconds(60)) {
                            try await effects.count(by: "recorder") == 100
                        }
                        kill(pid_t(process), SIGCONT)
                        try await append(21...30, to: database)
                        try await eventually("what comes later is done too", within: .seconds(60)) {
                            try await effects.count(by: "recorder") == 150
                        }
                        try await effects.pool.autocommit { session in
                            try session.execute("insert into public.stop values (now())")
                        }
                    }
                } catch {
                    // Stopped as it is it would never end.
                    kill(pid_t(process), SIGKILL)
                    throw error
                }
                try await tasks.waitForAll()
            }
            #expect(try await effects.faults(of: "recorder") == Faults())
            let members = Set(try await effects.all(by: "recorder").map(\.member))
            #expect(members.contains("successor"))
        }
    }
}
