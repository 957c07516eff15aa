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
        variables: [String: String] = [:],
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
        for (name, value) in variables { statement = statement.replacing(try Regex("\\b\(name)\\b"), with: value) }
        try session.execute(script: "set plan_cache_mode = force_generic_plan;")
        for setting in settings { try session.execute(script: "set \(setting) = off;") }
        try session.execute(script: "prepare probe (\(types)) as \(statement)")
        let plan: [String] = try session.query(
            SQL(stringLiteral: "explain (analyze, buffers, costs off, timing off) execute probe (\(arguments))")
        ) {
            try $0[0]
        }
        try session.execute(script: "deallocate probe; reset plan_cache_mode;")
        for setting in settings { try session.execute(script: "reset \(setting);") }
        return plan
    }

    /// A statement inside a function, to be explained with a window of two ticks.
    private struct Probe {
        let function: String
        let settings: [String]
        let statement: String
        let types: String
        let moreArguments: String
        let index: String
    }

    private static let probes = [
        Probe(
            function: "orders_events_between",
            settings: ["enable_seqscan"],
            statement: "with passed",
            types: "pg_snapshot, pg_snapshot, timestamptz, smallint[], uuid, integer",
            moreArguments: ", null, null, 500",
            index: "_xid_idx"
        ),
        Probe(
            function: "orders_last_event",
            settings: ["enable_seqscan"],
            statement: "select max(passed.id)",
            types: "pg_snapshot, pg_snapshot, timestamptz",
            moreArguments: "",
            index: "_xid_idx"
        ),
        Probe(
            function: "orders_events_within",
            settings: ["enable_seqscan", "enable_bitmapscan"],
            statement: "select e.*",
            types: "pg_snapshot, pg_snapshot, timestamptz, smallint[], uuid, bigint, bigint, integer",
            moreArguments: ", null, null, 0, 100000, 10",
            index: "_pkey"
        ),
    ]

    @Test("Of forty partitions a batch reads one or two, by index, although nothing was analyzed")
    func fortyPartitions() async throws {
        try await withDatabase { database in
            let admin = try database.patientPool()
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
            for probe in Self.probes {
                let plan = try await admin.autocommit { session in
                    let newest = try TickStore().newest(in: session).number
                    let window = try #require(try TickStore().window(after: newest - 2, maximumTicks: 1, in: session))
                    let (earlier, later) = (window.earlierSnapshot, window.laterSnapshot)
                    let snapshots = "'\(earlier)', '\(later)', campus.snapshot_floor('\(earlier)')"
                    return try explain(
                        ofFunction: probe.function,
                        settings: probe.settings,
                        statement: probe.statement,
                        types: probe.types,
                        arguments: snapshots + probe.moreArguments,
                        in: session
                    )
                }
                expectPruned(plan, index: probe.index)
                #expect(!plan.contains { $0.contains("Sort Method") } || probe.index != "_pkey")
            }
            try await expectQuick(pool)
        }
    }

    private func expectPruned(_ plan: [String], index: String) {
        let text = plan.joined(separator: "\n")
        let removed = plan.compactMap { $0.firstMatch(of: /Subplans Removed: (\d+)/).flatMap { Int($0.1) } }.max() ?? 0
        #expect(!plan.contains { $0.contains("Seq Scan") }, "\(text)")
        #expect(plan.contains { $0.contains(index) }, "\(text)")
        #expect(removed >= 30, "\(text)")
    }

    /// The fastest of some runs says what the plan costs, however busy the machine is.
    private func expectQuick(_ pool: ConnectionPool) async throws {
        let batch = try await pool.transaction { session in
            let newest = try TickStore().newest(in: session).number
            return try (0..<10).map { _ in
                let start = ContinuousClock.now
                let found = try TickStore().next(
                    after: newest - 1,
                    ceiling: .max,
                    maximumTicks: 50,
                    [.orders],
                    EventFilter(),
                    atMost: 500,
                    in: session
                )
                #expect(found.events.count == 100)
                return ContinuousClock.now - start
            }.min()
        }
        #expect(try #require(batch) < .milliseconds(20))
        var ticks: [Duration] = []
        for _ in 0..<10 {
            try await pool.append([example()])
            let start = ContinuousClock.now
            try await pool.tick()
            ticks.append(ContinuousClock.now - start)
        }
        #expect(try #require(ticks.min()) < .milliseconds(20))
    }

    /// Statements of the feed, asked for all events that a campus has after the first tick.
    private static let feedProbes = [
        Probe(
            function: "orders_campus_ahead",
            settings: ["enable_seqscan", "enable_sort", "enable_bitmapscan"],
            statement: "select e.xid",
            types: "uuid, pg_snapshot, integer",
            moreArguments: "50",
            index: "_campus_id_xid_idx"
        ),
        Probe(
            function: "orders_events_of_campus",
            settings: ["enable_seqscan"],
            statement: "with passed",
            types: "uuid, pg_snapshot, pg_snapshot, bigint, text[], text[], uuid, integer",
            moreArguments: "'LAST', 0, null, '{}', null, 101",
            index: "_campus_id_xid_idx"
        ),
    ]

    @Test(
        "Of forty partitions and a busy neighbour, a page of the feed reads its own campus's events, whatever the planner knows",
        arguments: [false, true]
    )
    func feed(isAnalyzed: Bool) async throws {
        try await withDatabase { database in
            let admin = try database.patientPool()
            let pool = try database.pool(as: .orderService)
            let small = CampusID(high: 1, low: 2)
            try await admin.transaction { session in
                try session.execute(
                    "select count(*) from campus.make_event_partitions(current_date - 35, current_date + 4)"
                )
                try session.execute(
                    """
                    insert into campus.orders_event (
                        campus_id, type, subject_id, subject_version, root_id, actor, occurred_at, payload
                    )
                    select \(exampleCampus), 'order.placed', gen_random_uuid(), 1, gen_random_uuid(), 'system:x', now(), '{}'
                    from generate_series(1, 20000)
                    """
                )
            }
            // The planner has met one campus only, so that nothing speaks for the index of campuses but its shape.
            if isAnalyzed { try await admin.autocommit { try $0.execute(script: "analyze campus.orders_event") } }
            try await pool.append((0..<60).map { _ in example(campus: small) })
            try await pool.tick()
            for probe in Self.feedProbes {
                let plan = try await admin.autocommit { session in
                    let ticks: [String] = try session.query("select snapshot::text from campus.tick order by tick") {
                        try $0[0]
                    }
                    let (first, last) = (try #require(ticks.first), try #require(ticks.last))
                    return try explain(
                        ofFunction: probe.function,
                        settings: probe.settings,
                        statement: probe.statement,
                        types: probe.types,
                        arguments: "'\(small)', '\(first)', "
                            + probe.moreArguments.replacingOccurrences(of: "LAST", with: last),
                        variables: ["since": "(now() - interval '1 hour')"],
                        in: session
                    )
                }
                expectPruned(plan, index: probe.index)
                #expect(try #require(buffers(in: plan)) < 400, "\(plan.joined(separator: "\n"))")
            }
        }
    }

    private static let claimSettings = [
        "enable_seqscan", "enable_sort", "enable_bitmapscan", "enable_hashjoin", "enable_mergejoin",
    ]

    private func buffers(in plan: [String]) -> Int? {
        plan.first { $0.contains("Buffers:") }?.firstMatch(of: /shared hit=(\d+)/).flatMap { Int($0.1) }
    }

    @Test("A claim touches heads of lanes only: a hundred thousand blocked tasks cost nothing")
    func claim() async throws {
        try await withDatabase { database in
            let admin = try database.patientPool()
            let store = TaskStore(owner: .notifications)
            try await admin.autocommit { session in
                try session.execute(
                    script: """
                        insert into campus.notifications_task (
                            queue, destination, order_key, dedupe_key, campus_id, payload, run_at, max_attempts, holds_lane_when_dead
                        )
                        select 'webhook', 'd' || n % 10, 'k' || n % 40, n::text, gen_random_uuid(), '{}', now(), 5, false
                        from generate_series(1, 100000) n;
                        insert into campus.notifications_lane (queue, destination, lane, head, campus_id, ready_at)
                        select queue, destination, lane, min(id), uuid_in(md5(destination || lane)::cstring), now()
                        from campus.notifications_task group by 1, 2, 3;
                        """
                )
            }
            let request = ClaimRequest(
                queue: "webhook",
                worker: "w",
                lease: .seconds(30),
                limit: 16,
                limitPerDestination: 4,
                limitPerCampus: 8,
                inHand: [],
                after: ""
            )
            let (plan, time, claimed) = try await admin.transaction { session in
                // The statements inside are counted with the call.
                let plan: [String] = try session.query(
                    """
                    explain (analyze, buffers, costs off, timing off)
                    select * from campus.notifications_claim_tasks('webhook', 'w', '30 s', 16, 4, 8, '{d1,d1,d1}', '{}', '')
                    """
                ) { try $0[0] }
                try session.execute("update campus.notifications_lane set ready_at = now()")
                let start = ContinuousClock.now
                let claimed = try store.claim(request, in: session)
                return (plan, ContinuousClock.now - start, claimed)
            }
            let buffers = buffers(in: plan)
            #expect(try #require(buffers) < 2_000, "\(plan.joined(separator: "\n"))")
            #expect(time < .milliseconds(50))
            #expect(claimed.count == 16)
            #expect(Set(claimed.map(\.lane)).count == 16)
        }
    }

    @Test("Looking for due timers reads those that are due, not those that wait")
    func timers() async throws {
        try await withDatabase { database in
            let admin = try database.patientPool()
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
            let plan = try await admin.transaction { session in
                try explain(
                    ofFunction: "orders_claim_timers",
                    settings: Self.claimSettings,
                    statement: "with recursive",
                    types: "interval, integer",
                    arguments: "'5 s', 200",
                    in: session
                )
            }
            let buffers = buffers(in: plan)
            #expect(!plan.contains { $0.contains("Seq Scan on orders_timer") }, "\(plan.joined(separator: "\n"))")
            #expect(try #require(buffers) < 1_000, "\(plan.joined(separator: "\n"))")
        }
    }
}
