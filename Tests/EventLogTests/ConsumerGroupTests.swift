import Model
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import EventLog

@Suite("Consumer groups")
struct ConsumerGroupTests {
    private let quick = ConsumerOptions(lease: .seconds(2), poll: .milliseconds(50))

    private func recorder(
        _ database: TestDatabase,
        member: String = "",
        options: ConsumerOptions? = nil,
        streams: [EventStream] = [.orders],
        size: Int = 3
    ) throws -> ConsumerGroup<Int> {
        ConsumerGroup(
            name: "recorder",
            owner: .notifications,
            streams: streams,
            pool: try database.pool(as: .notifyService, size: size),
            options: options ?? quick,
            logger: .silent
        ) { session, events in
            try Effects.record(events, by: "recorder", member: member, in: session)
            return events.count
        }
    }

    @Test(
        "Twelve writers, rollbacks and a transaction held open: nothing lost, nothing twice, nothing out of order",
        .timeLimit(.minutes(5))
    )
    func exactlyOnce() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService, size: 14)
            let subjects = (0..<40).map { _ in AnyID.new() }
            try await effects.add(subjects)
            let ticker = Ticker(pool: try database.pool(as: .orderService, size: 1), logger: .silent)
            let groups = [try recorder(database, member: "a"), try recorder(database, member: "b")]
            try await running([ticker] + groups) {
                try await eventually("both instances have shards", within: .seconds(60)) {
                    try await effects.pool.number(
                        "select count(distinct lease_by) from campus.notifications_cursor where consumer = 'recorder'"
                    ) == 2
                }
                try await writeAtOnce(to: subjects, through: pool, ticker)
                let appended = try await effects.appended().count
                #expect(appended > 200)
                try await eventually("all events handled", within: .seconds(60)) {
                    try await effects.count(by: "recorder") >= appended
                }
            }
            #expect(try await effects.faults(of: "recorder") == Faults())
            let members = Set(try await effects.all(by: "recorder").map(\.member))
            #expect(members == ["a", "b"], "both instances take part")
        }
    }

    @Test("A tick larger than a batch is read in parts, each once")
    func largeTick() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService)
            try await pool.append((0..<1_050).map { _ in example() })
            try await pool.tick()
            try await pool.append((0..<10).map { _ in example() })
            try await pool.tick()
            let group = try recorder(
                database,
                options: ConsumerOptions(batchLimit: 100, lease: .seconds(2), poll: .milliseconds(50))
            )
            try await running([group]) {
                try await eventually("all events handled") { try await effects.count(by: "recorder") == 1_060 }
            }
            #expect(try await effects.faults(of: "recorder") == Faults())
            let ids = try await effects.all(by: "recorder").map(\.eventID)
            #expect(ids == ids.sorted())
        }
    }

    @Test("Several streams are read by one cursor, in the order of their ids")
    func severalStreams() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let orders = try database.pool(as: .orderService)
            let cases = try database.pool(as: .afterSalesService)
            for _ in 0..<20 {
                let root = AnyID.new()
                try await orders.append([example(root, version: 1)])
                try await cases.append([example(root, version: 2, type: .caseOpened)], to: .afterSales)
            }
            try await orders.tick()
            try await running([try recorder(database, streams: [.orders, .afterSales])]) {
                try await eventually("all events handled") { try await effects.count(by: "recorder") == 40 }
            }
            let handled = try await effects.all(by: "recorder")
            #expect(handled.map(\.eventID) == handled.map(\.eventID).sorted())
            #expect(handled.map(\.version) == (0..<20).flatMap { _ in [Int64(1), 2] })
        }
    }

    @Test("Instances share the shards, and take over those of one that leaves")
    func balance() async throws {
        try await withDatabase { database in
            let admin = try database.pool()
            let options = ConsumerOptions(lease: .seconds(9), poll: .milliseconds(50))
            let stays = try recorder(database, options: options)
            let holders: SQL = """
                select count(*) from (
                    select lease_by from campus.notifications_cursor where lease_by is not null
                    group by lease_by having count(*) between 5 and 6
                ) h
                """
            try await running([stays]) {
                try await eventually("one holds all") {
                    try await admin.number(
                        "select count(*) from campus.notifications_cursor where lease_until > now()"
                    ) == 16
                }
                try await running([try recorder(database, options: options), try recorder(database, options: options)])
                {
                    try await eventually("three hold five or six each") { try await admin.number(holders) == 3 }
                }
                // They gave back what they held, so this does not wait for any lease to run out.
                try await eventually("one holds all again", within: .seconds(8)) {
                    try await admin.number(
                        """
                        select count(*) from campus.notifications_cursor
                        where lease_by = (select min(lease_by) from campus.notifications_cursor)
                        """
                    ) == 16
                }
            }
            #expect(
                try await admin.number("select count(*) from campus.notifications_cursor where lease_by is not null")
                    == 0
            )
            #expect(try await admin.number("select count(*) from campus.notifications_member") == 0)
        }
    }

    @Test("Who lost a shard to another can no longer move its cursor, and its effects are undone")
    func fencing() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .notifyService)
            try await (try database.pool(as: .orderService)).append([example()])
            try await pool.tick()
            let stale = CursorStore(
                consumer: "recorder",
                member: "stale",
                owner: .notifications,
                lease: .milliseconds(50)
            )
            let fresh = CursorStore(consumer: "recorder", member: "fresh", owner: .notifications, lease: .seconds(10))
            let held = try await pool.transaction { session in
                try stale.register([.orders], start: .oldest, in: session)
                return try stale.acquire(atMost: 16, in: session)
            }
            #expect(held.count == 16)
            try await eventually("the lease runs out and is taken") {
                try await pool.transaction { try fresh.acquire(atMost: 16, in: $0) }.count == 16
            }
            let reader = BatchReader(
                cursors: stale,
                parked: ParkedEventStore(owner: .notifications),
                streams: [.orders],
                limit: 10
            )
            let process: @Sendable (Reading, BatchReader) async throws -> BatchResult<Int> = { reading, reader in
                try await pool.transaction { session in
                    try reader.process(reading, in: session) { session, events, _ in
                        try Effects.record(events, by: "recorder", in: session)
                        return ([events.count], [])
                    }
                }
            }
            func isRefused(_ reading: Reading, _ reader: BatchReader) async throws -> Bool {
                do {
                    _ = try await process(reading, reader)
                    return false
                } catch {
                    return BatchFailure(error) == .leaseLost
                }
            }
            #expect(try await isRefused(Reading(cursors: held), reader))
            #expect(try await effects.count(by: "recorder") == 0)

            // Nor does who holds them handle a batch twice, whatever it believes of where it stands.
            let holder = BatchReader(
                cursors: fresh,
                parked: ParkedEventStore(owner: .notifications),
                streams: [.orders],
                limit: 10
            )
            let reading = Reading(cursors: try await pool.transaction { try fresh.renew(keeping: 16, in: $0) })
            #expect(try await process(reading, holder).effects == [1])
            #expect(try await isRefused(reading, holder))
            #expect(try await effects.faults(of: "recorder") == Faults())
        }
    }

    @Test("What a handler returns is told after the commit, once for each batch")
    func afterCommit() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let told = Locked<[Int]>([])
            let uncommitted = Locked(0)
            let counting = try database.pool()
            let group = ConsumerGroup(
                name: "recorder",
                owner: .notifications,
                streams: [.orders],
                pool: try database.pool(as: .notifyService),
                options: quick,
                logger: .silent
            ) { session, events in
                try Effects.record(events, by: "recorder", in: session)
                return events.count
            } afterCommit: { count in
                let stored = (try? await counting.number("select count(*) from public.effect")) ?? 0
                let sum = told.withLock { told in
                    told.append(count)
                    return told.reduce(0, +)
                }
                if stored < sum { uncommitted.withLock { $0 += 1 } }
            }
            let pool = try database.pool(as: .orderService)
            try await running([group]) {
                for _ in 0..<5 {
                    try await pool.append([example(), example()])
                    try await pool.tick()
                }
                try await eventually("all were told") { told.withLock { $0.reduce(0, +) } == 10 }
            }
            #expect(uncommitted.withLock { $0 } == 0)
            #expect(try await effects.faults(of: "recorder") == Faults())
        }
    }

    @Test("A group that starts at the newest event sees nothing older")
    func startAtNewest() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService)
            try await pool.append([example()])
            try await pool.tick()
            var options = quick
            options.start = .newest
            try await running([try recorder(database, options: options)]) {
                try await eventually("the cursors exist") {
                    try await effects.pool.number("select count(*) from campus.notifications_cursor") == 16
                }
                try await pool.append([example(version: 7)])
                try await pool.tick()
                try await eventually("the new event is handled") { try await effects.count(by: "recorder") == 1 }
            }
            #expect(try await effects.all(by: "recorder").map(\.version) == [7])
        }
    }

    @Test("The lag tells how far a group is behind, and that it is not")
    func lag() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService)
            let group = try recorder(database)
            try await running([group]) {
                try await eventually("the group has its shards") { try await group.lag().time == .zero }
            }
            try await pool.append([example()])
            try await pool.tick()
            let behind = try await group.lag()
            #expect(behind.ticks == 1 && behind.time > .zero && behind.parked == 0)
            try await running([try recorder(database)]) {
                try await eventually("the event is handled") { try await effects.count(by: "recorder") == 1 }
            }
            #expect(try await group.lag() == ConsumerLag(time: .zero, ticks: 0, parked: 0))
        }
    }
}

/// Moves a subject on by one version and appends the event of it, as services do.
func write(_ subject: AnyID, in session: borrowing Session) throws {
    let version: Int64 = try session.one(
        "update public.subject set version = version + 1 where id = \(subject) returning version"
    ) { try $0[0] }
    try EventStore(stream: .orders).append([example(subject, version: version)], in: session)
}

/// Twelve writers that now and then roll back, and a transaction held open beside them until their last second.
func writeAtOnce(to subjects: [AnyID], through pool: ConnectionPool, _ ticker: Ticker) async throws {
    let deadline = ContinuousClock.now + .seconds(4)
    let isLate = Flag()
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        // Takes its transaction id early, and its subject with it.
        tasks.addTask {
            try await pool.transaction { session in
                try write(subjects[0], in: session)
                try session.stayOpen(until: isLate)
                try write(subjects[0], in: session)
            }
            ticker.hint()
        }
        for _ in 0..<12 {
            tasks.addTask {
                while ContinuousClock.now < deadline {
                    if ContinuousClock.now > deadline - .seconds(1) { isLate.set() }
                    let mine = subjects.dropFirst().shuffled().prefix(2).sorted()
                    let fails = Int.random(in: 0..<10) == 0
                    _ = try? await pool.transaction { session in
                        for subject in mine { try write(subject, in: session) }
                        if fails { throw CancellationError() }
                    }
                    ticker.hint()
                }
            }
        }
        try await tasks.waitForAll()
    }
}

extension Effects {
    /// Makes subjects that ``write(_:in:)`` counts the versions of.
    func add(_ subjects: [AnyID]) async throws {
        try await pool.autocommit { session in
            _ = try session.execute("insert into public.subject (id) select unnest(\(subjects))")
        }
    }
}
