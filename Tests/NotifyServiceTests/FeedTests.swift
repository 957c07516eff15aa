import AsyncHTTPClient
import EventLog
import Model
import NIOCore
import NIOHTTP1
import Postgres
import TestSupport
import Testing

@testable import NotifyService

extension Answer {
    /// The ids of a page of the feed.
    fileprivate var events: [String] { (body["items"]?.array ?? []).compactMap { $0["id"]?.string } }
    /// The types of a page of the feed.
    fileprivate var types: [String] { (body["items"]?.array ?? []).compactMap { $0["type"]?.string } }
    /// Where the feed goes on.
    fileprivate var cursor: String { body["cursor"]?.string ?? "" }
}

extension NotifyCampus {
    /// Appends events as the owner of their stream does, and lets them be consumed.
    func append(_ events: [NewEvent], to stream: EventStream) async throws {
        let pool = try database.pool(as: stream == .orders ? .orderService : .afterSalesService, size: 1)
        try await pool.transaction { session in
            try EventStore(stream: stream).append(events, in: session)
        }
        await pool.shutdown()
        instance.ticker.hint()
    }

    /// Everything of the feed after a cursor.
    func feed(after cursor: String? = nil, _ query: String = "") async throws -> (items: [JSON], cursor: String) {
        var (items, cursor) = ([JSON](), cursor)
        while true {
            let page = try await get("/v1/events?\(query)" + (cursor.map { "&after=\($0)" } ?? ""))
            #expect(page.status == 200, "\(page.body.text)")
            items += page["items"]?.array ?? []
            cursor = page.cursor
            if page["has_more"] == false { return (items, page.cursor) }
        }
    }

    /// Waits until the feed has so many events, and returns them.
    func waitForFeed(_ count: Int) async throws -> [JSON] {
        let found = Box<[JSON]>([])
        try await eventually("the feed has \(count) events") {
            found.value = try await feed().items
            return found.value.count >= count
        }
        return found.value
    }
}

@Suite("The event feed")
struct FeedTests {
    @Test("Each event has the id and, to the byte, the body of its webhook; an order's events are in order")
    func sameAsWebhook() async throws {
        try await WebhookReceiver.run { receiver in
            try await NotifyCampus.run { campus in
                _ = try await campus.subscribe(receiver.url)
                try await campus.append([Samples.order(.placed), Samples.order(.accepted, version: 2)])
                try await campus.append([Samples.afterSales(.opened).recorded(in: campus.id)], to: .afterSales)
                let refund = Samples.refund(.failed(code: "额度不足"))
                try await campus.append([refund.recorded(in: campus.id)], to: .afterSales)
                try await receiver.wait(for: 4)
                let items = try await campus.waitForFeed(4)
                let types = items.map { $0["type"]?.string }
                #expect(types == ["order.placed", "order.accepted", "case.opened", "refund.failed"])
                let bodies = Dictionary(uniqueKeysWithValues: receiver.received.value.map { ($0.id, $0.body) })
                let bytes = try await campus.get("/v1/events").bytes
                for item in items {
                    let body = try #require(bodies[item["id"]?.string ?? ""])
                    #expect(item.serialized() == body)
                    #expect(bytes.contains(body), "the very bytes")
                    #expect(item["test"] == true)
                }
            }
        }
    }

    @Test("A cursor goes on where it was, after a restart too, past a transaction that commits late")
    func lateCommitAndRestart() async throws {
        try await withDatabase { database in
            let campuses = Box<NotifyCampus?>(nil)
            let cursor = Box("")
            let (late, quick) = (OrderID.random(), OrderID.random())
            try await NotifyCampus.serve(database) { instance in
                let campus = try await NotifyCampus.seeded(database, instance)
                campuses.value = campus
                let (isAppended, isReleased) = (Flag(), Flag())
                let holder = try database.pool(as: .orderService, size: 1)
                async let holding: Void = holder.transaction { session in
                    let event = Samples.order(.placed, id: late).recorded(in: campus.id)
                    try EventStore(stream: .orders).append([event], in: session)
                    isAppended.set()
                    try session.stayOpen(until: isReleased)
                }
                try await eventually("the late one is under way") { isAppended.value }
                var position = try await campus.get("/v1/events").cursor
                var read: [String] = []
                for version in 1...20 {
                    try await campus.append([Samples.order(.accepted, id: quick, version: Int64(version))])
                    let (items, next) = try await campus.feed(after: position, "limit=3")
                    read += items.compactMap { $0["data"]?["order_id"]?.string }
                    position = next
                }
                try await eventually("the quick ones are there, and nothing waits for the late one") {
                    let (items, next) = try await campus.feed(after: position, "limit=3")
                    read += items.compactMap { $0["data"]?["order_id"]?.string }
                    position = next
                    return read.count == 20
                }
                #expect(Set(read) == [quick.description])
                cursor.value = position
                isReleased.set()
                try await holding
                instance.ticker.hint()
            }
            let former = try #require(campuses.value)
            try await NotifyCampus.serve(database) { instance in
                let campus = former.with(instance)
                let position = cursor.value
                try await eventually("the late one comes after the restart, and alone") {
                    try await campus.feed(after: position).items.map { $0["data"]?["order_id"]?.string } == [
                        late.description
                    ]
                }
            }
        }
    }

    @Test("Only types and orders asked for, and never what is the services' own")
    func filters() async throws {
        try await NotifyCampus.run { campus in
            let order = OrderID.random()
            let own = NewEvent(
                type: .clockAdvanced,
                campus: campus.id,
                subject: .random(),
                version: 1,
                root: .random(),
                actor: .system("test"),
                at: Samples.time,
                payload: [:]
            )
            try await campus.append([own], to: .orders)
            try await campus.append([Samples.order(.placed), Samples.order(.accepted, id: order)])
            try await campus.append([Samples.refund(.succeeded).recorded(in: campus.id)], to: .afterSales)
            _ = try await campus.waitForFeed(3)
            func types(_ query: String) async throws -> [String] {
                let answer = try await campus.get("/v1/events?\(query)")
                return answer.types
            }
            #expect(try await types("") == ["order.placed", "order.accepted", "refund.succeeded"])
            #expect(try await types("types=*") == ["order.placed", "order.accepted", "refund.succeeded"])
            #expect(try await types("types=refund.*,order.placed") == ["order.placed", "refund.succeeded"])
            #expect(try await types("types=case.*").isEmpty)
            #expect(try await types("order_id=\(order)") == ["order.accepted"])
            #expect(try await types("order_id=\(Samples.order)&types=refund.succeeded") == ["refund.succeeded"])
            #expect(try await types("after=latest").isEmpty)
            #expect(try await campus.get("/v1/events?types=order.eaten").status == 422)
        }
    }

    @Test("Another campus sees nothing of it, and nobody but a platform's key does")
    func isolation() async throws {
        try await NotifyCampus.run { campus in
            let other = try await campus.other()
            try await campus.append([Samples.order(.placed)])
            let cursor = try await campus.get("/v1/events").cursor
            _ = try await campus.waitForFeed(1)
            #expect(try await other.feed().items.isEmpty)
            #expect(try await other.feed(after: cursor).items.isEmpty)
            #expect(try await other.feed(after: nil, "order_id=\(Samples.order)").items.isEmpty)
            for actor in ["customer:stu_1", "admin:a", "agent:b"] {
                #expect(try await campus.get("/v1/events", as: actor).status == 403)
            }
            try await campus.database.pool(as: .superuser, size: 1).autocommit { session in
                _ = try session.execute(
                    "update campus.platform_key set scopes = '{orders:read}' where campus_id = \(other.id)"
                )
            }
            try await eventually("the key has lost the scope") { try await other.get("/v1/events").status == 403 }
        }
    }

    @Test("A cursor that cannot be gone on from is 410 with the place where reading can")
    func gone() async throws {
        try await NotifyCampus.run { campus in
            try await campus.append([Samples.order(.placed)])
            _ = try await campus.waitForFeed(1)
            let parts = try await campus.get("/v1/events?after=latest").cursor.split(separator: ".").map(String.init)
            let old = "\((SystemWallClock().now() - .seconds(365 * 86_400)).microseconds)"
            let positions = [
                ("expired", [parts[0], "0", "0", old]), ("epoch", ["9", "0", "0", parts[3]]),
            ]
            for (reason, position) in positions {
                let answer = try await campus.get("/v1/events?after=\(position.joined(separator: "."))")
                #expect(answer.status == 410)
                #expect(answer.code == "cursor-expired")
                #expect(answer["reason"]?.string == reason)
                let resume = try #require(answer["resume_from"]?.string)
                #expect(try await campus.feed(after: resume).items.count == 1)
            }
            for text in ["1", "banana", "1.2.3.4.5", "-1", "1.2.3.99999999999999999999", "now"] {
                let answer = try await campus.get("/v1/events?after=\(text)")
                #expect(answer.status == 422)
                #expect(answer.pointers == ["/after"])
            }
        }
    }
}

@Suite("Waiting for the event feed")
struct FeedWaitingTests {
    @Test("A reader who waits is answered within a second, by whichever instance, and with nothing when its time is up")
    func longPoll() async throws {
        try await withDatabase { database in
            try await NotifyCampus.serve(database) { first in
                let campus = try await NotifyCampus.seeded(database, first)
                let neighbour = try await campus.other()
                try await NotifyCampus.serve(database) { second in
                    let elsewhere = campus.with(second)
                    var cursor = try await campus.get("/v1/events?after=latest").cursor
                    var delays: [Duration] = []
                    for round in 0..<5 {
                        let position = cursor
                        async let waiting = elsewhere.get("/v1/events?after=\(position)&wait_s=30")
                        async let other = neighbour.get("/v1/events?after=\(position)&wait_s=2")
                        try await eventually("the request waits") { second.room.waiting == 1 }
                        let appended = ContinuousClock.now
                        try await campus.append([Samples.order(.accepted, version: Int64(round + 1))])
                        let answer = try await waiting
                        delays.append(ContinuousClock.now - appended)
                        #expect(answer.types == ["order.accepted"])
                        #expect(try await other.types.isEmpty)
                        cursor = answer.cursor
                    }
                    #expect(try #require(delays.min()) < .seconds(1), "\(delays)")
                    let begun = ContinuousClock.now
                    let nothing = try await campus.get("/v1/events?after=\(cursor)&wait_s=1")
                    #expect(nothing.types.isEmpty)
                    #expect(nothing["has_more"] == false)
                    #expect(ContinuousClock.now - begun >= .milliseconds(900))
                }
            }
        }
    }

    @Test("One who waits for certain events is not answered with others, and does not miss its own")
    func filtered() async throws {
        try await NotifyCampus.run { campus in
            let cursor = try await campus.get("/v1/events?after=latest").cursor
            async let waiting = campus.get("/v1/events?after=\(cursor)&wait_s=30&types=refund.*")
            try await eventually("the request waits") { campus.instance.room.waiting == 1 }
            for version in 1...5 {
                try await campus.append([Samples.order(.accepted, version: Int64(version))])
            }
            _ = try await campus.waitForFeed(5)
            #expect(campus.instance.room.waiting == 1)
            try await campus.append([Samples.refund(.succeeded).recorded(in: campus.id)], to: .afterSales)
            #expect(try await waiting.types == ["refund.succeeded"])
        }
    }

    @Test("The time of one who waits for certain events is up when it is, however much else happens")
    func filteredInVain() async throws {
        try await NotifyCampus.run { campus in
            let isAnswered = Flag()
            async let busy: Void = {
                while !isAnswered.value { try await campus.tell(1) }
            }()
            #expect(try await campus.get("/v1/events?after=latest&wait_s=1&types=case.*").types.isEmpty)
            isAnswered.set()
            try await busy
        }
    }

    @Test("A key may have so many requests waiting; the next is 429, and another key is none the worse for it")
    func limit() async throws {
        try await QuickNotify.$limits.withValue(StreamLimits(perOwner: 2)) {
            try await NotifyCampus.run { campus in
                let other = try await campus.other()
                async let first = campus.get("/v1/events?after=latest&wait_s=30")
                async let second = campus.get("/v1/events?after=latest&wait_s=30")
                try await eventually("two wait") { campus.instance.room.waiting == 2 }
                let third = try await campus.get("/v1/events?after=latest&wait_s=30")
                #expect(third.status == 429)
                #expect(third.code == "too-many-streams")
                #expect(try await campus.get("/v1/events?after=latest").status == 200, "it does not wait")
                #expect(try await other.get("/v1/events?after=latest&wait_s=1").status == 200)
                try await campus.append([Samples.order(.placed)])
                #expect(try await first.types == ["order.placed"])
                #expect(try await second.types == ["order.placed"])
                try await eventually("their seats are free") { campus.instance.room.waiting == 0 }
            }
        }
    }

    @Test("A shutdown answers those who wait at once")
    func shutdown() async throws {
        try await withDatabase { database in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                let stop = AsyncStream<Void>.makeStream()
                let campuses = AsyncStream<NotifyCampus>.makeStream()
                group.addTask {
                    try await NotifyCampus.serve(database) { instance in
                        campuses.continuation.yield(try await NotifyCampus.seeded(database, instance))
                        for await _ in stop.stream { break }
                    }
                    return true
                }
                guard let campus = await campuses.stream.first(where: { _ in true }) else { return }
                for _ in 0..<3 {
                    group.addTask {
                        var request = HTTPClientRequest(
                            url: "\(campus.instance.address)/v1/events?after=latest&wait_s=30"
                        )
                        request.headers.add(name: "authorization", value: "Bearer \(campus.key)")
                        return try await HTTPClient.shared.execute(request, timeout: .seconds(120)).status == .ok
                    }
                }
                try await eventually("they wait") { campus.instance.room.waiting == 3 }
                let started = ContinuousClock.now
                stop.continuation.yield()
                for try await isWell in group { #expect(isWell) }
                // By themselves they would have waited for half a minute.
                #expect(ContinuousClock.now - started < .seconds(25))
            }
        }
    }
}

extension CaseEvent {
    /// The event as AfterSalesService appends it.
    func recorded(in campus: CampusID) -> NewEvent {
        .afterSales(type, facts.caseID.retyped(), facts.version, of: facts.orderID, json, in: campus)
    }
}

extension RefundEvent {
    /// The event as AfterSalesService appends it.
    func recorded(in campus: CampusID) -> NewEvent {
        .afterSales(type, facts.refundID.retyped(), facts.version, of: facts.orderID, json, in: campus)
    }
}

extension ErasureRequest {
    /// The event as AfterSalesService appends it.
    func recorded(in campus: CampusID) -> NewEvent {
        .afterSales(type, id.retyped(), 1, of: id.retyped(), json, in: campus)
    }
}

extension NewEvent {
    fileprivate static func afterSales(
        _ type: EventType,
        _ subject: AnyID,
        _ version: Int64,
        of order: OrderID,
        _ payload: JSON,
        in campus: CampusID
    ) -> NewEvent {
        NewEvent(
            type: type,
            campus: campus,
            subject: subject,
            version: version,
            root: order.retyped(),
            actor: .system("test"),
            at: Samples.time,
            payload: payload
        )
    }
}
