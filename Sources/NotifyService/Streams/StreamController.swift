import HTTPTypes
import Logging
import Model
import Postgres
import ServiceKit

/// The routes of the live stream.
struct StreamController: Sendable {
    private let pool: ConnectionPool
    private let clock: any WallClock
    private let openStream: OpenStream
    private let tickets = StreamTicketStore()

    private static let ticketParameter = "ticket"

    /// Routes over `pool` and `hub`.
    init(pool: ConnectionPool, hub: StreamHub, clock: any WallClock) {
        self.pool = pool
        self.clock = clock
        openStream = OpenStream(pool: pool, hub: hub)
    }

    /// The route table.
    var operations: [Operation] {
        [
            Operation(
                "openStream",
                .get,
                "/v1/stream",
                summary: "Follow one's inbox live",
                details: """
                    Server-Sent Events. Each event's `event` is the type of what happened, its `data` an inbox line, its `id` the \
                    position after it. Reconnect with `Last-Event-ID` (EventSource does so by itself) or `last_event_id`; the header \
                    wins. Nothing is missed and nothing repeated. Without a position the stream begins after the newest line; load the \
                    inbox first and pass its `cursor`.

                    An event `resync` (`data`: `reason`, `cursor`) says that nothing can be said to follow from the position sent: load \
                    the inbox anew, the stream goes on from there. A comment is sent every 20 seconds; about every ten minutes, and with \
                    the credential, the stream ends and is to be opened again.
                    """,
                tag: "Inbox",
                access: .inboxOwners.orTicket(in: Self.ticketParameter),
                parameters: [
                    .query(
                        Self.ticketParameter,
                        .string(length: 1...100, pattern: .ascii("A-Za-z0-9_-")),
                        "Instead of a credential, for clients that cannot send headers. Used up by opening the stream."
                    ),
                    .query(
                        "last_event_id",
                        .string(length: 0...100, pattern: .visibleASCII),
                        "Where to go on; for clients that cannot send the header."
                    ),
                    .header("Last-Event-ID", .string(length: 0...100, pattern: .visibleASCII), "Where to go on."),
                ],
                responses: [.other(type: "text/event-stream", "The stream.")],
                problems: [.tooManyStreams],
                handler: open
            ),
            Operation(
                "createStreamTicket",
                .post,
                "/v1/stream/tickets",
                summary: "Get a ticket for a stream",
                details:
                    "For EventSource, which sends no headers. It opens one stream, once, within 60 seconds; get another to reconnect.",
                tag: "Inbox",
                access: .inboxOwners,
                responses: [
                    .json(
                        201,
                        "The ticket.",
                        .object(
                            name: "StreamTicket",
                            [
                                .required(
                                    "ticket",
                                    .string(length: 1...100),
                                    "Goes into the query of `GET /v1/stream`."
                                ),
                                .required("expires_at", .timestamp),
                            ]
                        )
                    )
                ],
                handler: issueTicket
            ),
        ]
    }

    private func open(_ call: Call) async throws -> Reply {
        let caller = try await caller(of: call)
        let text = call.header(.lastEventID) ?? call.query["last_event_id"]?.string ?? ""
        let position: OpenStream.Position? =
            text.isEmpty ? nil : InboxPosition(text).map(OpenStream.Position.known) ?? .unreadable
        do {
            return try await openStream(
                OpenStream.Request(
                    recipient: caller.recipient,
                    owner: caller.owner,
                    validFor: caller.expiresAt?.duration(since: clock.now()),
                    position: position
                ),
                logger: call.logger
            )
        } catch let refusal as Slots.Refusal {
            throw Problem(refusal)
        }
    }

    /// Whose inbox is to be shown, by the credential or the ticket, and until when.
    private func caller(
        of call: Call
    ) async throws -> (recipient: Recipient, owner: String, expiresAt: Timestamp?) {
        guard !call.isByTicket else {
            let now = clock.now()
            let secret = call.query[Self.ticketParameter]?.string ?? ""
            let ticket = try await pool.autocommit { try tickets.redeem(secret, at: now, in: $0) }
            guard let ticket else {
                throw Problem(.unauthenticated, "The ticket is unknown, was used, or has expired. Get another.")
            }
            return (ticket.recipient, ticket.owner, ticket.credentialExpiresAt)
        }
        return (try Recipient(of: call.principal), call.principal.idempotencyName, call.principal.expiresAt)
    }

    private func issueTicket(_ call: Call) async throws -> Reply {
        var generator = SystemRandomNumberGenerator()
        let secret = StreamTicket.makeSecret(using: &generator)
        let ticket = StreamTicket(
            recipient: try Recipient(of: call.principal),
            owner: call.principal.idempotencyName,
            expiresAt: clock.now() + StreamTicket.lifetime,
            credentialExpiresAt: call.principal.expiresAt
        )
        try await pool.autocommit { try tickets.insert(ticket, secret: secret, in: $0) }
        let json: JSON = ["ticket": .string(secret), "expires_at": .string(ticket.expiresAt.rfc3339)]
        return Reply(status: 201, body: .json(json)).with(.cacheControl, "no-store")
    }
}
