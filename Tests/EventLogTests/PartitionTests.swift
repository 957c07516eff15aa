import Logging
import Model
import Postgres
import TestSupport
import Testing

@testable import EventLog

@Suite("Partitions and upkeep")
struct PartitionTests {
    private func upkeep(_ pool: ConnectionPool, retentionDays: Int64 = 30) -> UpkeepService {
        UpkeepService(pool: pool, retention: .days(retentionDays), logger: .silent)
    }

    /// Makes a partition for each of the last forty days.
    private func makeOldPartitions(_ admin: ConnectionPool) async throws {
        try await admin.transaction { session in
            try session.execute("select count(*) from campus.make_event_partitions(current_date - 40, current_date)")
        }
    }

    private func partitions(_ admin: ConnectionPool, _ stream: EventStream = .orders) async throws -> [String] {
        try await admin.autocommit { session in
            try session.query(
                """
                select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid
                where i.inhparent = \("campus.\(stream.rawValue)_event")::regclass order by 1
                """
            ) { try $0[0] }
        }
    }

    @Test(
        "Days ahead have partitions, made by any of the services",
        arguments: [TestRole.orderService, .afterSalesService, .notifyService]
    )
    func premade(role: TestRole) async throws {
        try await withDatabase { database in
            let admin = try database.pool(size: 1)
            try await admin.autocommit { session in
                for stream in EventStream.allCases {
                    for day in 1...8 {
                        let suffix: String = try session.one(
                            "select to_char(timezone('UTC', now())::date + \(Int32(day)), 'YYYYMMDD')"
                        ) { try $0[0] }
                        try session.execute(script: "drop table if exists campus.\(stream.rawValue)_event_\(suffix)")
                    }
                }
            }
            let before = try await partitions(admin).count
            let findings = try await upkeep(try database.pool(as: role)).runOnce()
            #expect(findings.filter { $0.event == "partition.made" }.count == 12, "four days of three streams")
            #expect(try await partitions(admin).count == before + 4)
            #expect(!findings.contains { $0.isAlarm })
            #expect(try await upkeep(try database.pool(as: role)).runOnce().isEmpty)
        }
    }

    @Test("A made partition is like the others: it takes events, and its indexes are used")
    func sameShape() async throws {
        try await withDatabase { database in
            let admin = try database.pool(size: 1)
            let shapes = try await admin.number(
                """
                select count(distinct shape) from (
                    select i.inhrelid, string_agg(pg_get_indexdef(x.indexrelid)::text, ';' order by x.indexrelid)
                        ~ 'UNIQUE.*\\(id, recorded_at\\)' as shape
                    from pg_inherits i join pg_index x on x.indrelid = i.inhrelid
                    where i.inhparent = 'campus.orders_event'::regclass group by 1
                ) s
                """
            )
            #expect(shapes == 1)
            let indexes = try await admin.number(
                """
                select min(n) from (
                    select count(*) as n from pg_inherits i join pg_index x on x.indrelid = i.inhrelid
                    where i.inhparent = 'campus.orders_event'::regclass group by i.inhrelid
                ) c
                """
            )
            #expect(indexes == 4)
            // A row of tomorrow goes to tomorrow's partition.
            try await admin.autocommit { session in
                try session.execute(
                    """
                    insert into campus.orders_event (
                        recorded_at, campus_id, type, subject_id, subject_version, root_id, actor, occurred_at, payload
                    ) values (now() + interval '1 day', gen_random_uuid(), 'order.placed', gen_random_uuid(), 1, gen_random_uuid(),
                        'system:x', now(), '{}')
                    """
                )
            }
        }
    }

    @Test("Old partitions are dropped once every group has passed them, and not before")
    func dropping() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let admin = try database.patientPool()
            let pool = try database.pool(as: .orderService)
            try await makeOldPartitions(admin)
            // An event of forty days ago, as the log would have recorded it then.
            try await admin.autocommit { session in
                try session.execute(
                    """
                    insert into campus.orders_event (
                        recorded_at, campus_id, type, subject_id, subject_version, root_id, actor, occurred_at, payload
                    ) values (now() - interval '40 days', gen_random_uuid(), 'order.placed', gen_random_uuid(), 1, gen_random_uuid(),
                        'system:x', now(), '{}')
                    """
                )
            }
            let group = ConsumerGroup(
                name: "recorder",
                owner: .orders,
                streams: [.orders],
                pool: pool,
                options: ConsumerOptions(lease: .seconds(2), poll: .milliseconds(50)),
                logger: .silent
            ) { session, events in try Effects.record(events, by: "recorder", in: session) }
            // It exists and has read nothing.
            try await pool.transaction { session in
                try group.batches.cursors.register([.orders], start: .oldest, in: session)
            }
            let held = try await upkeep(pool).runOnce()
            #expect(
                !held.contains { $0.event == "partition.dropped" && $0.subject.hasPrefix("orders_") },
                "a group has not passed"
            )
            #expect(held.contains { $0.event == "partition.dropped" && $0.subject.hasPrefix("after_sales_") })
            #expect(try await partitions(admin).count > 40)

            try await running([group]) {
                // A transaction anywhere in the cluster that is older than the events keeps them a little longer.
                try await eventually("they are dropped") {
                    try await pool.append([example()])
                    try await pool.tick()
                    _ = try await upkeep(pool).runOnce()
                    return try await partitions(admin).count <= 40
                }
                try await eventually("all is read") { try await group.lag().ticks == 0 }
            }
            #expect(
                try await pool.number(
                    "select count(*) from campus.orders_event where recorded_at < now() - interval '39 days'"
                ) == 0
            )
            #expect(try await effects.faults(of: "recorder").twice == 0)
            #expect(try await effects.count(by: "recorder") > 1, "what was dropped had been read")
        }
    }

    @Test("A partition in use is not waited for")
    func lockedPartition() async throws {
        try await withDatabase { database in
            let admin = try database.pool(size: 2)
            let pool = try database.pool(as: .orderService)
            try await makeOldPartitions(try database.patientPool())
            let locked = Wakeup()
            let isReleased = Flag()
            async let holding: Void = admin.transaction { session in
                try session.execute("lock table campus.orders_event in access share mode")
                locked.raise()
                try session.stayOpen(until: isReleased)
            }
            _ = try await locked.wait(atMost: .seconds(5))
            let findings = try await upkeep(pool).runOnce()
            isReleased.set()
            // It is tried once in a round: trying costs every writer the wait.
            #expect(!findings.contains { $0.event == "partition.dropped" })
            try await holding
            _ = try await upkeep(pool).runOnce()
            #expect(try await partitions(admin).count <= 40)
        }
    }

    @Test("Events are appended while the upkeep runs, however long it takes")
    func writersGoOn() async throws {
        try await withDatabase { database in
            let admin = try database.pool(size: 2)
            let pool = try database.pool(as: .orderService)
            try await makeOldPartitions(try database.patientPool())
            // A tick that is to be removed, which somebody keeps the upkeep from removing.
            for _ in 0..<2 {
                try await pool.append([example()])
                try await pool.tick()
            }
            try await admin.autocommit { session in
                try session.execute(
                    "update campus.tick set recorded_at = recorded_at - interval '3 hours', keep = false"
                )
            }
            let locked = Wakeup()
            let isReleased = Flag()
            async let holding: Void = admin.transaction { session in
                try session.execute("select from campus.tick for update")
                locked.raise()
                try session.stayOpen(until: isReleased)
            }
            _ = try await locked.wait(atMost: .seconds(5))
            async let findings = upkeep(pool).runOnce()
            try await eventually("the upkeep waits") {
                try await admin.number(
                    "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and query ilike '%upkeep%'"
                ) == 1
            }
            let writing = Task { try await database.pool(as: .orderService).append([example()]) }
            try await eventually("an event is appended") {
                try await admin.number("select count(*) from campus.orders_event") == 3
            }
            isReleased.set()
            try await writing.value
            try await holding
            #expect(try await findings.contains { $0.event == "partition.dropped" })
        }
    }

    @Test("Dead tasks are removed after the retention, but for those that hold their lane")
    func deadTasks() async throws {
        try await withDatabase { database in
            let admin = try database.pool(size: 1)
            let pool = try database.pool(as: .afterSalesService)
            try await admin.autocommit { session in
                try session.execute(
                    """
                    insert into campus.after_sales_task_dead (
                        id, queue, destination, order_key, dedupe_key, campus_id, payload, attempt, max_attempts,
                        holds_lane_when_dead, claim, history, enqueued_at, reason, died_at
                    )
                    select n, 'q', 'd', case when n % 2 = 0 then 'k' end, n::text, gen_random_uuid(), 'null', 3, 3, n <= 4, 3, '[]',
                        now(), 'x', now() - case when n in (3, 4, 7, 8) then interval '29 days' else interval '31 days' end
                    from generate_series(1, 8) n
                    """
                )
            }
            let findings = try await upkeep(pool).runOnce()
            #expect(findings.contains(UpkeepFinding(event: "task.forgotten", subject: "after_sales", amount: 3)))
            #expect(!findings.contains { $0.isAlarm })
            let left: [Int64] = try await admin.autocommit { session in
                try session.query("select id from campus.after_sales_task_dead order by id") { try $0[0] }
            }
            #expect(left == [2, 3, 4, 7, 8], "2 is old, and others wait behind it")
        }
    }

    @Test("A dead group, a missing partition and a stalled ticker are alarms")
    func alarms() async throws {
        try await withDatabase { database in
            let admin = try database.pool(size: 1)
            let pool = try database.pool(as: .orderService)
            #expect(try await upkeep(pool).runOnce().filter(\.isAlarm).isEmpty)
            try await pool.transaction { session in
                try CursorStore(consumer: "dead", member: "m", owner: .orders, lease: .seconds(1))
                    .register([.orders], start: .oldest, in: session)
            }
            try await pool.append([example()])
            try await pool.tick()
            try await pool.append([example()])
            try await admin.autocommit { session in
                try session.execute(
                    "update campus.tick set recorded_at = recorded_at - interval '10 minutes'"
                )
                try session.execute(
                    """
                    update campus.orders_event set recorded_at = recorded_at - interval '3 seconds'
                    where id = (select max(id) from campus.orders_event)
                    """
                )
                let tomorrow: String = try session.one(
                    "select 'notifications_event_' || to_char(timezone('UTC', now())::date + 1, 'YYYYMMDD')"
                ) { try $0[0] }
                try session.execute(script: "drop table campus.\(tomorrow)")
            }
            // Somebody keeps partitions from being attached.
            let locked = Wakeup()
            let isReleased = Flag()
            async let holding: Void = admin.transaction { session in
                try session.execute("lock table campus.notifications_event in share update exclusive mode")
                locked.raise()
                try session.stayOpen(until: isReleased)
            }
            _ = try await locked.wait(atMost: .seconds(5))
            let findings = try await upkeep(pool).runOnce()
            isReleased.set()
            try await holding
            let alarms = findings.filter(\.isAlarm)
            #expect(
                alarms.contains { $0.event == "consumer.lag" && $0.subject == "dead" && $0.amount >= 599 },
                "\(findings)"
            )
            #expect(alarms.contains { $0.event == "ticker.stalled" && $0.subject == "orders" }, "\(findings)")
            #expect(
                alarms.contains { $0.event == "partition.missing" && $0.subject.hasPrefix("notifications_") },
                "\(findings)"
            )
            #expect(
                try await !upkeep(pool).runOnce().contains { $0.event == "partition.missing" },
                "made as soon as it can be"
            )
        }
    }

    @Test("Ticks that all have read are thinned, and a reader of the past still misses nothing")
    func thinning() async throws {
        try await withDatabase { database in
            let admin = try database.pool(size: 1)
            let pool = try database.pool(as: .orderService)
            let roots = (0..<30).map { _ in AnyID.new() }
            for root in roots {
                try await pool.append([example(root)])
                try await pool.tick()
            }
            let reader = FeedReader(streams: [.orders])
            let reading = try database.pool(as: .notifyService, size: 1)
            let halfway = try await reading.transaction { session in
                try reader.read(after: reader.oldest(in: session), campus: exampleCampus, limit: 15, in: session).next
            }
            let before = try await admin.number("select count(*) from campus.tick")
            try await admin.autocommit { session in
                try session.execute("update campus.tick set recorded_at = recorded_at - interval '3 hours'")
            }
            _ = try await upkeep(pool).runOnce()
            let after = try await admin.number("select count(*) from campus.tick")
            #expect(after < before && after <= 4)
            let read = try await reading.transaction { session in
                var position = halfway
                var roots: [AnyID] = []
                while true {
                    let page = try reader.read(after: position, campus: exampleCampus, limit: 7, in: session)
                    roots += page.events.map(\.root)
                    position = page.next
                    if page.isAtEnd { return roots }
                }
            }
            #expect(Set(read).isSuperset(of: roots.suffix(15)))
            #expect(read.count == Set(read).count)
        }
    }

    @Test("Keys of tasks done long ago are forgotten")
    func taskKeys() async throws {
        try await withDatabase { database in
            let admin = try database.pool(size: 1)
            let pool = try database.pool(as: .orderService)
            try await admin.autocommit { session in
                try session.execute(
                    """
                    insert into campus.orders_task_key (queue, dedupe_key, enqueued_at)
                    values ('q', 'old', now() - interval '31 days'), ('q', 'young', now() - interval '29 days')
                    """
                )
            }
            _ = try await upkeep(pool).runOnce()
            #expect(try await pool.number("select count(*) from campus.orders_task_key") == 1)
        }
    }
}
