import EventLog
import Logging
import Model
import Postgres
import ServiceLifecycle
import TestSupport
import Testing

@testable import NotifyService

/// Everything that stands in the inboxes of a database.
struct FiledLines {
    struct Line: Hashable {
        let recipient: Recipient
        let seq: Int64
        let eventID: Int64
    }

    let lines: [Line]
    let counters: [Recipient: Int64]

    init(_ pool: ConnectionPool) async throws {
        (lines, counters) = try await pool.transaction { session in
            let lines = try session.query(
                "select campus_id, recipient_kind, recipient_id, seq, event_id from campus.inbox"
            ) {
                Line(
                    recipient: Recipient(campus: try $0[0], kind: try $0[1], id: try $0[2]),
                    seq: try $0[3],
                    eventID: try $0[4]
                )
            }
            let counters = try session.query(
                "select campus_id, recipient_kind, recipient_id, last_seq, unread from campus.inbox_counter"
            ) { row -> (Recipient, Int64) in
                let last: Int64 = try row[3]
                let unread: Int64 = try row[4]
                #expect(unread == last)
                return (Recipient(campus: try row[0], kind: try row[1], id: try row[2]), last)
            }
            return (lines, Dictionary(uniqueKeysWithValues: counters))
        }
    }

    /// Fails unless each recipient's numbers are 1, 2, 3 …, and its counter says how many there are.
    func expectNoGaps() {
        let numbers = Dictionary(grouping: lines, by: \.recipient).mapValues { $0.map(\.seq).sorted() }
        for (recipient, numbers) in numbers {
            #expect(numbers == Array(1...Int64(numbers.count)), "numbers of \(recipient.kind) \(recipient.id)")
            #expect(counters[recipient] == Int64(numbers.count))
        }
        #expect(numbers.count == counters.count)
    }
}

@Suite("Fan-out files each event once for each recipient, in numbers without gaps")
struct FanOutTests {
    struct Abandoned: Error {}

    static func event(
        _ id: Int64,
        _ event: OrderEvent,
        campus: CampusID = Samples.campus,
        at time: Timestamp = Samples.time
    ) -> RecordedEvent {
        RecordedEvent(
            id: id,
            stream: .orders,
            type: event.type.rawValue,
            campus: campus,
            subject: event.facts.orderID.retyped(),
            version: event.facts.version,
            root: event.facts.orderID.retyped(),
            actor: "system:test",
            occurredAt: time,
            recordedAt: time,
            trace: nil,
            payload: event.json
        )
    }

    @Test("Eight instances at once, a quarter of their transactions rolled back: no gap, nothing twice, no deadlock")
    func concurrent() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .notifyService, size: 8)
            let once = TransactionOptions(retries: 0, statementTimeout: .seconds(60))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<8 {
                    group.addTask {
                        for batch in 0..<25 {
                            let base = Int64(worker * 10_000 + batch * 100)
                            let events = (1...20).map { index in
                                Self.event(
                                    base + Int64(index),
                                    Samples.order(
                                        .exceptionReported(kind: .spilled, by: .system("test")),
                                        customer: "stu_\(Int.random(in: 1...12))",
                                        merchant: "shop_\(Int.random(in: 1...3))"
                                    )
                                )
                            }
                            let isAbandoned = batch % 4 == 3
                            do {
                                try await pool.transaction(once) { session in
                                    _ = try FanOut().handle(events, in: session)
                                    if isAbandoned { throw Abandoned() }
                                }
                            } catch is Abandoned {}
                        }
                    }
                }
                try await group.waitForAll()
            }
            let filed = try await FiledLines(pool)
            filed.expectNoGaps()
            // Customer, merchant and desk of 20 events in 19 of 25 batches of each of the eight.
            #expect(filed.lines.count == 8 * 19 * 20 * 3)
            #expect(
                Set(filed.lines.map { [AnyHashable($0.recipient), AnyHashable($0.eventID)] }).count == filed.lines.count
            )
        }
    }

    @Test("An event that is handled again is passed over")
    func again() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .notifyService)
            let first = (1...3).map { Self.event($0, Samples.order(.accepted)) }
            let more = (2...5).map { Self.event($0, Samples.order(.accepted)) }
            let advanced = try await pool.transaction { session in
                [try FanOut().handle(first, in: session), try FanOut().handle(more, in: session)]
            }
            let customer = Recipient(campus: Samples.campus, kind: .customer, id: "stu_1")
            #expect(
                advanced.map(\.advanced) == [3, 5].map { [InboxPlace(recipient: customer, seq: $0)] }
            )
            let filed = try await FiledLines(pool)
            filed.expectNoGaps()
            #expect(filed.lines.sorted { $0.seq < $1.seq }.map(\.eventID) == [1, 2, 3, 4, 5])
        }
    }

    @Test("What is new is filed in one statement that looks nobody up, and announced as it stands then")
    func announced() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .notifyService)
            let elsewhere = CampusID.random()
            let events = [
                Self.event(1, Samples.order(.paid(payment: Samples.payment, channel: .sandbox))),
                Self.event(2, Samples.order(.accepted)),
                Self.event(3, Samples.order(.accepted), campus: elsewhere),
            ]
            let (effect, lookups) = try await pool.transaction { session in
                let effect = try FanOut().handle(events, in: session)
                let lookups: Int64 = try session.one(
                    "select coalesce(idx_scan, 0) + seq_scan from pg_stat_xact_user_tables where relname = 'inbox'"
                ) { try $0[0] }
                return (effect, lookups)
            }
            #expect(lookups == 0)
            #expect(effect.owed == 0)
            #expect(Set(effect.advanced).count == 3)
            let announced = try await pool.autocommit { session in
                try session.query(
                    "select campus_id, payload from campus.notifications_event where type = 'inbox.advanced'"
                ) {
                    InboxAnnouncement(json: try $0[1], campus: try $0[0]).places
                }
            }
            #expect(announced.count == 2)
            #expect(Set(announced.joined()) == Set(effect.advanced))
        }
    }

    @Test("Deliveries are counted as owed once, and only where an endpoint wants them")
    func owed() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .notifyService)
            let endpoint = WebhookEndpoint(
                id: .random(),
                campus: Samples.campus,
                url: "https://a.example.com/x",
                eventTypes: ["order.accepted"],
                description: "",
                disabledReason: nil,
                version: 1,
                createdAt: Samples.time,
                updatedAt: Samples.time
            )
            let events = [
                Self.event(1, Samples.order(.accepted)),
                Self.event(2, Samples.order(.ready)),
                Self.event(3, Samples.order(.accepted), campus: CampusID.random()),
            ]
            let owed = try await pool.transaction { session in
                let before = try FanOut().handle([Self.event(9, Samples.order(.accepted))], in: session)
                _ = try WebhookEndpointStore().insert(endpoint, secret: Array(repeating: 1, count: 64), in: session)
                return [before] + (try (0..<2).map { _ in try FanOut().handle(events, in: session) })
            }.map(\.owed)
            #expect(owed == [0, 1, 0])
        }
    }

    @Test("One event of a batch that cannot be read is parked; the others are filed")
    func poison() async throws {
        try await NotifyCampus.run { campus in
            let pool = try campus.database.pool(as: .orderService)
            let broken = Samples.order(.accepted, id: .random(), customer: "stu_broken").recorded(in: campus.id)
            let bad = NewEvent(
                type: broken.type,
                campus: broken.campus,
                subject: broken.subject,
                version: broken.version,
                root: broken.root,
                actor: broken.actor,
                at: broken.at,
                payload: ["order_id": "none"]
            )
            let good = (0..<5).map { _ in Samples.order(.accepted, id: .random()).recorded(in: campus.id) }
            try await pool.transaction { session in
                try EventStore(stream: .orders).append(
                    Array(good.prefix(2)) + [bad] + Array(good.suffix(3)),
                    in: session
                )
            }
            campus.instance.ticker.hint()
            try await campus.waitForInbox(of: campus.customer(), lines: 5)
            let parked: Int64 = try await campus.database.pool().autocommit { session in
                try session.one("select count(*) from campus.notifications_parked where consumer = \(FanOut.group)") {
                    try $0[0]
                }
            }
            #expect(parked == 1)
        }
    }

    @Test("Writers that commit late or roll back, two instances, connections cut: everything committed is filed once")
    func exactlyOnce() async throws {
        try await withDatabase { database in
            try await NotifyCampus.serve(database) { first in
                let campus = try await NotifyCampus.seeded(database, first)
                try await NotifyCampus.serve(database) { _ in
                    let superuser = try database.pool()
                    let committed = try await Self.write(
                        campus,
                        writers: 6,
                        transactions: 30,
                        disturb: {
                            try await superuser.autocommit { session in
                                _ = try session.execute(
                                    """
                                    select pg_terminate_backend(pid) from pg_stat_activity
                                    where usename = 'notify_service' and datname = current_database() and state <> 'idle'
                                    """
                                )
                            }
                        }
                    )
                    let pool = try database.pool(as: .notifyService)
                    try await eventually("everything is filed", within: .seconds(120)) {
                        try await FiledLines(pool).lines.count >= committed.count
                    }
                    let filed = try await FiledLines(pool)
                    filed.expectNoGaps()
                    #expect(filed.lines.count == committed.count)
                    let types = try await pool.autocommit { session in
                        try session.query("select data ->> 'order_id' from campus.inbox") { try $0[0] as String }
                    }
                    #expect(Set(types) == Set(committed.map(\.description)))
                }
            }
        }
    }

    /// Appends events for ten customers from several writers, some of whom hold their transaction open or roll it back.
    ///
    /// Calls `disturb` a few times meanwhile. Returns the orders whose events were committed.
    static func write(
        _ campus: NotifyCampus,
        writers: Int,
        transactions: Int,
        customer: @escaping @Sendable () -> String = { "stu_\(Int.random(in: 1...10))" },
        disturb: @escaping @Sendable () async throws -> Void = {}
    ) async throws -> [OrderID] {
        let pool = try campus.database.pool(as: .orderService, size: writers)
        let committed = Box<[OrderID]>([])
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<writers {
                group.addTask {
                    for number in 0..<transactions {
                        let events = (0..<Int.random(in: 1...4)).map { _ in
                            Samples.order(.accepted, id: .random(), customer: customer())
                        }
                        let isAbandoned = number % 7 == 6
                        let delay = number % 5 == 4 ? Double.random(in: 0...0.08) : 0
                        do {
                            try await pool.transaction { session in
                                try EventStore(stream: .orders).append(
                                    events.map { $0.recorded(in: campus.id) },
                                    in: session
                                )
                                try session.execute("select pg_sleep(\(delay))")
                                if isAbandoned { throw Abandoned() }
                            }
                            committed.update { $0 += events.map(\.facts.orderID) }
                        } catch is Abandoned {}
                        campus.instance.ticker.hint()
                    }
                }
            }
            group.addTask {
                // Of seven transactions six commit, each with an event at least.
                for fifth in 1...4 {
                    try await eventually("\(fifth) fifths are written") {
                        committed.value.count >= fifth * writers * transactions / 5
                    }
                    try await disturb()
                }
            }
            try await group.waitForAll()
        }
        return committed.value
    }
}
