import AsyncHTTPClient
import HTTPTypes
import Model
import NIOCore
import NIOHTTP1

@testable import NotifyService

/// One event of a stream, as a browser would dispatch it.
struct StreamEvent: Hashable, Sendable {
    /// The last event id after it.
    let id: String
    /// Its type.
    let name: String
    /// Its data.
    let data: String

    var json: JSON? { try? JSON(parsing: data) }
    var seq: Int64? { json?["seq"]?.integer }
}

/// Cuts bytes into events by the rules of WHATWG HTML, section 9.2.6, as far as a test needs them.
struct StreamParser {
    private(set) var lastID: String
    private(set) var comments = 0
    private(set) var retry: String?
    private var buffer: [UInt8] = []
    private var name = ""
    private var data: [String] = []
    private var id: String?

    init(lastID: String = "") {
        self.lastID = lastID
    }

    mutating func consume(_ bytes: some Sequence<UInt8>) -> [StreamEvent] {
        var events: [StreamEvent] = []
        for byte in bytes {
            guard byte == 0x0a else {
                buffer.append(byte)
                continue
            }
            if let event = take(String(decoding: buffer, as: UTF8.self)) { events.append(event) }
            buffer = []
        }
        return events
    }

    private mutating func take(_ line: String) -> StreamEvent? {
        if line.isEmpty {
            defer { (name, data, id) = ("", [], nil) }
            if let id { lastID = id }
            let text = data.joined(separator: "\n")
            return text.isEmpty ? nil : StreamEvent(id: lastID, name: name, data: text)
        }
        if line.hasPrefix(":") {
            comments += 1
            return nil
        }
        let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let value = parts.count > 1 ? String(parts[1].hasPrefix(" ") ? parts[1].dropFirst() : parts[1]) : ""
        switch parts[0] {
        case "id": id = value
        case "event": name = value
        case "data": data.append(value)
        case "retry": retry = value
        default: break
        }
        return nil
    }
}

extension NotifyCampus {
    /// Opens a stream; the answer's body goes on until it is dropped.
    func openStream(
        as actor: String?,
        lastEventID: String? = nil,
        query: String = "",
        client: HTTPClient = .shared
    ) async throws -> HTTPClientResponse {
        var request = HTTPClientRequest(url: "\(instance.address)/v1/stream\(query.isEmpty ? "" : "?\(query)")")
        if let actor {
            for field in headers(as: actor) { request.headers.add(name: field.name.canonicalName, value: field.value) }
        }
        if let lastEventID { request.headers.add(name: "last-event-id", value: lastEventID) }
        return try await client.execute(request, deadline: .now() + .seconds(300))
    }

    /// Reads events of a stream until `isEnough` says so, or the stream ends.
    func readStream(
        as actor: String?,
        lastEventID: String? = nil,
        query: String = "",
        until isEnough: (StreamParser, [StreamEvent]) -> Bool
    ) async throws -> (parser: StreamParser, events: [StreamEvent]) {
        let response = try await openStream(as: actor, lastEventID: lastEventID, query: query)
        var parser = StreamParser(lastID: lastEventID ?? "")
        var events: [StreamEvent] = []
        for try await bytes in response.body {
            events += parser.consume(bytes.readableBytesView)
            if isEnough(parser, events) { break }
        }
        return (parser, events)
    }
}
