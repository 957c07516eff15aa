/// One event as an event stream dispatches it.
struct ServerSentEvent: Hashable, Sendable {
    /// The last id the stream has stated, also when this event states none.
    var id: String
    /// `message` unless the stream names it.
    var name: String
    var data: String
}

/// Cuts the bytes of an event stream into events.
///
/// Source: WHATWG HTML, "Server-sent events", §9.2.6 "Interpreting an event stream". An event without data is not
/// dispatched, but its id counts; comments are heartbeats.
struct ServerSentEventParser {
    /// The last id stated by an event that has ended, dispatched or not.
    private(set) var lastEventID = ""
    /// Milliseconds the server asked to wait before coming back.
    private(set) var retryMilliseconds: Int?
    private var line: [UInt8] = []
    private var previousWasReturn = false
    private var pendingID: String?
    private var name = ""
    private var data: [String] = []

    init(lastEventID: String = "") {
        self.lastEventID = lastEventID
    }

    /// Takes the next bytes, wherever they were cut, and returns the events that they complete.
    mutating func consume(_ bytes: some Sequence<UInt8>) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        for byte in bytes {
            let endsReturn = previousWasReturn
            previousWasReturn = byte == UInt8(ascii: "\r")
            if byte == UInt8(ascii: "\n"), endsReturn { continue }
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                if let event = endLine() { events.append(event) }
            } else {
                line.append(byte)
            }
        }
        return events
    }

    private mutating func endLine() -> ServerSentEvent? {
        defer { line.removeAll(keepingCapacity: true) }
        guard !line.isEmpty else { return endEvent() }
        guard line[0] != UInt8(ascii: ":") else { return nil }
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.endIndex
        var value = line[colon...].dropFirst()
        if value.first == UInt8(ascii: " ") { value = value.dropFirst() }
        take(field: String(decoding: line[..<colon], as: UTF8.self), value: String(decoding: value, as: UTF8.self))
        return nil
    }

    private mutating func take(field: String, value: String) {
        switch field {
        case "id": if !value.utf8.contains(0) { pendingID = value }
        case "event": name = value
        case "data": data.append(value)
        case "retry": if value.utf8.allSatisfy({ (48...57).contains($0) }) { retryMilliseconds = Int(value) }
        default: return
        }
    }

    private mutating func endEvent() -> ServerSentEvent? {
        defer {
            pendingID = nil
            name = ""
            data = []
        }
        if let pendingID { lastEventID = pendingID }
        guard !data.isEmpty else { return nil }
        return ServerSentEvent(
            id: lastEventID,
            name: name.isEmpty ? "message" : name,
            data: data.joined(separator: "\n")
        )
    }
}
