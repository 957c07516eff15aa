import HTTPTypes
import HummingbirdTesting
import Model
import Postgres
import TestSupport
import Testing

@testable import ServiceKit

@Suite("Idempotency")
struct IdempotencyTests {
    @Test("Repeating a request replays its answer to the byte, and does nothing")
    func replay() async throws {
        try await ProbePlatform.with { platform in
            try await platform.serve { client in
                let first = try await client.make("tea", key: "k1")
                #expect(first.status == 201)
                #expect(first.headers[.idempotentReplayed] == nil)
                #expect(first.headers[.location] == "/v1/things/\(first.json["id"]?.string ?? "")")
                for _ in 0..<3 {
                    let again = try await client.make("tea", key: "k1")
                    #expect(again.status == 201)
                    #expect(again.bytes == first.bytes)
                    #expect(again.headers[.idempotentReplayed] == "true")
                    for name in [HTTPField.Name.location, .eTag, .contentType, .contentLength] {
                        #expect(again.headers[name] == first.headers[name])
                    }
                }
                #expect(try await platform.thingsMade() == 1)
            }
        }
    }

    @Test("A key stands for one body, one credential, one actor, one path")
    func scope() async throws {
        try await ProbePlatform.with { platform in
            let other = try platform.token(subject: "stu_2")
            try await platform.serve { client in
                #expect(try await client.make("tea", key: "k1").status == 201)
                expectProblem(try await client.make("coffee", key: "k1"), 422, "idempotency-mismatch")
                let key = ProbePlatform.key.secret
                for answer in [
                    try await client.make("coffee", key: "k1", credential: other),
                    try await client.make("coffee", key: "k1", credential: key),
                    try await client.make("coffee", key: "k1", credential: key, headers: [.actor: "customer:stu_1"]),
                    try await client.make("coffee", key: "K1"),
                ] {
                    #expect(answer.status == 201)
                    #expect(answer.headers[.idempotentReplayed] == nil)
                }
                #expect(try await platform.thingsMade() == 5)
            }
        }
    }

    @Test("A key is required, and must be one")
    func required() async throws {
        try await ProbePlatform.with { platform in
            try await platform.serve { client in
                let body = #"{"name":"a","price_fen":1}"#
                expectProblem(try await client.ask(.post, "/v1/things", body: body), 400, "idempotency-key-required")
                for key in ["", " ", "a b", String(repeating: "k", count: 256), "ключ"] {
                    let answer = try await client.ask(.post, "/v1/things", headers: [.idempotencyKey: key], body: body)
                    expectProblem(answer, 422, "validation")
                    #expect(answer.faults == ["header /Idempotency-Key"])
                }
                #expect(try await platform.thingsMade() == 0)
            }
        }
    }

    @Test("Of requests at once under one key one works; the others learn so at once", .timeLimit(.minutes(1)))
    func race() async throws {
        try await ProbePlatform.with { platform in
            try await platform.serve { client in
                let statuses = try await withThrowingTaskGroup(of: ProbeClient.Answer.self) { group in
                    for _ in 0..<4 { group.addTask { try await client.make("slow", key: "k1") } }
                    var statuses: [Int] = []
                    for try await answer in group {
                        statuses.append(answer.status)
                        if answer.status == 409 {
                            expectProblem(answer, 409, "idempotency-in-flight")
                            #expect(answer.headers[.retryAfter] == "1")
                        }
                    }
                    return statuses
                }
                #expect(statuses.count { $0 == 201 } >= 1)
                #expect(statuses.allSatisfy { $0 == 201 || $0 == 409 })
                #expect(try await platform.thingsMade() == 1)
                #expect(try await client.make("slow", key: "k1").headers[.idempotentReplayed] == "true")
            }
        }
    }

    @Test("Many at once, two for each key: one effect each", .timeLimit(.minutes(1)))
    func manyRaces() async throws {
        try await ProbePlatform.with { platform in
            try await platform.serve { client in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for index in 0..<100 {
                        group.addTask {
                            let answer = try await client.make("tea", key: "k\(index / 2)")
                            #expect([201, 409].contains(answer.status))
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(try await platform.thingsMade() == 50)
            }
        }
    }

    @Test("A refusal stores nothing: the key stays new")
    func refusal() async throws {
        try await ProbePlatform.with { platform in
            try await platform.serve { client in
                let refused = try await client.make("strange", key: "k1")
                expectProblem(refused, 409, "too-strange")
                #expect(refused.json["why"] == "it is")
                #expect(try await client.make("tea", key: "k1").status == 201)
            }
        }
    }

    @Test("After a day a key is new again, and what is old is removed")
    func expiry() async throws {
        try await ProbePlatform.with { platform in
            let admin = try platform.database.pool()
            try await platform.serve { client in
                #expect(try await client.make("tea", key: "k1").status == 201)
                #expect(try await client.make("tea", key: "k2").status == 201)
                try await admin.autocommit { session in
                    try session.execute(
                        "update campus.orders_idempotency set created_at = now() - interval '25 hours'"
                    )
                }
                let again = try await client.make("coffee", key: "k1")
                #expect(again.status == 201)
                #expect(again.headers[.idempotentReplayed] == nil)
                #expect(try await client.make("coffee", key: "k1").headers[.idempotentReplayed] == "true")
                let pool = try platform.database.pool(as: .orderService)
                let capture = LogCapture()
                let purge = IdempotencyPurge(
                    store: IdempotencyStore(owner: .orders),
                    pool: pool,
                    logger: capture.logger
                )
                await purge.purge()
                #expect(capture.lines.map { $0["count"] } == [1])
                let left = try await admin.autocommit { session in
                    try session.query("select key from campus.orders_idempotency") { row -> String in try row[0] }
                }
                #expect(left == ["k1"])
            }
        }
    }

    @Test("A batch claims each key for itself: new, done, other body, in flight")
    func batch() async throws {
        try await ProbePlatform.with { platform in
            let pool = try platform.database.pool(as: .orderService)
            let store = IdempotencyStore(owner: .orders)
            @Sendable func key(_ key: String, body: String = "{}") -> IdempotencyKey {
                IdempotencyKey(
                    campus: platform.campus,
                    principal: "customer:stu_1",
                    method: "POST",
                    path: "/v1/things",
                    key: key,
                    bodySHA256: SHA256Digest(of: body.utf8)
                )
            }
            let stored = StoredReply(
                status: 201,
                headers: [.location: "/x", .contentType: "application/json"],
                body: Array(#"{"退款":"😀"}"#.utf8)
            )
            try await pool.transaction { session in
                _ = try store.claim([key("done")], in: session)
                try store.record([(key("done"), stored)], in: session)
            }
            let holding = Gate()
            let release = Gate()
            let holder = Task {
                try await pool.transaction { session in
                    _ = try store.claim([key("held")], in: session)
                    holding.open()
                    release.waitBlocking()
                }
            }
            await holding.wait()
            let names = try await pool.transaction { session in
                let keys = [key("new"), key("done"), key("done", body: "[]"), key("held"), key("new2")]
                return try store.claim(keys, in: session).map { claim in
                    switch claim {
                    case .proceed: return "proceed"
                    case .mismatch: return "mismatch"
                    case .inFlight: return "in flight"
                    case .replay(let reply):
                        #expect(reply.body == stored.body && reply.headers == stored.headers && reply.status == 201)
                        return "replay"
                    }
                }
            }
            release.open()
            try await holder.value
            #expect(names == ["proceed", "replay", "mismatch", "in flight", "proceed"])
        }
    }
}
