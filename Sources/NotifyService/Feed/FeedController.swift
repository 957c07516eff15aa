import EventLog
import HTTPTypes
import Logging
import Model
import Postgres
import ServiceKit

/// The route of the platform's feed.
struct FeedController: Sendable {
    private let readFeed: ReadFeed

    /// What `after` says to begin after the newest event.
    private static let latest = "latest"

    /// Routes over `pool`, whose readers wait in `room`.
    init(pool: ConnectionPool, room: FeedWaitingRoom) {
        readFeed = ReadFeed(pool: pool, room: room)
    }

    /// The route table.
    var operations: [Operation] {
        [
            Operation(
                "readEvents",
                .get,
                "/v1/events",
                summary: "Read the event feed",
                details: """
                    Every event of the campus that webhooks may carry, each under the same `id` and to the byte the same as the webhook's \
                    body, in order: the oldest first, what belongs to one order as it happened. Keep `cursor` and send it as `after` to go \
                    on; nothing is ever passed over, however late it was committed. An event can come twice, as with webhooks: know it by \
                    its `id`. A page may be empty although `has_more` is true, where a filter let nothing through: go on from its `cursor`.

                    Without `after` the feed begins with the oldest event that is kept (30 days by default); `after=latest` begins with \
                    what happens from now on. `wait_s` waits for an event where there is none, and answers at once when there is.
                    """,
                tag: "Events",
                access: .platform(.notificationsRead),
                parameters: [
                    .query("after", .feedPosition, "A `cursor` given before, or `latest`."),
                    .query(
                        "types",
                        .array(of: .enumeration(WebhookEndpoint.subscribableTypes), count: 1...100),
                        "Only these event types, or all of a noun: `refund.*`."
                    ),
                    .query("order_id", .id, "Only what belongs to this order, its cases and refunds included."),
                    .query("wait_s", .integer(0...30), "How many seconds to wait for an event when there is none."),
                    .limit,
                ],
                responses: [.json("The events.", .feedPage)],
                problems: [.cursorExpired, .tooManyStreams],
                handler: read
            )
        ]
    }

    private func read(_ call: Call) async throws -> Reply {
        let request = ReadFeed.Request(
            campus: call.principal.campus,
            owner: call.principal.idempotencyName,
            start: try start(of: call),
            filter: FeedFilter(
                types: types(of: call),
                excludedTypes: PublishedEvent.ownTypes,
                root: call.query["order_id"]?.string.flatMap { AnyID($0) }
            ),
            limit: call.query["limit"]?.integer.map { Int($0) } ?? Page.standardLimit,
            wait: .seconds(call.query["wait_s"]?.integer ?? 0)
        )
        do {
            let page = try await readFeed(request)
            return .ok(json(of: page, for: call)).with(.cacheControl, "no-store")
        } catch let lost as FeedPositionLost {
            call.logger.record(.feedResynced, [.reason: .string(lost.reason.rawValue)])
            throw Problem(lost)
        } catch let refusal as Slots.Refusal {
            throw Problem(refusal)
        }
    }

    private func start(of call: Call) throws(Problem) -> ReadFeed.Start {
        guard let text = call.query["after"]?.string else { return .oldest }
        if text == Self.latest { return .latest }
        guard let position = FeedPosition(text) else {
            throw Problem.validation([Fault("/after", "is not a cursor of the feed", in: .query)])
        }
        return .after(position)
    }

    /// The page as platforms get it.
    private func json(of page: FeedPage, for call: Call) -> JSON {
        let items = page.events.compactMap { event -> JSON? in
            do {
                return try PublishedEvent(event, isTest: call.campus.isTest).json
            } catch {
                // It can be told to nobody, here or by webhook, and must not keep what follows it from being read.
                call.logger.record(.feedEventUnreadable, [.eventID: .string(EventName(event.id).text)], error: error)
                return nil
            }
        }
        return [
            "items": .array(items), "cursor": .string(page.next.description), "has_more": .bool(!page.isAtEnd),
        ]
    }

    /// The types asked for; nil when everything is.
    private func types(of call: Call) -> [String]? {
        let types = call.query["types"]?.array?.compactMap(\.string) ?? ["*"]
        return types.contains("*") ? nil : Array(Set(types)).sorted()
    }
}

extension Problem {
    /// Nothing follows from a cursor.
    fileprivate init(_ lost: FeedPositionLost) {
        let detail =
            switch lost.reason {
            case .expired: "Events that follow this cursor are no longer kept."
            case .epoch: "The database was restored or taken over since this cursor was given out."
            }
        self.init(
            .cursorExpired,
            detail,
            members: ["reason": .string(lost.reason.rawValue), "resume_from": .string(lost.resume.description)]
        )
    }
}

extension JSONSchema {
    /// A place in the feed.
    fileprivate static let feedPosition = JSONSchema.string(length: 1...160, pattern: .ascii("a-z0-9."))

    fileprivate static let feedPage = JSONSchema.object(
        name: "EventFeedPage",
        [
            .required("items", .array(of: publishedEvent, count: 0...Page.largestLimit)),
            .required("cursor", .string(length: 1...160), "Where to go on: send it as `after`. Opaque."),
            .required("has_more", .boolean, "Whether there is more to read at once."),
        ]
    )

    private static let publishedEvent = JSONSchema.object(
        name: "Event",
        [
            .required("id", .string(length: 5...24), "By what its webhook calls it, too: `webhook-id`."),
            .required("type", .string(length: 1...64), "What happened."),
            .required("timestamp", .timestamp, "When it happened, by the campus's clock."),
            .required("test", .boolean, "Whether the campus is a test campus."),
            .required("data", .map(of: .any), "As the schema of its type says: `GET /v1/event-types`."),
        ]
    )
}
