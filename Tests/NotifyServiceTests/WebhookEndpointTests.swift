import EventLog
import HTTPTypes
import Hummingbird
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import NotifyService

@Suite("Webhook endpoints")
struct WebhookEndpointTests {
    let settings: JSON = ["url": "https://platform.example.com/hooks", "event_types": ["order.*", "refund.succeeded"]]

    @Test("An endpoint is made, read, changed under its version, listed and removed")
    func life() async throws {
        try await NotifyCampus.run { campus in
            let made = try await campus.post("/v1/webhook-endpoints", settings)
            #expect(made.status == 201)
            #expect(made["secret"]?.string?.hasPrefix("whsec_") == true)
            let path = try #require(made.headers[.location])
            let read = try await campus.get(path)
            #expect(read["secret"] == nil)
            #expect(read["event_types"] == ["order.*", "refund.succeeded"])
            let etag = try #require(read.headers[.eTag])
            let change: JSON = ["url": "https://platform.example.com/2", "event_types": ["*"], "description": "食堂"]
            #expect(try await campus.send(.put, path, change).status == 428)
            let changed = try await campus.send(.put, path, change, headers: [.ifMatch: etag])
            #expect(changed.status == 200)
            #expect(changed["url"] == "https://platform.example.com/2")
            #expect(changed["version"] == 2)
            #expect(try await campus.send(.put, path, change, headers: [.ifMatch: etag]).status == 412)
            let list = try await campus.get("/v1/webhook-endpoints")["items"]?.array
            #expect(list?.count == 1)
            #expect(list?[0]["secret"] == nil)
            #expect(try await campus.send(.delete, path).status == 204)
            #expect(try await campus.send(.delete, path).status == 404)
            #expect(try await campus.get(path).status == 404)
        }
    }

    @Test("The same request again gives the same endpoint and secret, and nothing stored holds the secret")
    func secretAtRest() async throws {
        try await NotifyCampus.run { campus in
            let first = try await campus.post("/v1/webhook-endpoints", settings, idempotencyKey: "once")
            let again = try await campus.post("/v1/webhook-endpoints", settings, idempotencyKey: "once")
            #expect(again.status == 201)
            #expect(again["id"] == first["id"])
            #expect(again["secret"] == first["secret"])
            #expect(again.headers[.idempotentReplayed] == "true")
            let secret = try #require(first["secret"]?.string)
            let rotated = try await campus.post("/v1/webhook-endpoints/\(first["id"]?.string ?? "")/rotate-secret")
            let next = try #require(rotated["secret"]?.string)
            #expect(next != secret)
            let tables = try await campus.database.pool().autocommit { session in
                try session.query(
                    """
                    select table_name::text from information_schema.tables
                    where table_schema = 'campus' and table_type = 'BASE TABLE' order by 1
                    """
                ) { try $0[0] as String }
            }
            #expect(tables.contains("webhook_secret") && tables.contains("notifications_idempotency"))
            let keys = [secret, next].compactMap { WebhookSecret($0)?.bytes }
            for table in tables {
                let name = try SQLIdentifier(validating: table)
                let found = try await campus.database.pool(size: 1).autocommit { session in
                    try session.query("select t::text from campus.\(identifier: name) t") { try $0[0] as String }
                }.joined()
                for (text, bytes) in zip([secret, next], keys) {
                    #expect(!found.contains(text.dropFirst(6)), "\(table)")
                    #expect(
                        !found.contains(
                            bytes.map { $0 < 16 ? "0" + String($0, radix: 16) : String($0, radix: 16) }.joined()
                        )
                    )
                }
            }
        }
    }

    @Test("After a rotation both secrets sign for a day, then only the new one")
    func rotation() async throws {
        let clock = ManualClock(SystemWallClock().now())
        try await WebhookReceiver.run { receiver in
            try await NotifyCampus.run(clock: clock) { campus in
                let endpoint = try await campus.subscribe(receiver.url)
                let rotated = try await campus.post("/v1/webhook-endpoints/\(endpoint.id)/rotate-secret")
                #expect(rotated.status == 200)
                let new = try #require(rotated["secret"]?.string)
                try await campus.append([Samples.order(.accepted, id: .random())])
                try await receiver.wait(for: 1)
                let during = receiver.received.value[0]
                #expect(during.signatures.count == 2)
                #expect(during.isSigned(with: endpoint.secret) && during.isSigned(with: new))
                clock.advance(by: .seconds(86_401))
                try await campus.append([Samples.order(.accepted, id: .random())])
                try await receiver.wait(for: 2)
                let after = receiver.received.value[1]
                #expect(after.signatures.count == 1)
                #expect(!after.isSigned(with: endpoint.secret) && after.isSigned(with: new))
                for _ in 0..<(WebhookEndpointStore.secretLimit - 1) {
                    #expect(try await campus.post("/v1/webhook-endpoints/\(endpoint.id)/rotate-secret").status == 200)
                }
                let tooMany = try await campus.post("/v1/webhook-endpoints/\(endpoint.id)/rotate-secret")
                #expect(tooMany.code == "too-many-secrets")
            }
        }
    }

    @Test("A test sends one pretend event, once")
    func test() async throws {
        try await WebhookReceiver.run { _, _ in
            Response(status: .internalServerError)
        } _: { receiver in
            try await NotifyCampus.run { campus in
                let endpoint = try await campus.subscribe(receiver.url, to: ["refund.*"])
                let answer = try await campus.post("/v1/webhook-endpoints/\(endpoint.id)/test")
                #expect(answer.status == 202)
                try await campus.waitForDeliveries(1, of: endpoint.id, "dead")
                let hooks = receiver.received.value
                #expect(hooks.count == 1)
                #expect(hooks[0].json["type"] == "webhook.test")
                #expect(hooks[0].id == answer["event_id"]?.string)
                #expect(hooks[0].isSigned(with: endpoint.secret))
                let attempt = try await campus.deliveries(of: endpoint.id)[0]["attempts"]?.array?.first
                #expect(attempt?["reason"] == "test")
            }
        }
    }

    @Test("Deliveries are listed page by page, the newest first")
    func pages() async throws {
        try await WebhookReceiver.run { receiver in
            try await NotifyCampus.run { campus in
                let endpoint = try await campus.subscribe(receiver.url)
                try await campus.append((0..<7).map { _ in Samples.order(.accepted, id: .random()) })
                try await campus.waitForDeliveries(7, of: endpoint.id, "delivered")
                var events: [String] = []
                var cursor: String? = ""
                while let next = cursor {
                    let query = next.isEmpty ? "" : "&cursor=\(next)"
                    let page = try await campus.get("/v1/webhook-endpoints/\(endpoint.id)/deliveries?limit=3\(query)")
                    #expect(page.status == 200)
                    events += (page["items"]?.array ?? []).compactMap { $0["event_id"]?.string }
                    cursor = page["next_cursor"]?.string
                }
                let numbers = events.compactMap { EventName($0)?.id }
                #expect(numbers.count == 7)
                #expect(numbers == numbers.sorted(by: >))
                let bad = try await campus.get("/v1/webhook-endpoints/\(endpoint.id)/deliveries?cursor=WzFd")
                #expect(bad.status == 422)
            }
        }
    }

    @Test("A campus has twenty endpoints at most, also when they are made at once")
    func limit() async throws {
        try await NotifyCampus.run { campus in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<30 { group.addTask { try await campus.post("/v1/webhook-endpoints", settings).status } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(statuses.count { $0 == 201 } == WebhookEndpoint.limit)
            #expect(statuses.count { $0 == 409 } == 30 - WebhookEndpoint.limit)
        }
    }

    @Test("What an endpoint cannot be is refused by name")
    func refused() async throws {
        try await NotifyCampus.run { campus in
            let cases: [(JSON, [String])] = [
                ([:], ["/event_types", "/url"]),
                (["url": "https://a.example.com", "event_types": []], ["/event_types"]),
                (["url": "https://a.example.com", "event_types": ["order.eaten"]], ["/event_types/0"]),
                (["url": "https://a.example.com", "event_types": ["inbox.advanced"]], ["/event_types/0"]),
                (["url": "ftp://a.example.com", "event_types": ["*"]], ["/url"]),
                (["url": "https://10.0.0.1/x", "event_types": ["*"]], ["/url"]),
                (["url": "https://a.example.com", "event_types": ["*"], "colour": 1], ["/colour"]),
            ]
            for (body, pointers) in cases {
                let answer = try await campus.post("/v1/webhook-endpoints", body)
                #expect(answer.status == 422, "\(body.text)")
                #expect(answer.pointers == pointers, "\(body.text)")
            }
            let endpoint = try await campus.subscribe("https://a.example.com/x")
            let path = "/v1/webhook-endpoints/\(endpoint.id)/replay"
            #expect(try await campus.post(path, [:]).status == 422)
            #expect(try await campus.post(path, ["event_id": "evt_1", "since": "2026-03-01T00:00:00Z"]).status == 422)
            #expect(try await campus.post(path, ["event_id": "evt_01"]).status == 422)
        }
    }

    @Test("Without leave for loopback, only public https addresses are taken")
    func noLoopback() async throws {
        try await NotifyCampus.run(allowLoopback: false) { campus in
            let body: JSON = ["url": "http://127.0.0.1:8080/x", "event_types": ["*"]]
            let refused = try await campus.post("/v1/webhook-endpoints", body)
            let taken = try await campus.post("/v1/webhook-endpoints", settings)
            #expect(refused.pointers == ["/url"])
            #expect(taken.status == 201)
        }
    }

    @Test("Another campus and users of this one have no part in an endpoint")
    func tenancy() async throws {
        try await NotifyCampus.run { campus in
            let endpoint = try await campus.subscribe("https://a.example.com/x")
            let other = try await campus.other()
            let path = "/v1/webhook-endpoints/\(endpoint.id)"
            #expect(try await other.get(path).status == 404)
            #expect(try await other.get("\(path)/deliveries").status == 404)
            #expect(try await other.send(.put, path, settings, headers: [.ifMatch: "\"v1\""]).status == 404)
            for action in ["rotate-secret", "test"] {
                #expect(try await other.post("\(path)/\(action)").status == 404, "\(action)")
            }
            #expect(try await other.post("\(path)/replay", ["event_id": "evt_1"]).status == 404)
            #expect(try await other.send(.delete, path).status == 404)
            #expect(try await other.get("/v1/webhook-endpoints")["items"] == [])
            for actor in ["customer:stu_1", "merchant:shop_1", "rider:r_1", "agent:a_1"] {
                #expect(try await campus.get(path, as: actor).status == 403)
                #expect(try await campus.post("/v1/webhook-endpoints", settings, as: actor).status == 403)
            }
            #expect(try await campus.get(path, as: "admin:d_1").status == 200)
            #expect(try await campus.get(path).status == 200)
            // Events of one campus do not reach endpoints of another.
            try await WebhookReceiver.run { receiver in
                _ = try await other.subscribe(receiver.url)
                try await campus.append([Samples.order(.accepted, id: .random())])
                try await other.append([Samples.order(.accepted, id: .random(), customer: "stu_9")])
                try await receiver.wait(for: 1)
                try await campus.waitForInbox(of: campus.customer(), lines: 1)
                #expect(receiver.received.value.map { $0.json["data"]?["customer_id"] } == ["stu_9"])
            }
        }
    }
}

@Suite("Addresses of webhooks")
struct PublicURLTests {
    @Test(
        "Public https addresses with a name are taken",
        arguments: [
            "https://platform.example.com/hooks?x=1", "HTTPS://a-b.example.cn:8443/", "https://xn--fiqs8s.cn./",
        ]
    )
    func taken(_ text: String) throws {
        #expect(try PublicURL(text, allowsLoopback: false).text == text)
    }

    @Test(
        "Anything else is refused",
        arguments: [
            "", "platform.example.com", "http://platform.example.com", "https://", "https:///x", "https://localhost/x",
            "https://127.0.0.1/", "https://127.1/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/",
            "https://[::1]/", "https://[::ffff:10.0.0.1]/", "https://10.0.0.1/", "https://8.8.8.8/",
            "https://intranet/",
            "https://db.internal/", "https://printer.local/", "https://a.localhost/", "https://user:pw@example.com/",
            "https://user@example.com/", "https://example.com/#x", "https://example.com:0/",
            "https://example.com:99999/",
            "https://exa mple.com/", "https://-a.example.com/", "https://a..example.com/", "javascript:alert(1)",
            "file:///etc/passwd", "https://例子.cn/", "gopher://example.com/",
        ]
    )
    func refused(_ text: String) {
        #expect(throws: PublicURL.Fault.self) { try PublicURL(text, allowsLoopback: false) }
    }

    @Test("This machine is an address where that is allowed, and no other private one becomes one by it")
    func loopback() throws {
        for text in [
            "http://127.0.0.1:9000/x", "http://localhost:9000/", "https://[::1]:9000/", "https://a.example.com/",
        ] {
            #expect(try PublicURL(text, allowsLoopback: true).text == text)
        }
        for text in ["http://10.0.0.1/", "http://a.example.com/", "http://127.0.0.2/", "ftp://localhost/"] {
            #expect(throws: PublicURL.Fault.self) { try PublicURL(text, allowsLoopback: true) }
        }
    }
}

@Suite("What NotifyService may do in the database")
struct RoleTests {
    @Test("It writes no orders, cases or refunds, and no other service's tasks or events")
    func notifyService() async throws {
        try await withDatabase { database in
            let pool = try database.pool(as: .notifyService)
            let statements: [SQL] = [
                "update campus.orders set version = version + 1",
                "delete from campus.orders",
                "insert into campus.orders_event (type) values ('order.paid')",
                "insert into campus.after_sales_event (type) values ('refund.succeeded')",
                "insert into campus.after_sales_task (queue) values ('refund')",
                "update campus.after_sales_task set max_attempts = 9",
                "insert into campus.orders_task (queue) values ('x')",
                "delete from campus.after_sales_lane",
                "update campus.webhook_attempt set outcome = 'delivered'",
                "update campus.webhook_secret set sealed = ''",
                "update campus.inbox set seq = 1",
                "delete from campus.inbox_counter",
                "insert into campus.platform_key (name) values ('x')",
                "update campus.campus set name = 'x'",
            ]
            for statement in statements {
                await #expect("\(statement.text)") {
                    try await pool.autocommit { _ = try $0.execute(statement) }
                } throws: { error in
                    (error as? PostgresError)?.sqlState == .insufficientPrivilege
                }
            }
        }
    }

    @Test("No other service reads secrets or tickets, or writes inboxes")
    func others() async throws {
        try await withDatabase { database in
            for role in [TestRole.orderService, .afterSalesService] {
                let pool = try database.pool(as: role)
                let statements: [SQL] = [
                    "select * from campus.webhook_secret", "select * from campus.stream_ticket",
                    "select * from campus.inbox",
                    "select * from campus.webhook_endpoint",
                    "insert into campus.inbox_counter (recipient_id) values ('x')",
                    "insert into campus.notifications_task (queue) values ('webhook')",
                ]
                for statement in statements {
                    await #expect("\(role) \(statement.text)") {
                        try await pool.autocommit { _ = try $0.execute(statement) }
                    } throws: { error in
                        (error as? PostgresError)?.sqlState == .insufficientPrivilege
                    }
                }
            }
        }
    }

    @Test("The epoch is the timeline, which the service's own login can read")
    func epoch() async throws {
        try await withDatabase { database in
            let state = try await database.pool(as: .notifyService).autocommit { session in
                try InboxStore().state(of: .desk(of: Samples.campus), in: session)
            }
            #expect(state.position == InboxCursor(epoch: 1, seq: 0))
        }
    }
}
