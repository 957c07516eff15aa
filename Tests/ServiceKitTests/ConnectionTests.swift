import Foundation
import HTTPTypes
import Hummingbird
import Logging
import Model
import ServiceLifecycle
import TestSupport
import Testing

@testable import ServiceKit

@Suite("Connections", .timeLimit(.minutes(2)))
struct ConnectionTests {
    /// Lends the port of the running probe, and ends it gracefully.
    private func serve(
        settings: [String: String] = [:],
        _ body: @escaping @Sendable (_ port: Int, _ group: ServiceGroup) async throws -> Void
    ) async throws {
        try await withDatabase { database in
            let platform = try await ProbePlatform(database, isTest: false, settings: settings)
            let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
            let runtime = try await platform.runtime { continuation.yield($0) }
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(services: [runtime.application], logger: .silent)
            )
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                guard let port = await ports.first(where: { _ in true }) else { return }
                try await body(port, group)
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
    }

    /// What the server sends until it closes, or until `end` is in it.
    private func exchange(_ port: Int, _ text: String, until end: String? = nil) async throws -> String {
        let socket = try RawSocket(port: port)
        try socket.send(text)
        return try await socket.receive(until: end)
    }

    @Test("Too many, too large or endless headers are a problem, and the connection ends")
    func headerFlood() async throws {
        try await serve { port, _ in
            let large = "X-Large: \(String(repeating: "x", count: 20_000))\r\n"
            let many = (0..<120).map { "X-Header-\($0): 1\r\n" }.joined()
            let total = (0..<4).map { "X-Header-\($0): \(String(repeating: "x", count: 10_000))\r\n" }.joined()
            for flood in [large, many, total] {
                let answer = try await exchange(port, "GET /health/live HTTP/1.1\r\nHost: x\r\n\(flood)\r\n")
                #expect(answer.hasPrefix("HTTP/1.1 431 "), "\(answer.prefix(40))")
                #expect(answer.contains("application/problem+json"))
                #expect(answer.contains(#""code":"headers-too-large""#))
                #expect(answer.lowercased().contains("connection: close"))
            }
        }
    }

    @Test(
        "What is not HTTP is a problem, not silence",
        arguments: [
            "HELLO\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET / HTTP/1.1\r\nBad Header: 1\r\n\r\n",
            "POST /v1/bytes HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            "POST /v1/bytes HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST /v1/bytes HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ]
    )
    func malformed(text: String) async throws {
        try await serve { port, _ in
            let answer = try await exchange(port, text)
            #expect(answer.hasPrefix("HTTP/1.1 400 "), "\(answer.prefix(60))")
            #expect(answer.contains(#""code":"malformed-request""#), "\(answer)")
        }
    }

    @Test("A body that trickles is cut off, a head that trickles as well")
    func slow() async throws {
        try await serve(settings: ["HTTP_BODY_TIMEOUT_S": "0.5", "HTTP_IDLE_TIMEOUT_S": "0.6"]) { port, _ in
            let socket = try RawSocket(port: port)
            try socket.send(
                "POST /v1/bytes HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 100\r\n\r\n"
            )
            let trickle = Task {
                for _ in 0..<40 {
                    try await Task.sleep(for: .milliseconds(50))
                    try? socket.send("x")
                }
            }
            let answer = try await socket.receive(until: nil)
            trickle.cancel()
            #expect(answer.hasPrefix("HTTP/1.1 408 "), "\(answer.prefix(60))")
            #expect(answer.contains(#""code":"request-timeout""#))

            let head = try RawSocket(port: port)
            let began = ContinuousClock.now
            let crawl = Task {
                for byte in "GET /health/live HTTP/1.1\r\nX-Long: ".utf8 {
                    try? head.send(String(UnicodeScalar(byte)))
                    try await Task.sleep(for: .milliseconds(50))
                }
            }
            #expect(try await head.receive(until: nil).isEmpty)
            crawl.cancel()
            #expect(ContinuousClock.now - began < .seconds(3))
        }
    }

    @Test("An oversized body is refused before it has arrived, and the answer gets through")
    func oversized() async throws {
        try await serve { port, _ in
            let declared = try await exchange(
                port,
                "POST /v1/bytes HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nContent-Length: 100000000\r\n\r\nabc"
            )
            #expect(declared.hasPrefix("HTTP/1.1 413 "), "\(declared.prefix(60))")
            let socket = try RawSocket(port: port)
            try socket.send(
                "POST /v1/bytes HTTP/1.1\r\nHost: x\r\nContent-Type: image/png\r\nTransfer-Encoding: chunked\r\n\r\n"
            )
            let chunk = "10000\r\n\(String(repeating: "x", count: 0x10000))\r\n"
            let flood = Task.detached { for _ in 0..<100 where (try? socket.send(chunk)) == nil { break } }
            #expect(try await socket.receive(until: nil).hasPrefix("HTTP/1.1 413 "))
            await flood.value
        }
    }

    private static let linesHead =
        "POST /v1/lines HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"

    private func chunk(_ text: String) -> String {
        "\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n"
    }

    @Test("Lines may take longer than a body may, as long as each piece comes in time")
    func streamedBody() async throws {
        try await serve(settings: ["HTTP_BODY_TIMEOUT_S": "0.5"]) { port, _ in
            let path = Self.linesHead
            let socket = try RawSocket(port: port)
            try socket.send(path)
            for number in 0..<8 {
                try socket.send(chunk("line \(number)\n"))
                try await Task.sleep(for: .milliseconds(100))
            }
            try socket.send("0\r\n\r\n")
            let answer = try await socket.receive(until: "}")
            #expect(answer.contains(#"{"lengths":[6,6,6,6,6,6,6,6]}"#), "\(answer)")
            let silent = try RawSocket(port: port)
            try silent.send(path + chunk("line 1\n"))
            let cut = try await silent.receive(until: nil)
            #expect(cut.hasPrefix("HTTP/1.1 408 "), "\(cut.prefix(60))")
        }
    }

    @Test("Lines that break off or are too many are refused, and nothing half is taken for a line")
    func brokenLines() async throws {
        try await serve { port, _ in
            let unframed = try await exchange(port, Self.linesHead + "zz\r\n")
            #expect(unframed.hasPrefix("HTTP/1.1 400 "), "\(unframed.prefix(60))")
            let declared = try await exchange(
                port,
                "POST /v1/lines HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: 300001\r\n\r\na"
            )
            #expect(declared.hasPrefix("HTTP/1.1 413 "), "\(declared.prefix(60))")
            let socket = try RawSocket(port: port)
            try socket.send(Self.linesHead)
            let piece = chunk(String(repeating: "x", count: 0x8000) + "\n")
            let flood = Task.detached { for _ in 0..<30 where (try? socket.send(piece)) == nil { break } }
            #expect(try await socket.receive(until: nil).hasPrefix("HTTP/1.1 413 "))
            await flood.value
        }
    }

    @Test("Requests on one connection are answered in order, pipelined or not, problems included")
    func pipelining() async throws {
        try await serve { port, _ in
            let one = "GET /v1/slow HTTP/1.1\r\nHost: x\r\n\r\n"
            let two = "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"
            let three = "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            let answer = try await exchange(port, one + two + three, until: "live\"}")
            let statuses = answer.matches(of: /HTTP\/1.1 (\d+)/).map { $0.1 }
            #expect(statuses == ["200", "404", "200"])
            let broken = try await exchange(port, one + "BROKEN\r\n\r\n")
            #expect(broken.matches(of: /HTTP\/1.1 (\d+)/).map { $0.1 } == ["200", "400"])
        }
    }

    @Test("A stream ends when its client leaves")
    func streamLeft() async throws {
        let capture = LogCapture()
        try await withDatabase { database in
            let platform = try await ProbePlatform(database, isTest: false, settings: ["STATS_INTERVAL_S": "0.1"])
            let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
            let runtime = try await platform.runtime(logger: capture.logger) { continuation.yield($0) }
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(services: [runtime.application], logger: .silent)
            )
            func open() -> Int64? { capture.lines(of: "stats").last?["gauges"]?["open_streams"]?.integer }
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                guard let port = await ports.first(where: { _ in true }) else { return }
                do {
                    let socket = try RawSocket(port: port)
                    try socket.send("GET /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n")
                    let text = try await socket.receive(until: "data: 3")
                    #expect(text.contains("text/event-stream"))
                    try await eventually("the stream is counted") { open() == 1 }
                }
                try await eventually("the stream has ended") { open() == 0 }
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
            }
        }
        let stats = try #require(capture.lines(of: "stats").first { $0["requests"]?["GET /v1/watch"] != nil })
        #expect(stats["requests"]?["GET /v1/watch"]?["200"]?["n"] == 1)
        #expect(stats["gauges"]?["pool"]?["open"]?.integer != nil)
    }

    @Test("Shutting down finishes what is in hand, says farewell to streams and ends in time")
    func shutdown() async throws {
        try await serve { port, group in
            // Two requests in one piece: with the answer to the first, the second is in hand.
            let slow = try RawSocket(port: port)
            try slow.send(
                "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/slow HTTP/1.1\r\nHost: x\r\n\r\n"
            )
            #expect(try await slow.receive(until: "\r\n\r\n").hasPrefix("HTTP/1.1 200"))
            let stream = try RawSocket(port: port)
            try stream.send("GET /v1/watch HTTP/1.1\r\nHost: x\r\n\r\n")
            _ = try await stream.receive(until: "data: 1")
            let began = ContinuousClock.now
            await group.triggerGracefulShutdown()
            #expect(try await slow.receive(until: nil).contains(#"{"done":true}"#))
            #expect(try await stream.receive(until: nil).contains("event: bye"))
            #expect(ContinuousClock.now - began < .seconds(7))
            #expect(throws: (any Error).self) { try RawSocket(port: port) }
        }
    }
}
