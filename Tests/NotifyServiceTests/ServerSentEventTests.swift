import Testing

@testable import NotifyService

@Suite("Frames of an event stream")
struct ServerSentEventTests {
    @Test("An event is id, event, data and a blank line")
    func message() throws {
        let frame = try ServerSentEvent.message(id: "1-42", event: "order.paid", data: Array(#"{"a":1}"#.utf8))
        #expect(String(decoding: frame, as: UTF8.self) == "id: 1-42\nevent: order.paid\ndata: {\"a\":1}\n\n")
    }

    @Test("Each line of the data is a data line, however lines end")
    func lines() throws {
        let frame = try ServerSentEvent.message(id: "1-1", event: "e", data: Array("a\nb\r\nc\rd\n".utf8))
        #expect(
            String(decoding: frame, as: UTF8.self)
                == "id: 1-1\nevent: e\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n"
        )
    }

    @Test("A position has an id and empty data, so that it is kept and nothing is dispatched")
    func position() throws {
        #expect(String(decoding: try ServerSentEvent.position(id: "1-7"), as: UTF8.self) == "id: 1-7\ndata:\n\n")
    }

    @Test("A heartbeat is a comment without an id")
    func heartbeat() {
        #expect(String(decoding: ServerSentEvent.heartbeat, as: UTF8.self) == ":\n\n")
    }

    @Test("The delay before a reconnect is in whole milliseconds")
    func retry() {
        #expect(String(decoding: ServerSentEvent.retry(after: .seconds(2)), as: UTF8.self) == "retry: 2000\n\n")
    }

    @Test("CR, LF and NUL are refused in id and event", arguments: ["1\r", "1\n2", "\u{0}1", "a\r\nid: 9"])
    func injection(_ text: String) {
        #expect(throws: ServerSentEvent.UnsafeField(name: "id")) { try ServerSentEvent.position(id: text) }
        #expect(throws: ServerSentEvent.UnsafeField(name: "id")) {
            try ServerSentEvent.message(id: text, event: "e", data: [])
        }
        #expect(throws: ServerSentEvent.UnsafeField(name: "event")) {
            try ServerSentEvent.message(id: "1", event: text, data: [])
        }
    }
}
