import HTTPTypes
import Logging
import Model
import Postgres
import ServiceKit

/// Opens the live stream of an inbox and writes it to its client.
///
/// The counter is read first and the lines after it, so that nothing filed in between is missed; what follows comes from the hub,
/// which reads on from the stream's own position.
struct OpenStream: Sendable {
    /// Who opens a stream, and from where.
    struct Request: Sendable {
        /// Whose inbox.
        let recipient: Recipient
        /// Who opens it.
        let owner: String
        /// How long the credential still holds; nil when it does not end by itself.
        let validFor: Duration?
        /// What the client says it has seen; nil begins after the newest line.
        let position: Position?
    }

    /// A position as a client sends it.
    enum Position: Sendable {
        /// One that can be read.
        case known(InboxPosition)
        /// One that was never ours.
        case unreadable
    }

    private let pool: ConnectionPool
    private let hub: StreamHub
    private let store = InboxStore()

    /// Opens streams at `hub`.
    init(pool: ConnectionPool, hub: StreamHub) {
        self.pool = pool
        self.hub = hub
    }

    /// Opens a stream and returns its body.
    ///
    /// - Throws: ``Slots/Refusal``, or what reading the counter throws.
    func callAsFunction(_ request: Request, logger: Logger) async throws -> Reply {
        let state = try await pool.autocommit { try store.state(of: request.recipient, in: $0) }
        var position = state.position
        var greeting = ServerSentEvent.retry(after: hub.limits.retry)
        do throws(ResyncReason) {
            switch request.position {
            case .known(let known):
                position = InboxCursor(epoch: position.epoch, seq: try state.resume(from: known))
                greeting += primer(at: position)
            case .unreadable: throw .epoch
            case nil: greeting += primer(at: position)
            }
        } catch {
            greeting += resync(at: position, reason: error)
            logger.record(
                .streamResynced,
                [.recipientKind: .string(request.recipient.kind.rawValue), .reason: .string(error.rawValue)]
            )
        }
        let stream = try hub.open(
            request.recipient,
            owner: request.owner,
            after: position,
            greeting: greeting,
            lifetime: hub.limits.lifetime(credential: request.validFor, random: Double.random(in: 0..<1))
        )
        logger.record(
            .streamOpened,
            [.recipientKind: .string(request.recipient.kind.rawValue), .sequence: .integer(position.seq)]
        )
        let body = StreamBody { [hub, logger] writer in
            // The owner of a slot in the hub is this body: it is written once, and whatever ends it, ends the slot.
            defer {
                hub.remove(stream)
                logger.record(.streamClosed, [.sequence: .integer(stream.seq)])
            }
            stream.begin { writer.cut() }
            try await Self.write(stream, of: hub, to: writer)
        }
        return .stream(body)
    }

    private static func write(_ stream: StreamSubscription, of hub: StreamHub, to writer: any StreamWriter) async throws
    {
        while true {
            switch await stream.next() {
            case .write(let frames): try await writer.write(frames)
            case .heartbeat: try await writer.write(ServerSentEvent.heartbeat)
            case .end: return
            }
            hub.refill(stream)
        }
    }

    /// Gives the client its position at once, so that it can resume even when nothing ever comes.
    private func primer(at position: InboxCursor) -> [UInt8] {
        // A cursor is digits and a hyphen, which every frame can hold.
        (try? ServerSentEvent.position(id: position.text)) ?? []
    }

    private func resync(at position: InboxCursor, reason: ResyncReason) -> [UInt8] {
        let data: JSON = ["reason": .string(reason.rawValue), "cursor": .string(position.text)]
        return (try? ServerSentEvent.message(id: position.text, event: "resync", data: data.serialized())) ?? []
    }
}
