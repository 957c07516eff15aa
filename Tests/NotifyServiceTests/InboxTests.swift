import EventLog
import Logging
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import NotifyService

@Suite("The inbox")
struct InboxTests {
    @Test("Lines have numbers, words in both languages and a place to go on; each may be read from either end")
    func reading() async throws {
        try await NotifyCampus.run { campus in
            try await campus.tell(5)
            try await campus.waitForInbox(of: campus.customer(), lines: 5)
            let newest = try await campus.get("/v1/inbox?limit=2", as: "customer:stu_1")
            #expect(newest.status == 200)
            #expect(newest.numbers == [5, 4])
            #expect(newest["has_more"] == true)
            #expect(newest["unread"] == 5)
            let line = try #require(newest["items"]?.array?.first)
            #expect(line["type"] == "order.accepted")
            #expect(line["title"] == ["zh-CN": "商家已接单", "en": "Order accepted"])
            #expect(line["read"] == false)
            #expect(line["event_id"]?.string?.hasPrefix("evt_") == true)
            #expect(line["cursor"] == newest["cursor"])
            let older = try await campus.get("/v1/inbox?before=4&limit=10", as: "customer:stu_1")
            #expect(older.numbers == [3, 2, 1])
            #expect(older["has_more"] == false)
            let onward = try await campus.get("/v1/inbox?after=0&limit=3", as: "customer:stu_1")
            #expect(onward.numbers == [1, 2, 3])
            #expect(onward["has_more"] == true)
            let cursor = try #require(onward["cursor"]?.string)
            let rest = try await campus.get("/v1/inbox?after=\(cursor)", as: "customer:stu_1")
            #expect(rest.numbers == [4, 5])
            #expect(rest["has_more"] == false)
            let end = try #require(rest["cursor"]?.string)
            let nothing = try await campus.get("/v1/inbox?after=\(end)", as: "customer:stu_1")
            #expect(nothing.numbers.isEmpty)
            #expect(nothing["cursor"]?.string == end)
        }
    }

    @Test("An empty inbox has a place to go on from, too")
    func empty() async throws {
        try await NotifyCampus.run { campus in
            let page = try await campus.get("/v1/inbox", as: "customer:nobody")
            #expect(page.numbers.isEmpty)
            #expect(page["unread"] == 0)
            let cursor = try #require(page["cursor"]?.string)
            try await campus.tell(1, to: "nobody")
            try await campus.waitForInbox(of: campus.customer("nobody"), lines: 1)
            #expect(try await campus.get("/v1/inbox?after=\(cursor)", as: "customer:nobody").numbers == [1])
        }
    }

    @Test("A position from which nothing follows is 410 with its reason")
    func gone() async throws {
        try await NotifyCampus.run { campus in
            try await campus.tell(4)
            try await campus.waitForInbox(of: campus.customer(), lines: 4)
            func reason(_ after: String) async throws -> String? {
                let answer = try await campus.get("/v1/inbox?after=\(after)", as: "customer:stu_1")
                #expect(answer.status == 410)
                #expect(answer.code == "position-gone")
                return answer["reason"]?.string
            }
            #expect(try await reason("99-1") == "epoch")
            #expect(try await reason("5") == "ahead")
            try await campus.database.pool().autocommit { session in
                _ = try session.execute(
                    "update campus.inbox set created_at = now() - interval '100 days' where seq <= 2"
                )
            }
            try await prune(campus)
            #expect(try await reason("1") == "pruned")
            #expect(try await campus.get("/v1/inbox?after=2", as: "customer:stu_1").numbers == [3, 4])
            #expect(try await campus.get("/v1/inbox/unread", as: "customer:stu_1")["unread"] == 2)
        }
    }

    private func prune(_ campus: NotifyCampus) async throws {
        let configuration = try ServiceConfiguration(
            NotifyServiceDefinition.settings,
            values: ["NOTIFY_ENCRYPTION_KEY": "x", "CONTACT_KEYS": "k1:\(NotifyCampus.encryptionKey)"]
        )
        let pool = try campus.database.pool(as: .notifyService)
        await RetentionService(
            try Retention.rules(configuration, pool: pool, clock: SystemWallClock()),
            logger: .silent
        ).followAll()
    }

    @Test("Everything may be pruned; what comes next goes on counting")
    func prunedWhole() async throws {
        try await NotifyCampus.run { campus in
            try await campus.tell(3)
            try await campus.waitForInbox(of: campus.customer(), lines: 3)
            try await campus.database.pool().autocommit { session in
                _ = try session.execute("update campus.inbox set created_at = now() - interval '100 days'")
            }
            try await prune(campus)
            #expect(try await campus.get("/v1/inbox", as: "customer:stu_1").numbers.isEmpty)
            #expect(try await campus.get("/v1/inbox?after=1", as: "customer:stu_1").status == 410)
            try await campus.tell(1)
            try await campus.waitForInbox(of: campus.customer(), lines: 4)
            #expect(try await campus.get("/v1/inbox?after=3", as: "customer:stu_1").numbers == [4])
            #expect(try await campus.get("/v1/inbox/unread", as: "customer:stu_1")["unread"] == 1)
        }
    }

    @Test(
        "Lines that are pruned meanwhile are not passed over: what follows a position follows it at once, or not at all"
    )
    func prunedMeanwhile() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .notifyService)
            let customer = Recipient(campus: Samples.campus, kind: .customer, id: "stu_1")
            let total: Int64 = 600
            let events = (1...total).map { FanOutTests.event($0, Samples.order(.accepted)) }
            _ = try await pool.transaction { try FanOut().handle(events, in: $0) }
            let hub = StreamHub(limits: StreamLimits(), logger: .silent) { _, _ in InboxLines(epoch: 1, items: []) }
            let oldest = Box<Int64>(1)
            async let pruning: Void = {
                for seq in 1..<total {
                    try await pool.autocommit { session in
                        _ = try session.execute("delete from campus.inbox where seq = \(seq)")
                    }
                    oldest.value = seq + 1
                }
            }()
            while oldest.value < total {
                let position = oldest.value - 1
                do {
                    let page = try await ReadInbox(pool: pool, hub: hub)(
                        .after(.number(position), wait: .zero),
                        of: customer,
                        owner: "stu_1",
                        limit: 1
                    )
                    #expect(page.items.first?.seq == position + 1)
                } catch let reason as ResyncReason {
                    #expect(reason == .pruned)
                }
            }
            try await pruning
        }
    }

    @Test("A long poll answers as soon as a line is filed, and with nothing when its time is up")
    func longPoll() async throws {
        try await NotifyCampus.run { campus in
            let started = ContinuousClock.now
            async let waiting = campus.get("/v1/inbox?after=0&wait_s=30", as: "customer:stu_1")
            try await eventually("the request waits") { campus.instance.hub.openStreams == 1 }
            try await campus.tell(1)
            #expect(try await waiting.numbers == [1])
            // By itself it would have waited for half a minute.
            #expect(ContinuousClock.now - started < .seconds(25))
            let again = ContinuousClock.now
            let nothing = try await campus.get("/v1/inbox?after=1&wait_s=1", as: "customer:stu_1")
            #expect(nothing.numbers.isEmpty)
            #expect(ContinuousClock.now - again >= .milliseconds(900))
        }
    }

    @Test("Reading lines counts down once for each, however often it is said")
    func markRead() async throws {
        try await NotifyCampus.run { campus in
            try await campus.tell(4)
            try await campus.waitForInbox(of: campus.customer(), lines: 4)
            func mark(_ path: String, _ body: JSON? = nil) async throws -> Answer {
                try await campus.post("/v1/inbox/\(path)", body, as: "customer:stu_1")
            }
            let first = try await mark("2/read")
            #expect(first["unread"] == 3)
            let again = try await mark("2/read")
            #expect(again["unread"] == 3)
            #expect(again["version"] == first["version"])
            #expect(try await mark("9/read").status == 404)
            let through = try await mark("read-all", ["through": 3])
            #expect(through["unread"] == 1)
            #expect(try await mark("3/read")["unread"] == 1)
            #expect(try await mark("read-all", ["through": 1])["unread"] == 1)
            #expect(try await mark("read-all")["unread"] == 0)
            #expect(try await mark("read-all")["unread"] == 0)
            let lines = try await campus.get("/v1/inbox", as: "customer:stu_1")["items"]?.array ?? []
            #expect(lines.allSatisfy { $0["read"] == true })
            try await campus.tell(1)
            try await campus.waitForInbox(of: campus.customer(), lines: 5)
            let counts = try await campus.get("/v1/inbox/unread", as: "customer:stu_1")
            #expect(counts["unread"] == 1)
            #expect(counts["newest"] == 5)
            #expect((counts["version"]?.integer ?? 0) > (through["version"]?.integer ?? 0))
        }
    }

    @Test("Counts are right after fan-out, single reads and read-all raced each other")
    func countsUnderRaces() async throws {
        try await NotifyCampus.run { campus in
            let pool = try campus.database.pool(as: .notifyService, size: 6)
            let store = InboxStore()
            let customer = campus.customer()
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    for batch in 0..<40 {
                        let events = (1...5).map { index in
                            FanOutTests.event(Int64(batch * 5 + index), Samples.order(.accepted), campus: campus.id)
                        }
                        _ = try await pool.transaction { try FanOut().handle(events, in: $0) }
                    }
                }
                for _ in 0..<3 {
                    group.addTask {
                        for _ in 0..<60 {
                            let seq = Int64.random(in: 1...200)
                            _ = try await pool.transaction { session in
                                try store.markRead(seq, of: customer, at: Samples.time, in: session)
                            }
                        }
                    }
                }
                group.addTask {
                    for _ in 0..<20 {
                        let seq = Int64.random(in: 1...120)
                        try await pool.transaction { try store.markAllRead(upTo: seq, of: customer, in: $0) }
                    }
                }
                try await group.waitForAll()
            }
            let (counted, unread) = try await pool.transaction { session in
                (
                    try store.state(of: customer, in: session),
                    try store.read(.after(0), of: customer, limit: 1_000, in: session).items.count { !$0.isRead }
                )
            }
            #expect(counted.position.seq == 200)
            #expect(counted.unread == Int64(unread))
        }
    }

    @Test("Each reads their own inbox, the desk shares one, the platform has none")
    func ownership() async throws {
        try await NotifyCampus.run { campus in
            try await campus.append([
                Samples.order(.exceptionReported(kind: .accident, by: AudienceCase.rider), id: .random())
            ])
            try await campus.waitForInbox(of: .desk(of: campus.id), lines: 1)
            for actor in ["customer:stu_1", "merchant:shop_1", "agent:a_1", "agent:a_2", "supervisor:s_1", "admin:d_1"]
            {
                #expect(try await campus.get("/v1/inbox", as: actor).numbers == [1], "\(actor)")
            }
            for actor in ["customer:stu_2", "merchant:shop_2", "rider:shop_1", "rider:stu_1"] {
                #expect(try await campus.get("/v1/inbox", as: actor).numbers.isEmpty, "\(actor)")
                #expect(try await campus.post("/v1/inbox/1/read", as: actor).status == 404, "\(actor)")
            }
            let platform = try await campus.get("/v1/inbox")
            #expect(platform.status == 403)
            #expect(platform.code == "forbidden")
            let other = try await campus.other()
            for actor in ["customer:stu_1", "merchant:shop_1", "agent:a_1"] {
                #expect(try await other.get("/v1/inbox", as: actor).numbers.isEmpty)
                #expect(try await other.post("/v1/inbox/1/read", as: actor).status == 404)
                #expect(try await other.post("/v1/inbox/read-all", as: actor)["unread"] == 0)
            }
            #expect(try await campus.get("/v1/inbox/unread", as: "customer:stu_1")["unread"] == 1)
        }
    }

    @Test("What makes no sense is refused by name")
    func refused() async throws {
        let queries = [
            ("after=x", "/after"), ("after=1-2-3", "/after"), ("after=0&before=4", "/before"), ("wait_s=5", "/wait_s"),
            ("after=0&wait_s=31", "/wait_s"), ("limit=101", "/limit"), ("limit=0", "/limit"), ("before=0", "/before"),
            ("color=red", "/color"),
        ]
        try await NotifyCampus.run { campus in
            for (query, pointer) in queries {
                let answer = try await campus.get("/v1/inbox?\(query)", as: "customer:stu_1")
                #expect(answer.status == 422, "\(query)")
                #expect(answer.pointers == [pointer], "\(query)")
            }
        }
    }
}
