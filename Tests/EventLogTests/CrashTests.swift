import Logging
import Model
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import EventLog

@Suite("Crashes of the server")
struct CrashTests {
    /// The newest version of each subject whose commit was answered.
    private final class Acknowledged: Sendable {
        private let state = Locked<[AnyID: Int64]>([:])

        var versions: [AnyID: Int64] { state.withLock { $0 } }
        var count: Int64 { versions.values.reduce(0, +) }

        func note(_ subject: AnyID, _ version: Int64) {
            state.withLock { $0[subject] = max($0[subject] ?? 0, version) }
        }
    }

    @Test(
        "The server crashes four times under load: what was acknowledged is stored, and handled once, in order",
        .timeLimit(.minutes(5))
    )
    func crashes() async throws {
        try await withRestartableCluster { cluster, configuration, pool in
            let writing = pool(6)
            let effects = try await Effects.make(with: pool(2))
            let subjects = (0..<30).map { _ in AnyID.new() }
            try await effects.pool.autocommit { session in
                try session.execute("insert into public.subject (id) select unnest(\(subjects))")
            }
            let listener = try Listener(configuration, channels: ["orders"], logger: .silent)
            let ticker = Ticker(pool: pool(1), logger: .silent)
            let options = ConsumerOptions(lease: .seconds(2), poll: .milliseconds(100))
            let groups = ["a", "b"].map { member in
                ConsumerGroup(
                    name: "recorder",
                    owner: .notifications,
                    streams: [.orders],
                    pool: pool(2),
                    wakeup: listener.signal(for: "orders"),
                    ticker: ticker,
                    options: options,
                    logger: .silent
                ) { session, events in try Effects.record(events, by: "recorder", member: member, in: session) }
            }
            let acknowledged = Acknowledged()
            try await running([listener, ticker] + groups) {
                let isOver = Flag()
                try await withThrowingTaskGroup(of: Void.self) { tasks in
                    for _ in 0..<6 {
                        tasks.addTask {
                            while !isOver.value, !Task.isCancelled {
                                let subject = subjects[Int.random(in: subjects.indices)]
                                do {
                                    let version = try await writing.transaction { session in
                                        try write(subject, in: session)
                                        return try session.one(
                                            "select version from public.subject where id = \(subject)"
                                        ) { try $0[0] as Int64 }
                                    }
                                    acknowledged.note(subject, version)
                                    ticker.hint()
                                } catch {
                                    // Away in the middle of it: on when the server is back.
                                    try await eventually("the server answers") {
                                        (try? await writing.autocommit { try $0.execute("select 1") }) != nil
                                    }
                                }
                            }
                        }
                    }
                    func untilManyMoreAreAcknowledged() async throws {
                        let before = acknowledged.count
                        try await eventually("fifty more are acknowledged") { acknowledged.count >= before + 50 }
                    }
                    for _ in 0..<4 {
                        try await untilManyMoreAreAcknowledged()
                        try await cluster.stopImmediately()
                        try await cluster.start()
                    }
                    try await untilManyMoreAreAcknowledged()
                    isOver.set()
                    try await tasks.waitForAll()
                }
                let stored = try await effects.appended().count
                try await eventually("all events are handled", within: .seconds(30)) {
                    try await effects.count(by: "recorder") >= stored
                }
            }
            #expect(try await effects.faults(of: "recorder") == Faults())
            let versions: [(AnyID, Int64)] = try await effects.pool.autocommit { session in
                try session.query("select root_id, max(subject_version) from campus.orders_event group by 1") {
                    (try $0[0], try $0[1])
                }
            }
            let stored = Dictionary(uniqueKeysWithValues: versions)
            let missing = acknowledged.versions.filter { $0.value > stored[$0.key] ?? 0 }
            #expect(missing.isEmpty)
        }
    }
}
