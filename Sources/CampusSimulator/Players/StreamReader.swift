import AsyncHTTPClient
import Model
import NIOCore
import NIOHTTP1

/// Holds one recipient's event stream open, and comes back where it stopped whenever it breaks.
final class StreamReader: Sendable {
    private struct State: Sendable {
        var lastEventID: String
        var lines: [Line] = []
        var connections = 0
        var resyncs = 0
    }

    /// One line of the inbox as the stream brought it.
    struct Line: Sendable {
        let number: Int64
        let json: JSON
        let receivedAt: ContinuousClock.Instant
    }

    /// Whose stream, for example `customer:stu_1`.
    let recipient: String
    private let caller: Caller
    private let campus: CampusAccess
    private let onLine: @Sendable (Line) -> Void
    private let state: Watched<State>

    /// A reader of that recipient's stream from after a number, opened by `caller`; `onLine` hears each line as it arrives.
    init(
        recipient: String,
        after number: Int64,
        caller: Caller,
        campus: CampusAccess,
        onLine: @escaping @Sendable (Line) -> Void = { _ in }
    ) {
        self.recipient = recipient
        self.caller = caller
        self.campus = campus
        self.onLine = onLine
        state = Watched(State(lastEventID: "\(number)"))
    }

    /// Everything received so far, in order of arrival.
    var lines: [Line] { state.value.lines }
    /// Connections made after the first.
    var resumes: Int { max(0, state.value.connections - 1) }

    /// Waits until the server has answered for the first time.
    func waitUntilConnected(atMost timeout: Duration) async -> Bool {
        await state.wait(atMost: timeout) { $0.connections > 0 }
    }

    /// Reads until cancelled.
    func run() async {
        let clock = ContinuousClock()
        while !Task.isCancelled {
            do {
                try await readOnce()
            } catch {
                // Whatever broke it, the answer is the same: come back with the last id.
            }
            // Ended by the server or broken; a moment later somebody else may be listening there.
            try? await clock.sleep(for: .milliseconds(100))
        }
    }

    private func readOnce() async throws {
        let lastEventID = state.value.lastEventID
        let ticket = try await campus.notify.post(
            "/v1/stream/tickets",
            key: "ticket-\(recipient)-\(UInt64.random(in: .min ... .max))",
            as: caller
        )
        guard let ticket = ticket["ticket"]?.string else {
            throw MissingMember(request: "POST /v1/stream/tickets", members: "ticket")
        }
        // As a browser's EventSource comes: no header of its own on the first connection.
        let query = [("ticket", ticket), ("last_event_id", lastEventID)]
        var request = HTTPClientRequest(url: campus.notify.anyAddress + "/v1/stream" + ServiceClient.queryText(query))
        request.headers.add(name: "accept", value: "text/event-stream")
        let response = try await campus.streams.execute(request, deadline: .distantFuture)
        guard response.status == .ok else { return }
        state.update { $0.connections += 1 }
        var parser = ServerSentEventParser(lastEventID: lastEventID)
        for try await bytes in response.body {
            let events = parser.consume(bytes.readableBytesView)
            let received = ContinuousClock.now
            let lines = events.compactMap { line(of: $0, receivedAt: received) }
            state.update { state in
                if !parser.lastEventID.isEmpty { state.lastEventID = parser.lastEventID }
                state.lines += lines
            }
            for line in lines { onLine(line) }
        }
    }

    private func line(of event: ServerSentEvent, receivedAt: ContinuousClock.Instant) -> Line? {
        guard event.name != "resync" else {
            campus.mishaps.note("\(recipient): the stream asked to start over")
            return nil
        }
        guard let json = try? JSON(parsing: event.data), let number = json["seq"]?.integer else { return nil }
        return Line(number: number, json: json, receivedAt: receivedAt)
    }
}
