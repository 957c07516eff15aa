import AsyncHTTPClient
import Crypto
import FoundationEssentials
import HTTPTypes
import Model
import NIOCore
import NIOHTTP1
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import NotifyService

@Suite("What ends a stream")
struct StreamEndTests {
    @Test("A client that does not read is cut off, and gives its place back")
    func slowClient() async throws {
        var limits = StreamLimits()
        limits.writeTimeout = .seconds(1)
        limits.sweep = .milliseconds(50)
        try await QuickNotify.$limits.withValue(limits) {
            try await NotifyCampus.run { campus in
                try await campus.fillInbox()
                let listening = try await campus.openStream(as: "customer:stu_2")
                let unread = try await campus.openStream(as: "customer:stu_1", lastEventID: "0")
                #expect(campus.instance.hub.openStreams == 2)
                try await eventually("only the other stream is open") { campus.instance.hub.openStreams == 1 }
                // Its end was not a proper one.
                await #expect(throws: (any Error).self) { for try await _ in unread.body {} }
                #expect(listening.status == .ok)
            }
        }
    }

    @Test("A shutdown does not wait for a client that does not read", .timeLimit(.minutes(2)))
    func shutdownBesideSlowClient() async throws {
        try await withDatabase { database in
            let unread = Box<HTTPClientResponse?>(nil)
            try await NotifyCampus.serve(database) { instance in
                let campus = try await NotifyCampus.seeded(database, instance)
                try await campus.fillInbox()
                unread.value = try await campus.openStream(as: "customer:stu_1", lastEventID: "0")
                try await eventually("a write waits") {
                    !instance.hub.stuckStreams(for: .milliseconds(300), now: .now).isEmpty
                }
            }
            #expect(unread.value?.status == .ok)
        }
    }

    @Test("A stream ends with the credential that opened it, by itself or through a ticket")
    func credentialEnds() async throws {
        // Stands still, so that the token holds however long it takes to open the streams.
        let clock = ManualClock(SystemWallClock().now())
        try await NotifyCampus.run(clock: clock) { campus in
            let token = try await campus.token(of: "customer:stu_1", until: clock.now() + .seconds(3))
            let ticket = try await campus.ticket(by: token)
            let started = ContinuousClock.now
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (query, credential) in [("", token), ("?ticket=\(ticket)", nil)] {
                    var request = HTTPClientRequest(url: "\(campus.instance.address)/v1/stream\(query)")
                    if let credential { request.headers.add(name: "authorization", value: "Bearer \(credential)") }
                    group.addTask { [request] in
                        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(120))
                        #expect(response.status == .ok)
                        for try await _ in response.body {}
                    }
                }
                try await group.waitForAll()
            }
            #expect((.seconds(1)...(.seconds(60))).contains(ContinuousClock.now - started))
            #expect(campus.instance.hub.openStreams == 0)
        }
    }

    @Test("More streams than the process may hold are refused until there is room")
    func processLimit() async throws {
        try await NotifyCampus.run(settings: ["STREAM_LIMIT": "1"]) { campus in
            let first = try await campus.openStream(as: "customer:stu_1")
            #expect(first.status == .ok)
            let refused = try await campus.openStream(as: "customer:stu_2")
            #expect(refused.status == .serviceUnavailable)
            #expect(refused.headers.first(name: "retry-after") == "5")
            #expect(try await campus.get("/v1/inbox?after=0&wait_s=1", as: "customer:stu_2").status == 503)
            #expect(try await campus.get("/v1/inbox?after=0", as: "customer:stu_2").status == 200)
        }
    }
}

@Suite("Streams are shared between campuses", .timeLimit(.minutes(2)))
struct StreamShareTests {
    @Test("A platform that names ever new users takes three quarters of all streams and leaves the rest to others")
    func campusLimit() async throws {
        try await NotifyCampus.run(settings: ["STREAM_LIMIT": "4"]) { campus in
            let other = try await campus.other()
            var streams = [
                try await campus.openStream(as: "customer:stu_1"), try await campus.openStream(as: "customer:stu_2"),
                try await campus.openStream(as: "customer:stu_3"),
            ]
            let refused = try await campus.get("/v1/inbox?after=0&wait_s=1", as: "customer:stu_4")
            #expect(refused.status == 429)
            #expect(refused.code == "too-many-streams")
            #expect(refused["detail"]?.string?.contains("campus") == true)
            #expect(refused.headers[.retryAfter] == "5")
            #expect(try await campus.get("/v1/events?after=latest&wait_s=1").status == 429)
            streams.append(try await other.openStream(as: "customer:stu_1"))
            #expect(streams.map(\.status) == [.ok, .ok, .ok, .ok])
        }
    }

    @Test("Users of two campuses that have the same name have their streams each, tickets included")
    func names() throws {
        var limits = StreamLimits()
        limits.perOwner = 1
        let hub = StreamHub(limits: limits, logger: .silent) { _, _ in InboxLines(epoch: 1, items: []) }
        func open(_ campus: CampusID) throws -> StreamSubscription {
            try hub.open(
                .desk(of: campus),
                owner: "agent:kf_1",
                after: InboxCursor(epoch: 1, seq: 0),
                greeting: [],
                lifetime: .seconds(60)
            )
        }
        let other = CampusID.random()
        let first = try open(Samples.campus)
        _ = try open(other)
        #expect(throws: Slots.Refusal.tooManyOfOwner(limit: 1)) { _ = try open(other) }
        hub.remove(first)
        #expect(throws: Slots.Refusal.tooManyOfOwner(limit: 1)) { _ = try open(other) }
        _ = try open(Samples.campus)
    }
}

extension NotifyCampus {
    /// Files more than all buffers between the service and a client hold.
    fileprivate func fillInbox() async throws {
        let pool = try database.pool(size: 1)
        try await pool.transaction { session in
            try session.execute(
                """
                insert into campus.inbox_counter (campus_id, recipient_kind, recipient_id, last_seq, unread)
                values (\(id), 'customer', 'stu_1', 2000, 2000)
                """
            )
            try session.execute(
                """
                insert into campus.inbox (campus_id, recipient_kind, recipient_id, seq, event_id, type, data, occurred_at)
                select \(id), 'customer', 'stu_1', n, n, 'order.accepted', jsonb_build_object('padding', repeat('x', 16000)), now()
                from generate_series(1, 2000) n
                """
            )
        }
        await pool.shutdown()
    }

    /// A user's token, signed by a key of this campus.
    fileprivate func token(of actor: String, until expiry: Timestamp) async throws -> String {
        let secret = Array("a secret of thirty-two bytes or more".utf8)
        try await database.pool(size: 1).transaction { session in
            try session.execute(
                """
                insert into campus.verification_key (kid, campus_id, algorithm, key)
                values (\("kid-\(id)"), \(id), 'HS256', \(Self.base64URL(secret)))
                """
            )
        }
        let actor = try #require(Actor(actor))
        let claims: JSON = [
            "sub": .string(actor.id), "role": .string(actor.role.rawValue), "campus": .string(id.description),
            "exp": .integer(expiry.seconds),
        ]
        let header: JSON = ["alg": "HS256", "kid": .string("kid-\(id)"), "typ": "JWT"]
        let content = [header, claims].map { Self.base64URL($0.serialized()) }.joined(separator: ".")
        let code = HMAC<SHA256>.authenticationCode(for: Data(content.utf8), using: SymmetricKey(data: secret))
        return "\(content).\(Self.base64URL(Array(code)))"
    }

    /// A ticket that stands in for that token.
    fileprivate func ticket(by token: String) async throws -> String {
        var request = HTTPClientRequest(url: "\(instance.address)/v1/stream/tickets")
        request.method = .POST
        request.headers.add(name: "authorization", value: "Bearer \(token)")
        request.headers.add(name: "idempotency-key", value: "ticket")
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let body = try JSON(parsing: Array(buffer: try await response.body.collect(upTo: 10_000)))
        return try #require(body["ticket"]?.string, "\(body.text)")
    }

    private static func base64URL(_ bytes: [UInt8]) -> String {
        String(
            Data(bytes).base64EncodedString().compactMap { character -> Character? in
                switch character {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: character
                }
            }
        )
    }
}
