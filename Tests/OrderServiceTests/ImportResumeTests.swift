import HTTPTypes
import HummingbirdTesting
import Model
import Postgres
import TestSupport
import Testing

@testable import OrderService

@Suite("Imports that break off", .timeLimit(.minutes(5)))
struct ImportResumeTests {
    private static let total = 3_000

    private func lines(_ range: Range<Int>) -> [String] {
        range.map { PastLine("n-\($0)", $0 % 3 == 0 ? "cancelled" : "completed").text }
    }

    /// Rows of every table that an import writes, by what they should be.
    private func counts(_ campus: TestCampus) async throws -> [Int64] {
        try await [
            campus.count("orders"), campus.count("payment"), campus.count("payment_allocation"),
            campus.count("imported_order"), campus.count("order_timeline"),
        ]
    }

    private func expected(_ count: Int) -> [Int64] {
        let total = Int64(count)
        let cancelled = (total + 2) / 3
        return [total, total, total, total, cancelled * 4 + (total - cancelled) * 8]
    }

    /// Begins a request of its own connection, with so many bytes to come.
    private func begin(_ campus: TestCampus, into id: String, length: Int) throws -> RawSocket {
        let socket = try RawSocket(port: try #require(campus.client.port))
        try socket.send(
            "POST /v1/orders/import?import_id=\(id) HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \(campus.key)\r\n"
                + "Content-Type: application/x-ndjson\r\nContent-Length: \(length)\r\nConnection: close\r\n\r\n"
        )
        return socket
    }

    private func body(_ lines: [String]) -> [UInt8] {
        Array(lines.map { $0 + "\n" }.joined().utf8)
    }

    @Test("a connection that is cut leaves whole batches; the rest is sent from where it stands, or all of it again")
    func cut() async throws {
        try await TestCampus.run { campus in
            let all = lines(0..<Self.total)
            let bytes = body(all)
            try await {
                let socket = try begin(campus, into: "past", length: bytes.count)
                try socket.send(Array(bytes[..<(bytes.count * 3 / 4)]))
                try await eventually("some lines are in") {
                    try await campus.get("/v1/orders/imports/past")["next_line"]?.integer ?? 0 > 1_000
                }
            }()
            let (next, count) = try await campus.pool.autocommit { session in
                try session.one(
                    "select next_line, (select count(*) from campus.orders) from campus.order_import"
                ) { row -> (Int64, Int64) in (try row[0], try row[1]) }
            }
            #expect(next > 1_000 && next < Int64(Self.total))
            #expect(count == next - 1)
            // The lines that had come whole before the cut may still be on their way in: those are skipped.
            let rest = try await campus.importing(Array(all[Int(next - 1)...]), from: Int(next))
            #expect(rest["next_line"]?.integer == Int64(Self.total + 1), "\(rest.body)")
            #expect(rest["imported"]?.integer == Int64(Self.total) && rest["faulty"] == 0, "\(rest.body)")
            #expect(try await counts(campus) == expected(Self.total))
            let again = try await campus.importing(all)
            #expect(again["imported"]?.integer == Int64(Self.total) && again["faulty"] == 0, "\(again.body)")
            #expect(again["skipped"]?.integer ?? 0 >= Int64(Self.total))
            #expect(try await counts(campus) == expected(Self.total))
        }
    }

    @Test("several who send the same lines at once bring each order once")
    func together() async throws {
        try await TestCampus.run(settingsOfService: ["IMPORTS_AT_ONCE": "6"]) { campus in
            let bytes = body(lines(0..<1_500))
            let answers = try await withThrowingTaskGroup(of: String.self) { group in
                for id in ["past", "past", "other"] {
                    group.addTask {
                        let socket = try begin(campus, into: id, length: bytes.count)
                        let sending = Task.detached { try socket.send(bytes) }
                        let answer = try await socket.receive(until: nil)
                        try await sending.value
                        return answer
                    }
                }
                return try await group.reduce(into: [String]()) { $0.append($1) }
            }
            #expect(answers.allSatisfy { $0.hasPrefix("HTTP/1.1 200") && $0.contains("\"faulty\":0") }, "\(answers)")
            var imported: Int64 = 0
            for id in ["past", "other"] {
                imported += try await campus.get("/v1/orders/imports/\(id)")["imported"]?.integer ?? 0
            }
            #expect(imported == 1_500)
            #expect(try await counts(campus) == expected(1_500))
        }
    }
    @Test("a campus that imports as much as it may is told to wait, without a line of it being read; others are let in")
    func limit() async throws {
        try await TestCampus.run(settingsOfService: ["IMPORTS_AT_ONCE": "3"]) { campus in
            let other = try await campus.other()
            let text = body(lines(0..<10))
            var busy: [RawSocket] = []
            for id in ["a", "b"] {
                let socket = try begin(campus, into: id, length: text.count)
                try socket.send(Array(text.dropLast()))
                busy.append(socket)
                try await eventually("import \(id) has begun") {
                    try await campus.get("/v1/orders/imports/\(id)").status == 200
                }
            }
            let refused = try await campus.importing(lines(10..<20), into: "c")
            #expect(refused.status == 429 && refused["type"]?.string?.hasSuffix("/too-many-imports") == true)
            #expect(refused.headers[.retryAfter] == "10")
            #expect(try await campus.get("/v1/orders/imports/c").status == 404)
            #expect(try await other.importing(lines(0..<10))["imported"] == 10)

            let socket = try begin(other, into: "full", length: text.count)
            try socket.send(Array(text.dropLast()))
            try await eventually("the other campus's has begun") {
                try await other.get("/v1/orders/imports/full").status == 200
            }
            #expect(try await other.importing(lines(20..<30), into: "more").status == 503)

            for socket in busy + [socket] {
                try socket.send("\n")
                #expect(try await socket.receive(until: nil).hasPrefix("HTTP/1.1 200"))
            }
            #expect(try await campus.importing(lines(10..<20), into: "c")["imported"] == 10)
        }
    }
}
