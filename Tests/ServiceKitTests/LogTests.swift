import Foundation
import Logging
import Model
import Postgres
import TestSupport
import Testing

@testable import ServiceKit

@Suite("Logs")
struct LogTests {
    @Test("A line is one JSON object: what happened, then the particulars in a fixed order")
    func jsonLine() throws {
        let capture = LogCapture()
        let order = OrderID(high: 0x018f_0000_0000_7000, low: 0x8000_0000_0000_0001)
        var logger = capture.logger
        logger[.requestID] = "r1"
        logger.record(
            LoggedEvent("order.placed", .info, "Order placed"),
            [
                .amountFen: .fen(Money(fen: 1_250)), .orderID: .id(order), .isReplayed: false,
                .durationMilliseconds: .milliseconds(.microseconds(1_234)),
            ]
        )
        #expect(
            capture.text == """
                {"ts":"2026-03-01T04:00:00Z","level":"info","service":"probe","event":"order.placed","msg":"Order placed",\
                "request_id":"r1","order_id":"018f0000-0000-7000-8000-000000000001","replayed":false,"duration_ms":1.234,\
                "amount_fen":1250}

                """
        )
    }

    @Test("What is not one of our keys is not written, whoever logs it")
    func unknownKeys() throws {
        let capture = LogCapture()
        var logger = capture.logger
        logger[metadataKey: "phone"] = "13812345678"
        logger.info("Hello", metadata: ["address": "1.2.3.4", "openid": "o6_bmjrPTlm6_2sgVt7hMZOPfL2M", "count": "3"])
        let line = try #require(capture.lines.first?.object)
        #expect(line.members.map(\.name) == ["ts", "level", "service", "event", "msg", "address", "count"])
    }

    @Test(
        "Personal data and secrets in text are masked",
        arguments: [
            ("call 13812345678 now", "call [masked] now"), ("+8613812345678", "+[masked]"),
            ("8613912345678,", "[masked],"), ("手机13812345678。", "手机[masked]。"),
            ("key ck_0123456789ABCDEFabcdef is", "key [masked] is"),
            ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "[masked]"),
            ("Authorization: Bearer abc.def-1", "Authorization: Bearer [masked]"),
            ("host=x password=hunter2 user=y", "host=x password=[masked] user=y"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln", "[masked]"),
        ]
    )
    func mask(text: String, expected: String) {
        #expect(Redaction.masked(text) == expected)
    }

    @Test(
        "What only looks like it stays",
        arguments: [
            "order 018f0000-0000-7000-8000-013812345678", "4200001234202603011381234567", "12345678901", "ck_short",
            "1381234567", "138123456789", "a13812345678b", "", "eyJ", "passwordless", "bearer",
        ]
    )
    func keep(text: String) {
        #expect(Redaction.masked(text) == text)
    }

    @Test("Errors are described without what users or statements held")
    func errors() {
        struct Leaky: Error, CustomStringConvertible {
            let description = "openid o6_bmjrPTlm6"
        }
        enum Plain: Error { case broken }
        let capture = LogCapture()
        let event = LoggedEvent("x.failed", .error, "Failed")
        capture.logger.record(event, error: Leaky())
        capture.logger.record(event, error: Plain.broken)
        capture.logger.record(
            event,
            error: PostgresError.server(
                ServerError(sqlState: .uniqueViolation, message: "openid o6", detail: "openid o6", constraint: "c_key")
            )
        )
        capture.logger.error("Direct", error: Leaky())
        #expect(!capture.text.contains("o6"))
        let lines = capture.lines
        #expect(lines.map { $0["error_type"] } == ["Leaky", "Plain", "PostgresError", "Leaky"])
        #expect(lines[1]["error"] == "broken")
        #expect(lines[2]["constraint"] == "c_key")
    }

    @Test("Levels hold, and what is below costs no values")
    func levels() {
        let capture = LogCapture(level: .warning)
        func values() -> [LogKey: LogValue] {
            Issue.record("was asked for values of a line that is not written")
            return [:]
        }
        capture.logger.record(LoggedEvent("x.done", .info, "Done"), values())
        capture.logger.record(LoggedEvent("x.odd", .warning, "Odd"))
        #expect(capture.lines.map { $0["event"] } == ["x.odd"])
    }

    @Test("An output that does not drain costs lines, not time, and the count is told")
    func drops() throws {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        let (reader, writer) = (ends[0], ends[1])
        defer { close(reader) }
        let sink = LogSink(descriptor: writer, capacity: 10_000) { Array("dropped \($0)\n".utf8) }
        let line = Array(String(repeating: "x", count: 99).utf8) + [0x0a]
        // Far more than the pipe and the buffer hold together, and nobody reads.
        for _ in 0..<5_000 { sink.write(line) }
        #expect(sink.dropped > 0)
        let dropped = sink.dropped
        let text = ReadText(reader)
        sink.flush()
        close(writer)
        let lines = text.wait().split(separator: "\n")
        let told = lines.compactMap { $0.hasPrefix("dropped ") ? UInt64($0.dropFirst(8)) : nil }.reduce(0, +)
        #expect(told == dropped)
        #expect(lines.count { $0.hasPrefix("x") } == 5_000 - Int(dropped))
        #expect(lines.allSatisfy { $0.utf8.count == 99 || $0.hasPrefix("dropped ") })
    }

    @Test("Lines of many threads never mix, and flush leaves none behind")
    func concurrency() async {
        let capture = LogCapture()
        let logger = capture.logger
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<8 {
                group.addTask {
                    for index in 0..<500 {
                        logger.record(LoggedEvent("x.y", .info, "Z"), [.count: .integer(task * 500 + index)])
                    }
                }
            }
        }
        #expect(Set(capture.lines.compactMap { $0["count"]?.integer }).count == 4_000)
    }

    @Test("Text lines are for people: one line each")
    func textLine() {
        let capture = LogCapture(format: .text)
        capture.logger.record(LoggedEvent("x.y", .warning, "Something"), [.reason: "a\nb", .count: 3])
        #expect(capture.text == "04:00:00 WARNING Something reason=a b count=3 (x.y)\n")
    }

    @Test("Every event of the edge is documented, and every key of the shared modules is known")
    func documented() throws {
        let page = try Repository.text(of: "docs/logs.md")
        for event in LoggedEvent.edge { #expect(page.contains("`\(event.name)`"), "\(event.name)") }
        for key in LogKey.allCases { #expect(page.contains("`\(key.rawValue)`"), "\(key.rawValue)") }
        let known = Set(LogKey.allCases.map(\.rawValue))
        for module in ["EventLog", "Postgres", "Schema"] {
            for (file, key) in try Self.metadataKeys(of: Repository.root.appending(path: "Sources/Shared/\(module)")) {
                #expect(known.contains(key), "\(file) logs under \(key)")
            }
        }
    }

    /// The metadata keys that the files of a module log under, as their text has them.
    private static func metadataKeys(of module: URL) throws -> [(file: String, key: String)] {
        let files =
            FileManager.default.enumerator(at: module, includingPropertiesForKeys: nil)?.compactMap { $0 as? URL } ?? []
        var keys: [(file: String, key: String)] = []
        for file in files where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in text.matches(of: /"([a-z_]+)": (?:\.string|\.number|\.failure|\.stringConvertible)\(/) {
                keys.append((file.lastPathComponent, String(match.1)))
            }
            for match in text.matches(of: /metadataKey: "([a-z_]+)"/) {
                keys.append((file.lastPathComponent, String(match.1)))
            }
        }
        return keys
    }
}

/// Reads a descriptor to its end on a thread of its own.
private final class ReadText: @unchecked Sendable {
    // Written by the reading thread before it signals, read after the signal.
    private var bytes: [UInt8] = []
    private let done = DispatchSemaphore(value: 0)

    init(_ descriptor: Int32) {
        Thread.detachNewThread {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while true {
                let count = read(descriptor, &buffer, buffer.count)
                guard count > 0 else { break }
                self.bytes += buffer[..<count]
            }
            self.done.signal()
        }
    }

    func wait() -> String {
        done.wait()
        return String(decoding: bytes, as: UTF8.self)
    }
}
