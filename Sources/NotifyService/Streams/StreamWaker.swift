import EventLog
import Logging
import Model
import ServiceKit
import ServiceLifecycle

/// Wakes this instance's streams for lines that any instance filed.
struct StreamWaker: Service {
    private static let pause = Duration.milliseconds(500)

    private let hub: StreamHub
    private let announcements: Tail
    private let logger: Logger

    /// A waker of `hub`.
    ///
    /// - `announcements`: the `notifications` stream.
    init(hub: StreamHub, announcements: Tail, logger: Logger) {
        self.hub = hub
        self.announcements = announcements
        self.logger = logger
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var tail = announcements
            var isStarted = false
            while !Task.isCancelled {
                do {
                    if !isStarted {
                        try await tail.start()
                        isStarted = true
                        // What was announced before, nobody tells of again.
                        hub.advanceAll()
                    }
                    switch try await tail.next() {
                    case .events(let events): advance(events)
                    case .restarted: hub.advanceAll()
                    }
                } catch is CancellationError {
                    return
                } catch {
                    logger.record(.streamWakeFailed, error: error)
                    try? await Task.sleep(for: Self.pause)
                }
            }
        }
    }

    private func advance(_ events: [RecordedEvent]) {
        for event in events where event.type == EventType.inboxAdvanced.rawValue {
            guard let payload = try? event.payload else {
                // Whoever it was about, everybody looks.
                hub.advanceAll()
                continue
            }
            hub.advance(InboxAnnouncement(json: payload, campus: event.campus).places)
        }
    }
}
