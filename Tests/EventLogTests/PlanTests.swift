import Foundation
import Model
import Postgres
import TestSupport
import Testing

@testable import EventLog

/// Plans are read from the server, for functions with the settings that they run with.
@Suite("Plans")
struct PlanTests {
    /// The plan of a statement in a function's body, made as the function makes it, with these values of its parameters.
    private func explain(
        ofFunction name: String,
        settings: [String],
        statement pattern: String,
        types: String,
        arguments: String,
        in session: borrowing Session
    ) throws -> [String] {
        let body: String = try session.one(
            "select prosrc from pg_proc where pronamespace = 'campus'::regnamespace and proname = \(name)"
        ) { try $0[0] }
        let names: [String] = try session.one(
            "select proargnames[1:pronargs] from pg_proc where pronamespace = 'campus'::regnamespace and proname = \(name)"
        ) { try $0[0] }
        let start = try #require(body.range(of: pattern)).lowerBound
        let end = try #require(body[start...].firstIndex(of: ";"))
        var statement = String(body[start..<end])
        // The statement may stand in parentheses.
        if statement.count(where: { $0 == ")" }) > statement.count(where: { $0 == "(" }),
            let last = statement.lastIndex(of: ")")
        {
            statement = String(statement[..<last])
        }
        for (index, parameter) in names.enumerated() {
            statement = statement.replacing(try Regex("\\b\(parameter)\\b"), with: "$\(index + 1)")
        }
        try session.execute(script: "set plan_cache_mode = force_generic_plan;")
        for setting in settings { try session.execute(script: "set \(setting) = off;") }
        try session.execute(script: "prepare probe (\(types)) as \(statement)")
        return try session.query(
            SQL(stringLiteral: "explain (analyze, costs off, timing off) execute probe (\(arguments))")
        ) {
            try $0[0]
        }
    }

    /// A connection that may take its time to fill tables.
    private func patientPool(_ database: TestDatabase) throws -> ConnectionPool {
        var configuration = try database.configuration()
        configuration.statementTimeout = .seconds(60)
        return database.pool(configuration, PoolConfiguration(size: 1))
    }

    /// Events of yesterday and today among forty days of partitions, nothing of it analyzed.
    private func fortyDays(_ database: TestDatabase) async throws -> ConnectionPool {
        let admin = try database.pool(size: 1)
        try await admin.transaction { session in
            try session.execute(
                "select count(*) from campus.make_event_partitions(current_date - 35, current_date + 4)"
            )
        }
        let pool = try database.pool(as: .orderService)
        for _ in 0..<20 {
            try await pool.append((0..<100).map { _ in example() })
            try await pool.tick()
        }
        return admin
    }

    @Test("A batch reads one or two of forty partitions, by index, although nothing was analyzed")
    func batch() async throws {
        try await withDatabase { database in
            let admin = try await fortyDays(database)
            let plan = try await admin.autocommit { session in
                let window = try #require(
                    try TickStore().window(
                        after: try TickStore().newestNumber(in: session) - 2,
                        maximumTicks: 50,
                        in: session
                    )
                )
                return try explain(
                    ofFunction: "orders_events_between",
                    settings: ["enable_seqscan"],
                    statement: "with passed",
                    types: "pg_snapshot, pg_snapshot, timestamptz, smallint[], uuid, integer",
                    arguments:
                        "'\(window.earlier)', '\(window.later)', campus.snapshot_floor('\(window.earlier)'), null, null, 500",
                    in: session
                )
            }
            try expectPruned(plan, index: "_xid_idx")
        }
    }

    @Test("So does a look for what moved")
    func moved() async throws {
        try await withDatabase { database in
            let admin = try await fortyDays(database)
            let plan = try await admin.autocommit { session in
                let window = try #require(
                    try TickStore().window(
                        after: try TickStore().newestNumber(in: session) - 2,
                        maximumTicks: 50,
                        in: session
                    )
                )
                return try explain(
                    ofFunction: "orders_last_event",
                    settings: ["enable_seqscan"],
                    statement: "select max(passed.id)",
                    types: "pg_snapshot, pg_snapshot, timestamptz",
                    arguments: "'\(window.earlier)', '\(window.later)', campus.snapshot_floor('\(window.earlier)')",
                    in: session
                )
            }
            try expectPruned(plan, index: "_xid_idx")
        }
    }

    @Test("A part of a large tick is read along the ids, not found among the whole of it")
    func part() async throws {
        try await withDatabase { database in
            let admin = try await fortyDays(database)
            let plan = try await admin.autocommit { session in
                let window = try #require(
                    try TickStore().window(
                        after: try TickStore().newestNumber(in: session) - 2,
                        maximumTicks: 1,
                        in: session
                    )
                )
                return try explain(
                    ofFunction: "orders_events_within",
                    settings: ["enable_seqscan", "enable_bitmapscan"],
                    statement: "select e.*",
                    types: "pg_snapshot, pg_snapshot, timestamptz, smallint[], uuid, bigint, bigint, integer",
                    arguments: """
                        '\(window.earlier)', '\(window.later)', campus.snapshot_floor('\(window.earlier)'), null, null, 0, 100000, 10
                        """,
                    in: session
                )
            }
            try expectPruned(plan, index: "_pkey")
            #expect(!plan.contains { $0.contains("Sort Method") }, "\(plan.joined(separator: "\n"))")
        }
    }

    private func expectPruned(_ plan: [String], index: String) throws {
        let scanned = Set(
            plan.filter { !$0.contains("never executed") }
                .compactMap { $0.firstMatch(of: /on (orders_event_\d+)/).map { String($0.1) } }
                .map { String($0.prefix(21)) }
        )
        let removed = plan.compactMap { $0.firstMatch(of: /Subplans Removed: (\d+)/).flatMap { Int($0.1) } }.max() ?? 0
        #expect(!plan.contains { $0.contains("Seq Scan") }, "\(plan.joined(separator: "\n"))")
        #expect(plan.contains { $0.contains(index) }, "\(plan.joined(separator: "\n"))")
        #expect(removed >= 30, "\(plan.joined(separator: "\n"))")
        #expect(scanned.count <= 10, "\(plan.joined(separator: "\n"))")
    }

    @Test("The whole batch takes no longer at forty partitions than a few milliseconds")
    func batchTime() async throws {
        try await withDatabase { database in
            _ = try await fortyDays(database)
            let pool = try database.pool(as: .orderService)
            let fastest = try await pool.transaction { session in
                let ticks = TickStore()
                let window = try #require(
                    try ticks.window(after: try ticks.newestNumber(in: session) - 1, maximumTicks: 50, in: session)
                )
                let source = ticks.between(window, [.orders], EventFilter(), atMost: 500)
                return try (0..<10).map { _ in
                    let start = ContinuousClock.now
                    let count = try ticks.events(source, atMost: 500, in: session).count
                    #expect(count == 100)
                    return ContinuousClock.now - start
                }.min() ?? .seconds(1)
            }
            #expect(fastest < .milliseconds(20))
        }
    }

    @Test("A claim touches heads of lanes only: a hundred thousand blocked tasks cost nothing")
    func claim() async throws {
        try await withDatabase { database in
            let admin = try patientPool(database)
            let store = TaskStore(owner: .notifications)
            try await admin.autocommit { session in
                try session.execute(
                    script: """
                        insert into campus.notifications_task (
                            queue, destination, order_key, dedupe_key, campus_id, payload, run_at, max_attempts, holds_lane_when_dead
                        )
                        select 'webhook', 'd' || n % 10, 'k' || n % 40, n::text, gen_random_uuid(), '{}', now(), 5, false
                        from generate_series(1, 100000) n;
                        insert into campus.notifications_lane (queue, destination, lane, head, ready_at)
                        select queue, destination, lane, min(id), now() from campus.notifications_task group by 1, 2, 3;
                        """
                )
            }
            let request = ClaimRequest(
                queue: "webhook",
                worker: "w",
                lease: .seconds(30),
                limit: 16,
                limitPerDestination: 4,
                inHand: ["d1": 3],
                after: ""
            )
            let (plan, buffers, time, claimed) = try await admin.transaction { session in
                try session.execute(TaskStore.planSettings)
                let explain: SQL = "explain (analyze, buffers, costs off, timing off) \(store.claimStatement(request))"
                let plan: [String] = try session.query(explain) { try $0[0] }
                let buffers = plan.first { $0.contains("Buffers:") }?.firstMatch(of: /shared hit=(\d+)/).flatMap {
                    Int($0.1)
                }
                let start = ContinuousClock.now
                let claimed = try store.claim(request, in: session)
                return (plan, buffers, ContinuousClock.now - start, claimed)
            }
            #expect(!plan.contains { $0.contains("Seq Scan") }, "\(plan.joined(separator: "\n"))")
            #expect(try #require(buffers) < 2_000, "\(plan.joined(separator: "\n"))")
            #expect(time < .milliseconds(50))
            #expect(claimed.count == 16)
            #expect(Set(claimed.map(\.lane)).count == 16)
        }
    }

    @Test("Looking for due timers reads those that are due, not those that wait")
    func timers() async throws {
        try await withDatabase { database in
            let admin = try patientPool(database)
            try await admin.autocommit { session in
                try session.execute(
                    script: """
                        insert into campus.orders_timer (subject_id, kind, campus_id, due_at, payload)
                        select gen_random_uuid(), 'k', ('00000000-0000-0000-0000-00000000000' || n % 5)::uuid,
                            now() + (n - 20) * interval '1 second', 'null'
                        from generate_series(1, 50000) n;
                        """
                )
            }
            let store = TimerStore(owner: .orders)
            let plan = try await admin.transaction { session in
                try session.execute(TaskStore.planSettings)
                let explain: SQL =
                    "explain (analyze, buffers, costs off, timing off) \(store.dueStatement(atMost: 200, for: .seconds(5)))"
                return try session.query(explain) { try $0[0] as String }
            }
            let buffers = plan.first { $0.contains("Buffers:") }?.firstMatch(of: /shared hit=(\d+)/).flatMap {
                Int($0.1)
            }
            #expect(!plan.contains { $0.contains("Seq Scan on orders_timer") }, "\(plan.joined(separator: "\n"))")
            #expect(try #require(buffers) < 1_000, "\(plan.joined(separator: "\n"))")
        }
    }
}
