import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Model
import Postgres
import TestSupport
import Testing

@testable import ServiceKit

@Suite("Edge")
struct EdgeTests {
    private static let id = "018f0000-0000-7000-8000-000000000001"

    @Test("What is not there, and what it does not do")
    func routing() async throws {
        try await ProbePlatform.with { platform in
            try await platform.serve { client in
                expectProblem(try await client.ask(.get, "/nowhere"), 404, "not-found")
                let wrong = try await client.ask(.patch, "/v1/things")
                expectProblem(wrong, 405, "method-not-allowed")
                #expect(wrong.headers[.allow] == "GET, HEAD, POST")
                for method in [HTTPRequest.Method.put, .delete, .options, .trace] {
                    expectProblem(try await client.ask(method, "/v1/things"), 405, "method-not-allowed")
                }
                expectProblem(try await client.ask(.get, "/v1/things/not-an-id"), 404, "not-found")
                expectProblem(try await client.ask(.get, "/v1/things/%00"), 404, "not-found")
                let long = "/v1/things?colour=" + String(repeating: "x", count: 4_100)
                expectProblem(try await client.ask(.get, long), 414, "uri-too-long")
            }
        }
    }

    @Test("HEAD answers as GET does, without its body")
    func head() async throws {
        try await ProbePlatform.with { platform in
            try await platform.serve { client in
                let get = try await client.ask(.get, "/v1/things/\(Self.id)")
                let head = try await client.ask(.head, "/v1/things/\(Self.id)")
                #expect(head.status == 200)
                #expect(head.bytes.isEmpty)
                #expect(head.headers[.eTag] == get.headers[.eTag])
                #expect(head.headers[.contentLength] == "\(get.bytes.count)")
                expectProblem(
                    try await client.ask(.get, "/v1/watch", headers: [.accept: "text/html"]),
                    406,
                    "not-acceptable"
                )
                #expect(try await client.ask(.head, "/v1/watch").status == 405)
            }
        }
    }

    @Test("Bodies that are not what the operation takes")
    func bodies() async throws {
        try await ProbePlatform.with { platform in
            try await platform.serve { client in
                func post(_ body: String?, type: String? = "application/json") async throws -> ProbeClient.Answer {
                    try await client.ask(.post, "/v1/things", headers: [.idempotencyKey: "k"], body: body, type: type)
                }
                expectProblem(try await post("{"), 400, "malformed-json")
                expectProblem(try await post(#"{"name":"a","name":"b"}"#), 400, "malformed-json")
                expectProblem(try await post(#"{"name":"\ud800"}"#), 400, "malformed-json")
                let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
                expectProblem(try await post(deep), 400, "malformed-json")
                expectProblem(try await post("{}", type: "text/plain"), 415, "unsupported-media-type")
                expectProblem(try await post("{}", type: nil), 415, "unsupported-media-type")
                expectProblem(
                    try await post("{}", type: "application/json; charset=gbk"),
                    415,
                    "unsupported-media-type"
                )
                let missing = try await post(nil)
                expectProblem(missing, 422, "validation")
                #expect(missing.faults == ["body "])
                let large = #"{"name":"\#(String(repeating: "x", count: 70_000))"}"#
                expectProblem(try await post(large), 413, "body-too-large")
                let nul = try await post(#"{"name":"a\u0000b","price_fen":1}"#)
                expectProblem(nul, 422, "validation")
                #expect(nul.faults == ["body /name"])
                #expect(try await platform.thingsMade() == 0)
            }
        }
    }

    @Test("All faults of a request come at once, each with its place")
    func allFaults() async throws {
        try await ProbePlatform.with { platform in
            try await platform.serve { client in
                let answer = try await client.ask(
                    .post,
                    "/v1/things?colour=red&x=%zz",
                    headers: [.idempotencyKey: "has space"],
                    body: #"{"price_fen": -1, "tags": ["mild"], "surprise": true, "maker": {}}"#
                )
                expectProblem(answer, 422, "validation")
                #expect(
                    Set(answer.faults) == [
                        "query /colour", "query ", "header /Idempotency-Key", "body /name", "body /price_fen",
                        "body /tags/0",
                        "body /surprise", "body /maker/id",
                    ]
                )
            }
        }
    }

    @Test("Queries are read by their types, and refused all at once")
    func queries() async throws {
        try await ProbePlatform.with { platform in
            try await platform.serve { client in
                let fine = try await client.ask(
                    .get,
                    "/v1/things?colour=red&limit=7&sizes=1,9&since=2026-03-01T00%3A00%3A00Z&new=true"
                )
                #expect(fine.status == 200)
                #expect(
                    fine.json == [
                        "colour": "red", "limit": 7, "sizes": [1, 9], "since": "2026-03-01T00:00:00Z", "new": true,
                    ]
                )
                let wrong = try await client.ask(
                    .get,
                    "/v1/things?limit=101&sizes=1,x&since=now&new=1&colour=red&colour=red&unknown=&cursor=%20"
                )
                expectProblem(wrong, 422, "validation")
                #expect(
                    Set(wrong.faults) == [
                        "query /limit", "query /sizes/1", "query /since", "query /new", "query /colour",
                        "query /unknown",
                        "query /cursor",
                    ]
                )
                #expect(try await client.ask(.get, "/v1/things").faults == ["query /colour"])
            }
        }
    }

    @Test("Editing needs the version that was read")
    func versions() async throws {
        try await ProbePlatform.with { platform in
            try await platform.serve { client in
                let path = "/v1/things/\(Self.id)"
                expectProblem(try await client.ask(.put, path), 428, "version-required")
                let stale = try await client.ask(.put, path, headers: [.ifMatch: #""v6""#])
                expectProblem(stale, 412, "version-mismatch")
                #expect(stale.headers[.eTag] == #""v7""#)
                #expect(try await client.ask(.put, path, headers: [.ifMatch: #""v7""#]).status == 204)
                #expect(try await client.ask(.get, path, headers: [.ifNoneMatch: #""v7""#]).status == 304)
                #expect(try await client.ask(.get, path, headers: [.ifNoneMatch: #""v6""#]).status == 200)
            }
        }
    }

    @Test("Requests keep their sane names, and get one otherwise")
    func identity() async throws {
        try await ProbePlatform.with { platform in
            try await platform.serve { client in
                let named = try await client.ask(.get, "/health/live", headers: [.requestID: "req-1.a_B"])
                #expect(named.headers[.requestID] == "req-1.a_B")
                let wild = try await client.ask(.get, "/health/live", headers: [.requestID: "a b\"c"])
                #expect(wild.headers[.requestID]?.utf8.count == 32)
                let trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
                let traced = try await client.ask(.get, "/health/live", headers: [.traceparent: trace])
                #expect(traced.headers[.requestID] == "4bf92f3577b34da6a3ce929d0e0e4736")
            }
        }
    }

    @Test("Faults of ours say nothing of the inside, and the log says what it may")
    func failures() async throws {
        let capture = LogCapture()
        try await ProbePlatform.with { platform in
            try await platform.serve(logger: capture.logger) { client in
                for kind in ["unknown", "unique"] {
                    let answer = try await client.ask(.get, "/v1/failures/\(kind)", credential: "")
                    expectProblem(answer, 500, "internal-error")
                    #expect(!answer.text.contains("Secretive") && !answer.text.contains("contact"))
                }
                for kind in ["exhausted", "lost", "readonly", "cancelled"] {
                    let answer = try await client.ask(.get, "/v1/failures/\(kind)", credential: "")
                    expectProblem(answer, 503, "unavailable")
                    #expect(answer.headers[.retryAfter] == (kind == "exhausted" ? "3" : "1"))
                }
            }
        }
        let lines = capture.lines(of: "request.failed")
        #expect(lines.count == 2)
        #expect(lines[0]["error_type"] == "Secretive")
        #expect(lines[1]["sqlstate"] == "23505")
        #expect(lines[1]["constraint"] == "contact_pkey")
        #expect(lines.allSatisfy { $0["operation"] == "failThing" && $0["request_id"]?.string?.isEmpty == false })
        #expect(!capture.text.contains("13812345678"))
    }

    @Test("Bytes are taken by their type and limit")
    func bytes() async throws {
        try await ProbePlatform.with { platform in
            try await platform.serve { client in
                let body = String(repeating: "x", count: 70_000)
                let fine = try await client.ask(.post, "/v1/bytes", body: body, type: "image/png")
                #expect(fine.json == ["bytes": 70_000])
                expectProblem(
                    try await client.ask(.post, "/v1/bytes", body: body, type: "image/gif"),
                    415,
                    "unsupported-media-type"
                )
                expectProblem(
                    try await client.ask(.post, "/v1/bytes", body: body + body, type: "image/png"),
                    413,
                    "body-too-large"
                )
            }
        }
    }

    @Test("Operations without a body take none, or an empty object")
    func noBody() async throws {
        try await ProbePlatform.with { platform in
            try await platform.serve { client in
                let path = "/v1/things/\(Self.id)"
                let key = ProbePlatform.key.secret
                #expect(try await client.ask(.delete, path, credential: key).status == 204)
                #expect(try await client.ask(.delete, path, credential: key, body: "{}").status == 204)
                expectProblem(
                    try await client.ask(.delete, path, credential: key, body: #"{"a":1}"#),
                    422,
                    "validation"
                )
            }
        }
    }

    @Test("Health, the description and the problem pages are there for anyone")
    func common() async throws {
        try await ProbePlatform.with { platform in
            try await platform.serve { client in
                #expect(try await client.ask(.get, "/health/live", credential: "").json == ["status": "live"])
                #expect(try await client.ask(.get, "/health/ready", credential: "").json == ["status": "ready"])
                #expect(try await client.ask(.get, "/openapi.json", credential: "").json["openapi"] == "3.1.0")
                let page = try await client.ask(.get, "/problems/too-strange", credential: "")
                #expect(page.headers[.contentType] == "text/markdown; charset=utf-8")
                #expect(page.text.contains("It was too strange."))
                expectProblem(try await client.ask(.get, "/problems/unheard-of", credential: ""), 404, "not-found")
            }
        }
    }

    @Test("Without its database the process lives and is not ready")
    func databaseAway() async throws {
        let configuration = try ServiceConfiguration(
            Probe.allSettings,
            values: [
                "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none", "SEALING_KEY": "0",
                "DATABASE_POOL_WAIT_S": "0.2",
            ]
        )
        let runtime = try await ServiceRuntime(Probe.self, configuration: configuration, logger: LogCapture().logger)
        try await runtime.application.test(.router) { client in
            let client = ProbeClient(client: client, token: "")
            #expect(try await client.ask(.get, "/health/live").status == 200)
            let ready = try await client.ask(.get, "/health/ready")
            expectProblem(ready, 503, "unavailable")
            #expect(ready.headers[.retryAfter] != nil)
            let answer = try await client.ask(.get, "/v1/things?colour=red", credential: ProbePlatform.key.secret)
            expectProblem(answer, 503, "unavailable")
        }
    }

    @Test("A test campus's clock moves its requests' time, and only its own")
    func campusTime() async throws {
        try await ProbePlatform.with(isTest: true) { platform in
            let pool = try platform.database.pool()
            let directory = CampusDirectory(pool: pool, clock: platform.clock, logger: LogCapture().logger)
            let campus = try #require(try await directory.campus(platform.campus))
            #expect(try await directory.now(in: campus) == platform.clock.now())
            let id = platform.campus
            try await pool.transaction { session in
                try session.execute("update campus.campus_clock set clock_offset = '36:00' where campus_id = \(id)")
            }
            #expect(try await directory.now(in: campus) == platform.clock.now() + .seconds(36 * 3_600))
            #expect(campus.localDay(at: platform.clock.now()).description == "2026-03-01")
        }
    }
}
