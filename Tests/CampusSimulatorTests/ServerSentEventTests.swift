import Testing

@testable import CampusSimulator

@Suite("Reading an event stream")
struct ServerSentEventTests {
    private static let text = """
        : hello\r
        retry: 2000\r
        id: 7\r
        data:\r
        \r
        id: 8\r
        event: notice\r
        data: {"seq":8,\r
        data:  "title":"退款成功😀"}\r
        \r
        : heartbeat\r
        \r
        data: last\r
        \r
        id: 9\r
        data: unfinished\r

        """
    private static let expected = [
        ServerSentEvent(id: "7", name: "message", data: ""),
        ServerSentEvent(id: "8", name: "notice", data: "{\"seq\":8,\n \"title\":\"退款成功😀\"}"),
        ServerSentEvent(id: "8", name: "message", data: "last"),
    ]

    @Test("Wherever the bytes are cut, the events are the same", arguments: 1...9)
    func isIndifferentToCuts(size: Int) {
        let bytes = Array(Self.text.utf8)
        var parser = ServerSentEventParser()
        var events: [ServerSentEvent] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            events += parser.consume(bytes[start..<min(start + size, bytes.count)])
        }
        #expect(events == Self.expected)
        #expect(parser.lastEventID == "8")
        #expect(parser.retryMilliseconds == 2_000)
    }

    @Test("All three line endings end lines", arguments: ["\n", "\r", "\r\n"])
    func takesEveryLineEnding(end: String) {
        var parser = ServerSentEventParser()
        let events = parser.consume("id: 1\(end)data: a\(end)\(end)data: b\(end)\(end)".utf8)
        #expect(events.map(\.data) == ["a", "b"])
    }

    @Test("An id without data is remembered and not dispatched; one with a NUL is ignored")
    func remembersIDs() {
        var parser = ServerSentEventParser()
        #expect(parser.consume("id: 41\n\n".utf8).isEmpty)
        #expect(parser.lastEventID == "41")
        #expect(parser.consume("id: 4\u{0}2\ndata: x\n\n".utf8).map(\.id) == ["41"])
    }

    @Test("A stream that is resumed goes on from its last id")
    func resumes() {
        var parser = ServerSentEventParser(lastEventID: "12")
        #expect(parser.consume("data: x\n\n".utf8).map(\.id) == ["12"])
    }
}
