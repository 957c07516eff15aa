import HTTPTypes
import Model
import Postgres
import ServiceKit

/// The routes of the inbox.
struct InboxController: Sendable {
    private let pool: ConnectionPool
    private let clock: any WallClock
    private let readInbox: ReadInbox
    private let store = InboxStore()

    /// Routes over `pool`.
    init(pool: ConnectionPool, hub: StreamHub, clock: any WallClock) {
        self.pool = pool
        self.clock = clock
        readInbox = ReadInbox(pool: pool, hub: hub)
    }

    /// The route table.
    var operations: [Operation] {
        [
            Operation(
                "readInbox",
                .get,
                "/v1/inbox",
                summary: "Read one's inbox",
                details: """
                    Without `after`: the newest lines first, further back with `before`. With `after`: what is newer than that \
                    position, oldest first, waiting up to `wait_s` seconds for it. Numbers (`seq`) are one's own and have no \
                    gaps; `cursor` is where to go on, here or in `GET /v1/stream`. Desk staff share one inbox for each campus.
                    """,
                tag: "Inbox",
                access: .inboxOwners,
                parameters: [
                    .query(
                        "after",
                        .inboxPosition,
                        "A `cursor` given before, or a bare number; `0` reads from the first line."
                    ),
                    .query(
                        "before",
                        .integer(1...Int64.max),
                        "Only lines with a smaller number. Not together with `after`."
                    ),
                    .query(
                        "wait_s",
                        .integer(0...30),
                        "How many seconds to wait for a line when there is none after `after`."
                    ),
                    .limit,
                ],
                responses: [.json("The lines and the counts.", .inboxPage)],
                problems: [.positionGone, .tooManyStreams],
                handler: read
            ),
            Operation(
                "readInboxCounts",
                .get,
                "/v1/inbox/unread",
                summary: "Count what one has not read",
                details:
                    "`version` rises with every change: of two answers the one with the greater version is the newer.",
                tag: "Inbox",
                access: .inboxOwners,
                responses: [.json("The counts.", .inboxCounts)],
                handler: counts
            ),
            Operation(
                "markInboxItemRead",
                .post,
                "/v1/inbox/{seq}/read",
                summary: "Mark a line as read",
                details: "Doing so again changes nothing.",
                tag: "Inbox",
                access: .inboxOwners,
                parameters: [.path("seq", .integer(1...Int64.max), "The line's number.")],
                responses: [.json("The counts after it.", .inboxCounts)],
                handler: markRead
            ),
            Operation(
                "markInboxRead",
                .post,
                "/v1/inbox/read-all",
                summary: "Mark everything as read",
                details:
                    "Doing so again changes nothing. Send `through` to leave alone what came after the list that was shown.",
                tag: "Inbox",
                access: .inboxOwners,
                bodyRule: .json(
                    .object([.optional("through", .integer(0...Int64.max), "Only up to this number.")]),
                    required: false
                ),
                responses: [.json("The counts after it.", .inboxCounts)],
                handler: markAllRead
            ),
        ]
    }

    private func read(_ call: Call) async throws -> Reply {
        let recipient = try Recipient(of: call.principal)
        let limit = call.query["limit"]?.integer.map { Int($0) } ?? Page.standardLimit
        let before = call.query["before"]?.integer
        let wait = Duration.seconds(call.query["wait_s"]?.integer ?? 0)
        let request: ReadInbox.Request
        if let text = call.query["after"]?.string {
            guard before == nil else {
                throw Problem.validation([Fault("/before", "cannot be sent together with after", in: .query)])
            }
            guard let position = InboxPosition(text) else {
                throw Problem.validation([Fault("/after", "is not a position in an inbox", in: .query)])
            }
            request = .after(position, wait: wait)
        } else {
            guard wait == .zero else {
                throw Problem.validation([Fault("/wait_s", "needs after", in: .query)])
            }
            request = .newest(before: before)
        }
        let page: ReadInbox.Page
        do {
            page = try await readInbox(request, of: recipient, owner: call.principal.idempotencyName, limit: limit)
        } catch let reason as ResyncReason {
            throw Problem(
                .positionGone,
                "Nothing can be said to follow from this position.",
                members: ["reason": .string(reason.rawValue)]
            )
        } catch let refusal as Slots.Refusal {
            throw Problem(refusal)
        }
        return .ok(page.json(for: recipient.kind)).with(.cacheControl, "no-store")
    }

    private func counts(_ call: Call) async throws -> Reply {
        let recipient = try Recipient(of: call.principal)
        let state = try await pool.autocommit { try store.state(of: recipient, in: $0) }
        return .ok(state.counts).with(.cacheControl, "no-store")
    }

    private func markRead(_ call: Call) async throws -> Reply {
        let recipient = try Recipient(of: call.principal)
        guard let seq = Int64(call.path("seq")) else { throw Problem.notFound }
        let now = clock.now()
        let state = try await pool.transaction { session -> InboxState? in
            guard try store.markRead(seq, of: recipient, at: now, in: session) else { return nil }
            return try store.state(of: recipient, in: session)
        }
        guard let state else { throw Problem.notFound }
        return .ok(state.counts)
    }

    private func markAllRead(_ call: Call) async throws -> Reply {
        let recipient = try Recipient(of: call.principal)
        let through = call.body["through"]?.integer
        let state = try await pool.transaction { session in
            try store.markAllRead(upTo: through, of: recipient, in: session)
            return try store.state(of: recipient, in: session)
        }
        return .ok(state.counts)
    }
}

extension InboxState {
    /// What a badge shows.
    fileprivate var counts: JSON {
        ["unread": .integer(unread), "version": .integer(version), "newest": .integer(position.seq)]
    }
}

extension ReadInbox.Page {
    fileprivate func json(for kind: RecipientKind) -> JSON {
        let items = items.map { item -> JSON in
            var object = item.json(for: kind, epoch: cursor.epoch)
            object["read"] = .bool(item.isRead)
            return .object(object)
        }
        return [
            "items": .array(items),
            "cursor": .string(cursor.text),
            "has_more": .bool(hasMore),
            "unread": .integer(state.unread),
            "version": .integer(state.version),
        ]
    }
}

extension Problem {
    /// No stream can be opened.
    init(_ refusal: Slots.Refusal) {
        switch refusal {
        case .tooManyOfOwner(let limit):
            self.init(.tooManyStreams, "At most \(limit) streams and waiting requests of one user can be open at once.")
        case .tooManyInCampus(let limit):
            self.init(
                .tooManyStreams,
                "At most \(limit) streams and waiting requests of one campus can be open at once.",
                headers: [.retryAfter: "5"]
            )
        case .full:
            self = .unavailable("The service has as many streams open as it can hold.", retryAfter: .seconds(5))
        }
    }
}

extension JSONSchema {
    /// A position in an inbox: a cursor, or a bare number.
    static let inboxPosition = JSONSchema.string(length: 1...40, pattern: .ascii("0-9-"))

    private static let inboxItem = JSONSchema.object(
        name: "InboxItem",
        [
            .required("seq", .integer(1...Int64.max), "Its number among one's own."),
            .required("cursor", .string(length: 3...40), "The position after it."),
            .required(
                "event_id",
                .string(length: 5...40),
                "The event, by the name that webhooks use too."
            ),
            .required("type", .string(length: 1...64), "What happened."),
            .required("title", .localizedText),
            .required("body", .localizedText),
            .required("data", .map(of: .any), "Ids to go to and what the words are made of."),
            .required("occurred_at", .timestamp),
            .required("read", .boolean),
        ]
    )

    fileprivate static let inboxPage = JSONSchema.object(
        name: "InboxPage",
        [
            .required("items", .array(of: inboxItem, count: 0...Page.largestLimit)),
            .required(
                "cursor",
                .string(length: 3...40),
                "Where to go on for what is newer: as `after`, or as `last_event_id`."
            ),
            .required("has_more", .boolean, "Whether there are more in the direction asked for."),
            .required("unread", .integer(0...Int64.max)),
            .required("version", .integer(0...Int64.max), "Rises with every change of the counts."),
        ]
    )

    fileprivate static let inboxCounts = JSONSchema.object(
        name: "InboxCounts",
        [
            .required("unread", .integer(0...Int64.max)),
            .required("version", .integer(0...Int64.max), "Rises with every change of the counts."),
            .required("newest", .integer(0...Int64.max), "The newest number; 0 before the first."),
        ]
    )
}
