import HTTPTypes
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import OrderService

@Suite("Settings over HTTP")
struct SettingsTests {
    private static let ifMatch = HTTPField.Name.ifMatch

    private func put(_ campus: TestCampus, _ body: JSON, version: String?) async throws -> Answer {
        var headers: HTTPFields = [:]
        headers[Self.ifMatch] = version
        return try await campus.send(.put, "/v1/settings", body, headers: headers)
    }

    @Test("They are read with their defaults, changed under their version, and followed by every later order")
    func change() async throws {
        try await TestCampus.run { campus in
            let read = try await campus.get("/v1/settings")
            #expect(read.status == 200)
            #expect(read["settings"]?["payment_deadline_s"] == 900)
            #expect(read["timezone"] == "Asia/Shanghai")
            #expect(read["is_test"] == true)
            let version = try #require(read.headers[.eTag])
            let unchanged = try await campus.send(.get, "/v1/settings", headers: [.ifNoneMatch: version])
            #expect(unchanged.status == 304)

            let body: JSON = [
                "name": "North", "timezone": "Asia/Urumqi",
                "settings": [
                    "payment_deadline_s": 120,
                    "calendar": ["curfew": ["from": "23:00", "to": "06:00"], "days_off": ["2026-10-01"]],
                ],
            ]
            #expect(try await put(campus, body, version: nil).status == 428)
            #expect(try await put(campus, body, version: #""v9""#).status == 412)
            let changed = try await put(campus, body, version: version)
            #expect(changed.status == 200, "\(changed.body)")
            #expect(changed["settings"]?["payment_deadline_s"] == 120)
            #expect(changed["settings"]?["acceptance_deadline_s"] == 300)
            #expect(changed["settings"]?["calendar"]?["curfew"]?["from"] == "23:00")
            #expect(changed["timezone"] == "Asia/Urumqi")
            #expect(changed.headers[.eTag] != version)
            #expect(try await put(campus, body, version: version).status == 412)
            #expect(try await campus.get("/v1/settings").body == changed.body)

            // Within the five seconds of the cache an order has two minutes, no longer fifteen.
            try await eventually("a new order follows") {
                let order = try #require(OrderID(try await campus.place()))
                let seconds: Int64 = try await campus.pool.autocommit { session in
                    try session.one(
                        """
                        select extract(epoch from t.due_at - o.placed_at)::bigint from campus.orders_timer t
                        join campus.orders o on o.id = t.subject_id where o.id = \(order)
                        """
                    ) { try $0[0] }
                }
                return seconds == 120
            }
        }
    }

    @Test("Everything that is wrong with them is said at once, and nothing changes")
    func faults() async throws {
        try await TestCampus.run { campus in
            let before = try await campus.get("/v1/settings")
            let version = before.headers[.eTag]
            let shape = try await put(
                campus,
                [
                    "name": " ", "timezone": "Asia/Shanghai", "colour": "red",
                    "settings": [
                        "payment_deadline_s": 0, "brake_customer_day_fen": -1, "surprise": 1,
                        "calendar": [
                            "curfew": ["from": "25:00", "to": "06:00"],
                            "opening": [["weekdays": [8], "from": "07:00", "to": "22:00"]],
                            "terms": [["from": "2026-02-30", "to": "2026-07-01"]],
                        ],
                    ],
                ],
                version: version
            )
            #expect(shape.status == 422)
            #expect(
                shape.pointers == [
                    "/colour", "/name", "/settings/brake_customer_day_fen", "/settings/calendar/curfew/from",
                    "/settings/calendar/opening/0/weekdays/0", "/settings/calendar/terms/0/from",
                    "/settings/payment_deadline_s", "/settings/surprise",
                ]
            )
            let backwards: JSON = ["from": "2026-07-01", "to": "2026-02-23"]
            let meaning = try await put(
                campus,
                [
                    "name": "North", "timezone": "Mars/Olympus",
                    "settings": [
                        "calendar": ["terms": [backwards, ["from": "2026-09-01", "to": "2027-01-10"], backwards]]
                    ],
                ],
                version: version
            )
            #expect(meaning.status == 422)
            #expect(meaning.pointers == ["/settings/calendar/terms/0", "/settings/calendar/terms/2", "/timezone"])
            #expect(try await campus.get("/v1/settings").bytes == before.bytes)
        }
    }

    @Test("Administrators change them, and keys that were issued to administer; nobody else sees them")
    func access() async throws {
        try await TestCampus.run { campus in
            let paths = ["/v1/settings", "/v1/keys", "/v1/verification-keys", "/v1/key-sets", "/v1/audit"]
            for user in ["customer:stu_1", "rider:r_1", "agent:kf_1", "supervisor:boss"] {
                for path in paths { #expect(try await campus.get(path, as: user).status == 403, "\(user) \(path)") }
            }
            let admin = try await campus.signedIn(as: "admin:root")
            for path in paths { #expect(try await admin.get(path).status == 200, "\(path)") }
            let usual = try await admin.post(
                "/v1/keys",
                ["name": "backend", "scopes": .array(Scope.usual.map { .string($0.rawValue) })]
            )
            let backend = campus.with(secret: usual["secret"]?.string ?? "")
            for path in paths { #expect(try await backend.get(path).status == 403, "\(path)") }
            // Nor does stating an administrator help.
            #expect(try await backend.get("/v1/settings", as: "admin:root").status == 403)
        }
    }
}

@Suite("The audit over HTTP")
struct AuditTests {
    @Test("Each act is listed with who did it, what changed and by which key, page by page and without secrets")
    func list() async throws {
        try await TestCampus.run { campus in
            let admin = try await campus.signedIn(as: "admin:root")
            let version = try #require(try await admin.get("/v1/settings").headers[.eTag])
            let settings: JSON = ["name": "North", "timezone": "Asia/Shanghai", "settings": ["offer_s": 60]]
            let changed = try await admin.send(.put, "/v1/settings", settings, headers: [.ifMatch: version])
            #expect(changed.status == 200)
            let issued = try await campus.post("/v1/keys", ["name": "till", "scopes": ["orders:read"]])
            let rotated = try await admin.post("/v1/keys/\(issued.id)/rotate")
            _ = try await admin.post("/v1/keys/\(rotated.id)/revoke")
            let secret = try await admin.post("/v1/verification-keys", ["kid": "s1", "algorithm": "HS256"])
            _ = try await admin.post("/v1/verification-keys/s1/revoke")
            // Not an act of an administrator, and so of the other list.
            _ = try await campus.post("/v1/orders", campus.orderBody(), as: "customer:stu_1")

            let all = try await admin.get("/v1/audit")
            let items = all["items"]?.array ?? []
            #expect(
                items.map { $0["action"]?.string } == [
                    "verification_key.revoked", "verification_key.added", "key.revoked", "key.rotated", "key.issued",
                    "campus.changed",
                ]
            )
            let change = try #require(items.last)
            #expect(change["actor"] == "admin:root")
            #expect(change["detail"]?["before"]?["settings"] == [:])
            #expect(change["detail"]?["after"]?["settings"] == ["offer_s": 60])
            #expect(change["detail"]?["key_id"] == nil)
            let issue = items[4]
            #expect(issue["actor"] == "platform:app")
            #expect(issue["subject"]?.string == issued.id)
            #expect(issue["detail"]?["key_id"]?.string.flatMap(KeyID.init) != nil)
            #expect(items[3]["detail"]?["after"]?["new"]?["id"]?.string == rotated.id)

            let text = String(decoding: all.bytes, as: UTF8.self)
            for answer in [issued, rotated, secret] {
                #expect(!text.contains(try #require(answer["secret"]?.string)))
            }

            var pages: [JSON] = []
            var cursor = ""
            repeat {
                let page = try await admin.get("/v1/audit?limit=4" + cursor)
                pages += page["items"]?.array ?? []
                cursor = page["next_cursor"]?.string.map { "&cursor=\($0)" } ?? ""
            } while !cursor.isEmpty
            #expect(pages == items)

            let onBehalf = try await admin.get("/v1/audit?on_behalf=true")
            #expect(onBehalf["items"]?.array?.map { $0["actor"] } == ["customer:stu_1"])
            let other = try await campus.other()
            #expect(try await other.get("/v1/audit")["items"] == [])
        }
    }
}
