import HTTPTypes
import Model
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import OrderService

@Suite("Campuses over HTTP")
struct CampusTests {
    private static func body(_ code: String, scopes: JSON = ["campus:admin", "orders:read"]) -> JSON {
        [
            "code": .string(code), "name": "West campus", "timezone": "Asia/Urumqi", "is_test": true,
            "settings": ["offer_s": 60], "key": ["name": "backend", "scopes": scopes],
        ]
    }

    private static func actions(_ campus: TestCampus) async throws -> [JSON] {
        try await campus.get("/v1/audit")["items"]?.array ?? []
    }

    @Test("A campus is created with a first key, which is shown once and administers it and nothing else")
    func create() async throws {
        try await TestCampus.run { campus in
            let made = try await campus.post("/v1/campuses", Self.body("west"), idempotencyKey: "k1")
            #expect(made.status == 201, "\(made.body)")
            let profile = try #require(made["campus"])
            #expect(profile["code"] == "west")
            #expect(profile["is_test"] == true)
            #expect(profile["timezone"] == "Asia/Urumqi")
            #expect(profile["settings"]?["offer_s"] == 60)
            #expect(profile["settings"]?["payment_deadline_s"] == 900)
            #expect(made["key"]?["scopes"] == ["campus:admin", "orders:read"])
            #expect(made.headers[.cacheControl] == "no-store")
            let secret = try #require(made["key"]?["secret"]?.string)

            let again = try await campus.post("/v1/campuses", Self.body("west"), idempotencyKey: "k1")
            #expect(again.headers[.idempotentReplayed] == "true")
            #expect(again["campus"] == profile)
            #expect(again["key"]?["id"] == made["key"]?["id"])
            #expect(again["key"]?["secret"] == nil)

            let west = campus.with(secret: secret)
            let read = try await west.get("/v1/settings")
            #expect(read.body == profile)
            #expect(try await west.get("/v1/keys")["items"]?.array?.count == 1)
            #expect(try await west.post("/v1/orders", campus.orderBody()).status == 403)
            // Its clock can be advanced at once.
            let clocks: Int64 = try await campus.pool.autocommit { session in
                try session.one(
                    """
                    select count(*) from campus.campus_clock k join campus.campus c on c.id = k.campus_id
                    where c.code = 'west'
                    """
                ) { try $0[0] }
            }
            #expect(clocks == 1)

            let there = try await Self.actions(west)
            #expect(Set(there.map { $0["action"]?.string }) == ["campus.created", "key.issued"])
            #expect(there.allSatisfy { $0["actor"] == "platform:app" && $0["detail"]?["key_id"] != nil })
            let here = try await Self.actions(campus)
            #expect(here.map { $0["action"] } == ["campus.created"])
            #expect(here[0]["subject"] == "west")
            #expect(here[0]["detail"]?["after"]?["id"] == profile["id"])
            for entry in here + there { #expect(!entry.text.contains(secret)) }
        }
    }

    @Test("Everything that is wrong is said at once and nothing is made; a code is one campus's for ever")
    func faults() async throws {
        try await TestCampus.run { campus in
            let shape = try await campus.post(
                "/v1/campuses",
                [
                    "code": "West", "name": " ", "timezone": "Asia/Shanghai", "settings": ["offer_s": 0],
                    "key": ["name": "a b", "scopes": ["orders:steal"]],
                ]
            )
            #expect(
                shape.pointers == ["/code", "/is_test", "/key/name", "/key/scopes/0", "/name", "/settings/offer_s"]
            )
            let meaning = try await campus.post(
                "/v1/campuses",
                [
                    "code": "west", "name": "West", "timezone": "Mars/Olympus", "is_test": false,
                    "settings": ["calendar": ["terms": [["from": "2026-07-01", "to": "2026-02-01"]]]],
                    "key": ["name": "a", "scopes": ["orders:read"], "expires_at": "2020-01-01T00:00:00Z"],
                ]
            )
            #expect(meaning.status == 422)
            #expect(meaning.pointers == ["/key/expires_at", "/settings/calendar/terms/0", "/timezone"])
            #expect(try await campus.count("campus") == 1)

            #expect(try await campus.post("/v1/campuses", Self.body("west")).status == 201)
            let taken = try await campus.post("/v1/campuses", Self.body("west"))
            #expect(taken.status == 409)
            #expect(taken.code == "campus-code-taken")
            #expect(try await campus.count("campus") == 2)
            #expect(try await campus.count("platform_key") == 2)
        }
    }

    @Test(
        "Only a platform key with the scope makes and lists them, for itself, and its campuses' first keys can do no more"
    )
    func access() async throws {
        try await TestCampus.run { campus in
            let issued = try await campus.post(
                "/v1/keys",
                ["name": "maker", "scopes": ["campuses:create", "orders:read"]]
            )
            let maker = campus.with(secret: issued["secret"]?.string ?? "")
            let more = try await maker.post("/v1/campuses", Self.body("west"))
            #expect(more.status == 403)
            #expect(more["detail"] == "The platform key itself lacks campus:admin.")
            #expect(try await maker.post("/v1/campuses", Self.body("west", scopes: ["orders:read"])).status == 201)

            let usual = try await campus.post(
                "/v1/keys",
                ["name": "own", "scopes": .array(Scope.withinCampus.map { .string($0.rawValue) })]
            )
            let strangers = [
                campus.with(secret: usual["secret"]?.string ?? ""), try await campus.signedIn(as: "admin:root"),
            ]
            for stranger in strangers {
                #expect(try await stranger.get("/v1/campuses").status == 403)
                #expect(try await stranger.post("/v1/campuses", Self.body("east")).status == 403)
            }
            #expect(try await campus.get("/v1/campuses", as: "admin:root").status == 403)
            #expect(try await campus.post("/v1/campuses", Self.body("east"), as: "admin:root").status == 403)
            #expect(try await campus.count("campus") == 2)
        }
    }

    @Test("They are listed page by page in the order of their codes")
    func list() async throws {
        try await TestCampus.run { campus in
            for code in ["zebra", "alpha", "mid"] {
                #expect(try await campus.post("/v1/campuses", Self.body(code)).status == 201)
            }
            let all = try await campus.get("/v1/campuses")
            let codes = all["items"]?.array?.compactMap { $0["code"]?.string } ?? []
            #expect(codes.count == 4)
            #expect(codes == codes.sorted())
            #expect(all["next_cursor"] == .null)
            var pages: [String] = []
            var cursor = ""
            repeat {
                let page = try await campus.get("/v1/campuses?limit=1" + cursor)
                pages += page["items"]?.array?.compactMap { $0["code"]?.string } ?? []
                cursor = page["next_cursor"]?.string.map { "&cursor=\($0)" } ?? ""
            } while !cursor.isEmpty
            #expect(pages == codes)
            // Another list's cursor is none of this one's.
            _ = try await campus.post("/v1/keys", ["name": "b", "scopes": ["orders:read"]])
            let next = try await campus.get("/v1/keys?limit=1")["next_cursor"]?.string ?? ""
            #expect(try await campus.get("/v1/campuses?cursor=\(next)").pointers == ["/cursor"])
        }
    }

    @Test("Of many who ask for one code at once, one has it")
    func race() async throws {
        try await TestCampus.run { campus in
            let answers = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 { group.addTask { try await campus.post("/v1/campuses", Self.body("west")).status } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.sorted() == [201] + [Int](repeating: 409, count: 7))
            #expect(try await campus.count("campus") == 2)
            #expect(try await campus.count("platform_key") == 2)
        }
    }
}
