import AsyncHTTPClient
import EventLog
import HTTPTypes
import Model
import NIOCore
import NIOHTTP1
import Postgres
import TestSupport
import Testing

@testable import NotifyService

@Suite("The live stream")
struct StreamTests {
    @Test("It begins after the newest line, gives its position at once, and brings what is filed then")
    func live() async throws {
        try await NotifyCampus.run { campus in
            try await campus.tell(3)
            try await campus.waitForInbox(of: campus.customer(), lines: 3)
            let response = try await campus.openStream(as: "customer:stu_1")
            #expect(response.status == .ok)
            #expect(response.headers.first(name: "content-type") == "text/event-stream")
            #expect(response.headers.first(name: "cache-control") == "no-store")
            #expect(response.headers.first(name: "x-accel-buffering") == "no")
            var parser = StreamParser()
            var events: [StreamEvent] = []
            for try await bytes in response.body {
                events += parser.consume(bytes.readableBytesView)
                if events.isEmpty, parser.lastID == "1-3" { try await campus.tell(2) }
                if events.count == 2 { break }
            }
            #expect(parser.retry == "1000")
            #expect(events.map(\.id) == ["1-4", "1-5"])
            #expect(events.map(\.name) == ["order.accepted", "order.accepted"])
            #expect(events.compactMap(\.seq) == [4, 5])
            #expect(events[0].json?["title"]?["zh-CN"] == "商家已接单")
        }
    }

    @Test("A position is resumed exactly; the header wins over the query")
    func resume() async throws {
        try await NotifyCampus.run { campus in
            try await campus.tell(6)
            try await campus.waitForInbox(of: campus.customer(), lines: 6)
            func numbers(_ header: String?, _ query: String, _ count: Int) async throws -> [Int64] {
                try await campus.readStream(as: "customer:stu_1", lastEventID: header, query: query) { _, events in
                    events.count >= count
                }.events.compactMap(\.seq)
            }
            #expect(try await numbers("1-4", "", 2) == [5, 6])
            #expect(try await numbers(nil, "last_event_id=1-2", 4) == [3, 4, 5, 6])
            #expect(try await numbers("1-5", "last_event_id=1-2", 1) == [6])
            #expect(try await numbers(nil, "last_event_id=0", 6) == [1, 2, 3, 4, 5, 6])
        }
    }

    @Test("A long backlog comes whole and in order, in as many reads as it takes")
    func backlog() async throws {
        try await NotifyCampus.run { campus in
            try await campus.tell(700)
            try await campus.waitForInbox(of: campus.customer(), lines: 700)
            let read = try await campus.readStream(as: "customer:stu_1", lastEventID: "1-0") { $1.count >= 700 }
            #expect(read.events.compactMap(\.seq) == Array(1...700))
        }
    }

    @Test("Where nothing can follow, the stream says resync and goes on from the present")
    func resync() async throws {
        try await NotifyCampus.run { campus in
            try await campus.tell(4)
            try await campus.waitForInbox(of: campus.customer(), lines: 4)
            try await campus.database.pool().autocommit { session in
                _ = try session.execute("delete from campus.inbox where seq <= 2")
            }
            let cases = [("7-3", "epoch"), ("1-9", "ahead"), ("1-1", "pruned"), ("banana", "epoch")]
            for (position, reason) in cases {
                let (parser, events) = try await campus.readStream(as: "customer:stu_1", lastEventID: position) {
                    !$1.isEmpty
                }
                #expect(events.map(\.name) == ["resync"], "\(position)")
                #expect(events[0].json == ["reason": .string(reason), "cursor": "1-4"], "\(position)")
                #expect(parser.lastID == "1-4")
            }
        }
    }

    @Test("A stream shows one's own lines only, and none to the platform itself")
    func ownership() async throws {
        try await NotifyCampus.run { campus in
            let other = try await campus.other()
            try await campus.tell(1)
            try await campus.tell(1, to: "stu_2")
            try await other.tell(1)
            try await campus.waitForInbox(of: campus.customer("stu_2"), lines: 1)
            try await campus.waitForInbox(of: other.customer(), lines: 1)
            let mine = try await campus.readStream(as: "customer:stu_1", lastEventID: "0") { !$1.isEmpty }
            let theirs = try await campus.readStream(as: "customer:stu_2", lastEventID: "0") { !$1.isEmpty }
            #expect(mine.events.count == 1 && theirs.events.count == 1)
            #expect(mine.events[0].json?["event_id"] != theirs.events[0].json?["event_id"])
            // Nothing beyond one's own number is there to go on from.
            let beyond = try await campus.readStream(as: "customer:stu_1", lastEventID: "1-2") { !$1.isEmpty }
            #expect(beyond.events[0].name == "resync")
            var request = HTTPClientRequest(url: "\(campus.instance.address)/v1/stream")
            #expect(try await HTTPClient.shared.execute(request, timeout: .seconds(60)).status == .unauthorized)
            request.headers.add(name: "authorization", value: "Bearer \(campus.key)")
            #expect(try await HTTPClient.shared.execute(request, timeout: .seconds(60)).status == .forbidden)
        }
    }

    @Test("A ticket opens one stream, once, within a minute; only its digest is stored")
    func tickets() async throws {
        let clock = ManualClock(SystemWallClock().now())
        try await NotifyCampus.run(clock: clock) { campus in
            func ticket() async throws -> String {
                let answer = try await campus.post("/v1/stream/tickets", as: "customer:stu_1")
                #expect(answer.status == 201)
                #expect(answer.headers[.cacheControl] == "no-store")
                return try #require(answer["ticket"]?.string)
            }
            func status(_ ticket: String) async throws -> UInt {
                try await campus.openStream(as: nil, query: "ticket=\(ticket)").status.code
            }
            let first = try await ticket()
            let stored = try await campus.database.pool().autocommit { session in
                try session.query("select encode(sha256, 'escape') || t::text from campus.stream_ticket t") {
                    try $0[0] as String
                }
            }
            #expect(stored.count == 1 && !stored[0].contains(first))
            try await campus.tell(1)
            try await campus.waitForInbox(of: campus.customer(), lines: 1)
            let read = try await campus.readStream(as: nil, query: "ticket=\(first)&last_event_id=0") { !$1.isEmpty }
            #expect(read.events.compactMap(\.seq) == [1])
            #expect(try await status(first) == 401)

            let second = try await ticket()
            clock.advance(by: .seconds(61))
            #expect(try await status(second) == 401)
            #expect(try await status("st_unknown") == 401)
            #expect(try await status("") == 422)

            let third = try await ticket()
            let attempts = try await withThrowingTaskGroup(of: UInt.self) { group in
                for _ in 0..<8 { group.addTask { try await status(third) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(attempts.count { $0 == 200 } == 1)
            #expect(attempts.count { $0 == 401 } == 7)
        }
    }

    @Test("Silence is broken by comments without an id, and the stream ends in time to be opened again")
    func heartbeatAndRotation() async throws {
        var limits = StreamLimits()
        limits.heartbeat = .milliseconds(300)
        limits.rotation = .seconds(4)
        limits.sweep = .milliseconds(50)
        try await QuickNotify.$limits.withValue(limits) {
            try await NotifyCampus.run { campus in
                let started = ContinuousClock.now
                let (parser, events) = try await campus.readStream(as: "customer:stu_1") { _, _ in false }
                #expect((.milliseconds(3_500)...(.seconds(30))).contains(ContinuousClock.now - started))
                #expect(parser.comments >= 3)
                #expect(parser.lastID == "1-0")
                #expect(events.isEmpty)
            }
        }
    }

    @Test("One user can open only so many streams; closing one makes room")
    func limit() async throws {
        var limits = StreamLimits()
        limits.perOwner = 2
        try await QuickNotify.$limits.withValue(limits) {
            try await NotifyCampus.run { campus in
                func open() async throws -> HTTPClientResponse { try await campus.openStream(as: "customer:stu_1") }
                let first = try await open()
                var second: HTTPClientResponse? = try await open()
                #expect(first.status == .ok && second?.status == .ok)
                #expect(try await open().status == .tooManyRequests)
                #expect(try await campus.get("/v1/inbox?after=0&wait_s=1", as: "customer:stu_1").status == 429)
                #expect(try await campus.openStream(as: "customer:stu_2").status == .ok)
                second = nil
                try await eventually("the closed stream is forgotten") { try await open().status == .ok }
                _ = first
            }
        }
    }

    @Test("A shutdown ends open streams and waiting requests at once")
    func shutdown() async throws {
        try await withDatabase { database in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                let opened = AsyncStream<Void>.makeStream()
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
                group.addTask {
                    let response = try await campus.openStream(as: "customer:stu_1")
                    opened.continuation.yield()
                    // Throws when the connection breaks instead of ending.
                    for try await _ in response.body {}
                    return true
                }
                group.addTask {
                    var request = HTTPClientRequest(url: "\(campus.instance.address)/v1/inbox?after=0&wait_s=30")
                    request.headers.add(name: "authorization", value: "Bearer \(campus.key)")
                    request.headers.add(name: "x-actor", value: "customer:stu_2")
                    return try await HTTPClient.shared.execute(request, timeout: .seconds(120)).status == .ok
                }
                for await _ in opened.stream { break }
                try await eventually("the stream and the request wait") { campus.instance.hub.openStreams == 2 }
                let started = ContinuousClock.now
                stop.continuation.yield()
                for try await isWell in group { #expect(isWell) }
                // By itself the request would have waited for half a minute.
                #expect(ContinuousClock.now - started < .seconds(25))
            }
        }
    }
}

@Suite("Resuming loses nothing and repeats nothing")
struct StreamResumeTests {
    @Test("Connections cut at random, writers that commit late, two instances: received is committed, in order, once")
    func randomCuts() async throws {
        try await withDatabase { database in
            try await NotifyCampus.serve(database) { first in
                let campus = try await NotifyCampus.seeded(database, first)
                try await NotifyCampus.serve(database) { second in
                    let instances = [campus, campus.with(second)]
                    let customers = (1...4).map { "stu_\($0)" }
                    let readers = customers.map { customer in
                        (customer, Task { try await Self.read(instances, as: customer) })
                    }
                    let committed = try await FanOutTests.write(
                        campus,
                        writers: 6,
                        transactions: 40,
                        customer: { customers.randomElement() ?? "" }
                    )
                    let pool = try database.pool(as: .notifyService)
                    try await eventually("everything is filed", within: .seconds(120)) {
                        try await FiledLines(pool).lines.count >= committed.count
                    }
                    let filed = try await FiledLines(pool)
                    filed.expectNoGaps()
                    #expect(filed.lines.count == committed.count)
                    for (customer, reader) in readers {
                        let last = filed.counters[campus.customer(customer)] ?? 0
                        // One more line says that all before it have been read.
                        try await campus.append([
                            Samples.order(.rejected(reason: "end"), id: .random(), customer: customer)
                        ])
                        let received = try await reader.value
                        #expect(received == Array(1...last), "\(customer)")
                    }
                }
            }
        }
    }

    /// Reads a stream, cutting the connection after a random number of bytes and coming back to the other instance, until the
    /// line that says so.
    private static func read(_ instances: [NotifyCampus], as customer: String) async throws -> [Int64] {
        var received: [Int64] = []
        var lastID = "1-0"
        for turn in 0... {
            var parser = StreamParser(lastID: lastID)
            var budget = Int.random(in: 0...6_000)
            let response = try await instances[turn % 2].openStream(as: "customer:\(customer)", lastEventID: lastID)
            reading: for try await bytes in response.body {
                for event in parser.consume(bytes.readableBytesView.prefix(budget)) {
                    guard event.name != "resync" else { throw NeverHappened(what: "a stream without resync") }
                    if event.name == "order.rejected" { return received }
                    if let seq = event.seq { received.append(seq) }
                }
                lastID = parser.lastID
                budget -= bytes.readableBytes
                if budget <= 0 { break reading }
            }
        }
        return received
    }
}
