/// Frames of the `text/event-stream` format (WHATWG HTML, section 9.2).
enum ServerSentEvent {
    /// A field that cannot be written without breaking the frame.
    struct UnsafeField: Error, Hashable {
        /// `id` or `event`.
        let name: String
    }

    /// A comment line that keeps the connection alive.
    ///
    /// It has no id: it must not move the client's position.
    static let heartbeat = Array(":\n\n".utf8)

    /// Tells the client how long to wait before it reconnects.
    static func retry(after delay: Duration) -> [UInt8] {
        Array("retry: \(delay.components.seconds * 1_000)\n\n".utf8)
    }

    /// Sets the client's last event id without dispatching an event, because its data is empty.
    static func position(id: String) throws(UnsafeField) -> [UInt8] {
        try check("id", id)
        return Array("id: \(id)\ndata:\n\n".utf8)
    }

    /// An event.
    ///
    /// - `data`: any text; each of its lines becomes a `data` line.
    static func message(id: String, event: String, data: [UInt8]) throws(UnsafeField) -> [UInt8] {
        try check("id", id)
        try check("event", event)
        var frame: [UInt8] = []
        frame.reserveCapacity(id.utf8.count + event.utf8.count + data.count + 24)
        frame += "id: \(id)\nevent: \(event)\n".utf8
        for line in lines(of: data) {
            frame += "data: ".utf8
            frame += line
            frame.append(0x0a)
        }
        frame.append(0x0a)
        return frame
    }

    /// CR and LF would begin a new field, and a client ignores an id that contains NUL.
    private static func check(_ name: String, _ value: String) throws(UnsafeField) {
        guard !value.utf8.contains(where: { $0 == 0x0a || $0 == 0x0d || $0 == 0 }) else {
            throw UnsafeField(name: name)
        }
    }

    /// The lines of a text whose lines end in CR LF, CR or LF, as the receiving parser tells them apart.
    private static func lines(of data: [UInt8]) -> [ArraySlice<UInt8>] {
        var lines: [ArraySlice<UInt8>] = []
        var start = data.startIndex
        var index = start
        while index < data.endIndex {
            let byte = data[index]
            guard byte == 0x0a || byte == 0x0d else {
                index += 1
                continue
            }
            lines.append(data[start..<index])
            index += byte == 0x0d && index + 1 < data.endIndex && data[index + 1] == 0x0a ? 2 : 1
            start = index
        }
        lines.append(data[start...])
        return lines
    }
}
