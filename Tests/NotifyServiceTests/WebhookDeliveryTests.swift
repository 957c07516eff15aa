import HTTPTypes
import Hummingbird
import Model
import NIOCore
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import NotifyService

@Suite("Webhooks are delivered")
struct WebhookDeliveryTests {
    @Test("Each event goes to those who want it: signed, with its own id, the trace and the payload as it is")
    func delivered() async throws {
        try await WebhookReceiver.run { receiver in
            try await NotifyCampus.run { campus in
                let all = try await campus.subscribe(receiver.url)
                let some = try await campus.subscribe(receiver.url + "/refunds", to: ["refund.*", "order.cancelled"])
                let accepted = Samples.order(.accepted, id: .random())
                let cancelled = Samples.order(.cancelled(reason: "x", by: AudienceCase.customer), id: .random())
                try await campus.append([accepted, cancelled])
                try await receiver.wait(for: 3)
                try await campus.waitForDeliveries(2, of: all.id, "delivered")
                try await campus.waitForDeliveries(1, of: some.id, "delivered")
                let hooks = receiver.received.value
                #expect(hooks.count == 3)
                for hook in hooks {
                    #expect(hook.isSigned(with: hook.path == "/hook" ? all.secret : some.secret))
                    #expect(hook.signatures.count == 1)
                    #expect(hook.id.hasPrefix("evt_"))
                    #expect(hook.json.object?.members.map(\.name) == ["id", "type", "timestamp", "test", "data"])
                    #expect(hook.json["id"]?.string == hook.id)
                    #expect(hook.json["test"] == true)
                    #expect(hook.json["timestamp"] == .string(Samples.time.rfc3339))
                }
                #expect(hooks.filter { $0.path == "/hook/refunds" }.map { $0.json["type"] } == ["order.cancelled"])
                let first = try #require(hooks.first { $0.path == "/hook" && $0.json["type"] == "order.accepted" })
                #expect(first.json["data"] == accepted.json)
                let listed = try #require(try await campus.deliveries(of: some.id).first)
                #expect(listed["event_id"]?.string == hooks.first { $0.path == "/hook/refunds" }?.id)
                #expect(listed["attempts"]?.array?.count == 1)
                #expect(listed["attempts"]?.array?[0]["outcome"] == "delivered")
                #expect(listed["attempts"]?.array?[0]["http_status"] == 204)
            }
        }
    }

    @Test("A failure is tried again under the same id, with the time and the signature of each attempt")
    func retried() async throws {
        let clock = ManualClock(SystemWallClock().now())
        try await WebhookReceiver.run { _, before in
            clock.advance(by: .seconds(10))
            return Response(status: before < 3 ? .serviceUnavailable : .ok)
        } _: { receiver in
            try await NotifyCampus.run(clock: clock) { campus in
                let endpoint = try await campus.subscribe(receiver.url)
                try await campus.append([Samples.order(.accepted, id: .random())])
                try await campus.waitForDeliveries(1, of: endpoint.id, "delivered")
                let hooks = receiver.received.value
                #expect(hooks.count == 4)
                #expect(Set(hooks.map(\.id)).count == 1)
                let times = hooks.compactMap { Int64($0.timestamp) }
                #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 == 10 })
                #expect(hooks.allSatisfy { $0.isSigned(with: endpoint.secret) })
                #expect(Set(hooks.map(\.body)).count == 1)
                let attempts = try await campus.deliveries(of: endpoint.id)[0]["attempts"]?.array ?? []
                #expect(attempts.map { $0["number"]?.integer } == [1, 2, 3, 4])
                #expect(attempts.map { $0["http_status"]?.integer } == [503, 503, 503, 200])
                #expect(attempts.map { $0["outcome"]?.string } == ["refused", "refused", "refused", "delivered"])
            }
        }
    }

    @Test("After the last attempt a delivery is dead; replaying it makes a new run under the same id")
    func dead() async throws {
        try await QuickNotify.$timing.withValue(WebhookTiming(deadline: .seconds(30), haste: 100_000)) {
            let isUp = Box(false)
            try await WebhookReceiver.run { _, _ in
                Response(status: isUp.value ? .ok : .internalServerError)
            } _: { receiver in
                try await NotifyCampus.run { campus in
                    let endpoint = try await campus.subscribe(receiver.url)
                    try await campus.append((0..<3).map { _ in Samples.order(.accepted, id: .random()) })
                    try await campus.waitForDeliveries(3, of: endpoint.id, "dead")
                    #expect(receiver.received.value.count == 3 * RetrySchedule.orders.attempts)
                    isUp.value = true
                    let events = try await campus.deliveries(of: endpoint.id).compactMap { $0["event_id"]?.string }
                    let one = try await campus.post(
                        "/v1/webhook-endpoints/\(endpoint.id)/replay",
                        ["event_id": .string(events[0])]
                    )
                    #expect(one.status == 202)
                    #expect(one["replayed"] == 1)
                    try await campus.waitForDeliveries(1, of: endpoint.id, "delivered")
                    #expect(receiver.received.value.last?.id == events[0])
                    let rest = try await campus.post(
                        "/v1/webhook-endpoints/\(endpoint.id)/replay",
                        ["since": .string(Samples.time.rfc3339), "only_dead": true]
                    )
                    #expect(rest["replayed"] == 2)
                    #expect(rest["more"] == false)
                    try await campus.waitForDeliveries(3, of: endpoint.id, "delivered")
                    let attempts = try await campus.deliveries(of: endpoint.id)[0]["attempts"]?.array ?? []
                    #expect(attempts.count == RetrySchedule.orders.attempts + 1)
                    #expect(attempts.last?["reason"] == "replay")
                    let later = try await campus.post(
                        "/v1/webhook-endpoints/\(endpoint.id)/replay",
                        ["since": .string((Samples.time + .seconds(1)).rfc3339)]
                    )
                    #expect(later["replayed"] == 0)
                    let unknown = try await campus.post(
                        "/v1/webhook-endpoints/\(endpoint.id)/replay",
                        ["event_id": "evt_999999999"]
                    )
                    #expect(unknown.status == 422)
                }
            }
        }
    }

    @Test("An endpoint that answers 410 is disabled, and sent to again once it is made active")
    func gone() async throws {
        let isGone = Box(true)
        try await WebhookReceiver.run { _, _ in
            Response(status: isGone.value ? .gone : .ok)
        } _: { receiver in
            try await NotifyCampus.run { campus in
                let endpoint = try await campus.subscribe(receiver.url)
                try await campus.append([Samples.order(.accepted, id: .random())])
                try await campus.waitForDeliveries(1, of: endpoint.id, "dead")
                let path = "/v1/webhook-endpoints/\(endpoint.id)"
                let disabled = try await campus.get(path)
                #expect(disabled["status"] == "disabled")
                #expect(disabled["disabled_reason"] == "gone")
                try await campus.append([Samples.order(.accepted, id: .random(), customer: "stu_2")])
                try await campus.waitForInbox(of: campus.customer("stu_2"), lines: 1)
                #expect(receiver.received.value.count == 1)
                let replay = try await campus.post("\(path)/replay", ["since": .string(Samples.time.rfc3339)])
                #expect(replay.code == "illegal-transition")
                isGone.value = false
                let settings: JSON = ["url": .string(receiver.url), "event_types": ["*"], "status": "active"]
                let etag = try #require(disabled.headers[.eTag])
                let active = try await campus.send(.put, path, settings, headers: [.ifMatch: etag])
                #expect(active["status"] == "active")
                try await campus.append([Samples.order(.accepted, id: .random())])
                try await receiver.wait(for: 2)
            }
        }
    }

    @Test("What is on its way to an endpoint that is deleted or disabled is not sent")
    func abandoned() async throws {
        try await QuickNotify.$timing.withValue(WebhookTiming(deadline: .seconds(30), haste: 10)) {
            try await WebhookReceiver.run { _, _ in
                Response(status: .badGateway)
            } _: { receiver in
                try await NotifyCampus.run { campus in
                    let deleted = try await campus.subscribe(receiver.url)
                    let disabled = try await campus.subscribe(receiver.url)
                    try await campus.append([Samples.order(.accepted, id: .random())])
                    try await receiver.wait(for: 2)
                    let path = "/v1/webhook-endpoints"
                    #expect(try await campus.send(.delete, "\(path)/\(deleted.id)").status == 204)
                    let settings: JSON = ["url": .string(receiver.url), "event_types": ["*"], "status": "disabled"]
                    let put = try await campus.send(
                        .put,
                        "\(path)/\(disabled.id)",
                        settings,
                        headers: [.ifMatch: "\"v1\""]
                    )
                    #expect(put["disabled_reason"] == "requested")
                    let before = receiver.received.value.count
                    try await campus.waitForDeliveries(1, of: disabled.id, "dead")
                    try await campus.waitUntilNothingIsOwed()
                    // An attempt that had begun may still have arrived.
                    #expect(receiver.received.value.count <= before + 2)
                }
            }
        }
    }

    @Test("A redirect is an answer like any other: nothing is sent where it points")
    func redirect() async throws {
        try await QuickNotify.$timing.withValue(WebhookTiming(deadline: .seconds(30), haste: 100_000)) {
            try await WebhookReceiver.run { hook, _ in
                hook.path == "/inside"
                    ? Response(status: .ok) : Response(status: .temporaryRedirect, headers: [.location: "/inside"])
            } _: { receiver in
                try await NotifyCampus.run { campus in
                    let endpoint = try await campus.subscribe(receiver.url)
                    try await campus.append([Samples.order(.accepted, id: .random())])
                    try await campus.waitForDeliveries(1, of: endpoint.id, "dead")
                    #expect(receiver.received.value.allSatisfy { $0.path == "/hook" })
                    let attempts = try await campus.deliveries(of: endpoint.id)[0]["attempts"]?.array ?? []
                    #expect(attempts.allSatisfy { $0["http_status"] == 307 && $0["outcome"] == "refused" })
                }
            }
        }
    }

    @Test("An answer without end is read only so far; what is kept of it is short and holds no secret")
    func endlessAnswer() async throws {
        let sent = Box(0)
        try await WebhookReceiver.run { _, _ in
            Response(
                status: .ok,
                body: ResponseBody { writer in
                    try await writer.write(ByteBuffer(string: "token ck_live_0123456789abcdef0123\u{0}\n"))
                    while true {
                        try await writer.write(ByteBuffer(repeating: UInt8(ascii: "x"), count: 4_096))
                        sent.update { $0 += 4_096 }
                    }
                }
            )
        } _: { receiver in
            try await NotifyCampus.run { campus in
                let endpoint = try await campus.subscribe(receiver.url)
                try await campus.append([Samples.order(.accepted, id: .random())])
                try await campus.waitForDeliveries(1, of: endpoint.id, "delivered")
                let attempt = try #require(try await campus.deliveries(of: endpoint.id)[0]["attempts"]?.array?.first)
                let excerpt = try #require(attempt["response_excerpt"]?.string)
                #expect(excerpt.count <= ResponseExcerpt.limit)
                #expect(!excerpt.contains("0123456789abcdef"))
                #expect(excerpt.hasPrefix("token "))
                // What was not read fills the buffers of two sockets at most.
                #expect(sent.value < 20_000_000)
            }
        }
    }

    @Test("An endpoint that hangs holds up nobody else")
    func hanging() async throws {
        let isOver = Box(false)
        // So long that whoever waits for the hanging endpoint misses the end of the test.
        try await QuickNotify.$timing.withValue(WebhookTiming(deadline: .seconds(600), haste: 1)) {
            try await WebhookReceiver.run { hook, _ in
                if hook.path == "/hang" {
                    try await eventually("the test is over", within: .seconds(600)) { isOver.value }
                }
                return Response(status: .ok)
            } _: { receiver in
                defer { isOver.value = true }
                try await NotifyCampus.run { campus in
                    defer { isOver.value = true }
                    _ = try await campus.subscribe("http://127.0.0.1:\(receiver.port)/hang")
                    let healthy = try await campus.subscribe(receiver.url)
                    try await campus.append((0..<40).map { _ in Samples.order(.accepted, id: .random()) })
                    try await campus.waitForDeliveries(40, of: healthy.id, "delivered")
                    let hanging = receiver.received.value.count { $0.path == "/hang" }
                    #expect((1...8).contains(hanging))
                }
            }
        }
    }

    @Test("An attempt ends at its deadline, whether the answer never begins or never ends")
    func deadline() async throws {
        let isOver = Box(false)
        try await QuickNotify.$timing.withValue(WebhookTiming(deadline: .seconds(2), haste: 1)) {
            try await WebhookReceiver.run { hook, _ in
                if hook.path == "/hang" {
                    try await eventually("the test is over", within: .seconds(600)) { isOver.value }
                }
                return Response(
                    status: .ok,
                    body: ResponseBody { writer in
                        try await writer.write(ByteBuffer(string: "a"))
                        try await eventually("the test is over", within: .seconds(600)) { isOver.value }
                        try await writer.finish(nil)
                    }
                )
            } _: { receiver in
                defer { isOver.value = true }
                try await NotifyCampus.run { campus in
                    defer { isOver.value = true }
                    let silent = try await campus.subscribe("http://127.0.0.1:\(receiver.port)/hang")
                    let slow = try await campus.subscribe(receiver.url)
                    try await campus.append([Samples.order(.accepted, id: .random())])
                    try await eventually("an attempt timed out") {
                        try await campus.deliveries(of: silent.id).first?["attempts"]?.array?.first?["outcome"]
                            == "timed_out"
                    }
                    // Its status came in time, and counts.
                    try await campus.waitForDeliveries(1, of: slow.id, "delivered")
                    for endpoint in [silent, slow] {
                        let attempt = try await campus.deliveries(of: endpoint.id)[0]["attempts"]?.array?.first
                        #expect((1_900...30_000).contains(attempt?["latency_ms"]?.integer ?? 0))
                    }
                }
            }
        }
    }

    @Test("A secret that cannot be read makes a failed attempt like any other, and the delivery succeeds once it can")
    func unreadableSecret() async throws {
        try await WebhookReceiver.run { receiver in
            try await NotifyCampus.run { campus in
                let endpoint = try await campus.subscribe(receiver.url)
                let pool = try campus.database.pool(size: 1)
                let sealed: [UInt8] = try await pool.transaction { session in
                    let sealed: [UInt8] = try session.one("select sealed from campus.webhook_secret") { try $0[0] }
                    try session.execute("update campus.webhook_secret set sealed = set_byte(sealed, 20, 0) || '\\x00'")
                    return sealed
                }
                try await campus.append([Samples.order(.accepted, id: .random())])
                try await eventually("an attempt is written down") {
                    try await campus.deliveries(of: endpoint.id).first?["attempts"]?.array?.isEmpty == false
                }
                try await pool.autocommit { session in
                    _ = try session.execute("update campus.webhook_secret set sealed = \(sealed)")
                }
                try await campus.waitForDeliveries(1, of: endpoint.id, "delivered")
                let attempts = try await campus.deliveries(of: endpoint.id)[0]["attempts"]?.array ?? []
                #expect(attempts.first?["outcome"] == "failed")
                #expect(attempts.first?["error"] == "the endpoint's secret cannot be read")
                #expect(attempts.last?["outcome"] == "delivered")
                #expect(receiver.received.value.count == 1)
            }
        }
    }

    @Test("Events of one order arrive in order although the first ones fail at first")
    func inOrder() async throws {
        let failed = Box<Set<String>>([])
        try await WebhookReceiver.run { hook, _ in
            let isFirst = failed.update { $0.insert(hook.id).inserted }
            return Response(status: isFirst && Int.random(in: 0..<2) == 0 ? .serviceUnavailable : .ok)
        } _: { receiver in
            try await NotifyCampus.run { campus in
                let endpoint = try await campus.subscribe(receiver.url)
                let orders = (0..<5).map { _ in OrderID.random() }
                for version in 1...6 {
                    try await campus.append(orders.map { Samples.order(.accepted, id: $0, version: Int64(version)) })
                }
                try await campus.waitForDeliveries(30, of: endpoint.id, "delivered")
                for order in orders {
                    let versions = receiver.received.value
                        .filter { $0.json["data"]?["order_id"] == .string(order.description) }
                        .compactMap { $0.json["data"]?["version"]?.integer }
                    #expect(versions == versions.sorted(), "\(versions)")
                    #expect(Set(versions) == Set(1...6))
                }
            }
        }
    }

    @Test("Retry-After puts off the next attempt")
    func retryAfter() async throws {
        try await WebhookReceiver.run { _, before in
            before == 0 ? Response(status: .tooManyRequests, headers: [.retryAfter: "1500"]) : Response(status: .ok)
        } _: { receiver in
            try await NotifyCampus.run { campus in
                let endpoint = try await campus.subscribe(receiver.url)
                try await campus.append([Samples.order(.accepted, id: .random())])
                try await campus.waitForDeliveries(1, of: endpoint.id, "delivered")
                let hooks = receiver.received.value
                // A thousandth of what was asked for, since this service hurries a thousandfold.
                #expect(hooks[1].at - hooks[0].at >= .milliseconds(1_400))
            }
        }
    }
}

@Suite("What is kept of an answer")
struct ResponseExcerptTests {
    @Test("It is one line, cut by scalars, without secrets; an empty answer leaves nothing")
    func cleaned() {
        #expect(ResponseExcerpt.make([]) == nil)
        #expect(ResponseExcerpt.make(Array("a\r\nb\u{0}c".utf8)) == "a  b c")
        #expect(ResponseExcerpt.make(Array("key whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".utf8)) == "key [masked]")
        let flags = ResponseExcerpt.make(Array(String(repeating: "🇨🇳", count: 900).utf8)) ?? ""
        #expect(flags.unicodeScalars.count <= ResponseExcerpt.limit)
    }
}

@Suite("Retry-After")
struct RetryAfterTests {
    @Test("Seconds and dates are read, anything else is not")
    func parsed() {
        let now = Timestamp(seconds: 784_111_777)
        #expect(RetryAfter.parse("120", now: now) == .seconds(120))
        #expect(RetryAfter.parse("Sun, 06 Nov 1994 08:49:47 GMT", now: now) == .seconds(10))
        #expect(RetryAfter.parse("Sun, 06 Nov 1994 08:49:00 GMT", now: now) == .zero)
        for text in ["", "-1", "1.5", "soon", "99999999999", "Sun, 06 Nov 1994", "Sun, 06 Foo 1994 08:49:47 GMT"] {
            #expect(RetryAfter.parse(text, now: now) == nil, "\(text)")
        }
    }
}
