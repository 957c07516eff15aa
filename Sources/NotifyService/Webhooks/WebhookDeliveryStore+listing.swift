import Model
import Postgres

/// A delivery as its owner sees it, with every attempt.
struct ListedDelivery: Sendable {
    /// The delivery.
    let delivery: WebhookDelivery
    /// When it is tried again, while it is pending.
    let nextAttemptAt: Timestamp?
    /// When it was delivered or given up.
    let settledAt: Timestamp?
    /// Every attempt, the first one first.
    let attempts: [JSON]

    /// The delivery as clients get it; what it carries is in the event itself.
    var json: JSON {
        [
            "event_id": .string(delivery.event.text),
            "type": .string(delivery.type),
            "occurred_at": .string(delivery.occurredAt.rfc3339),
            "status": .string(delivery.status.rawValue),
            "next_attempt_at": .optional(nextAttemptAt?.rfc3339),
            "settled_at": .optional(settledAt?.rfc3339),
            "attempts": .array(attempts),
        ]
    }
}

extension WebhookDeliveryStore {
    /// The most attempts of one delivery that a list shows: the last ones.
    static let listedAttempts = 50

    /// Deliveries of an endpoint, the newest first.
    ///
    /// - `before`: only older events than this one.
    /// - `status`: only deliveries that stand there; nil is all.
    func list(
        of endpoint: WebhookEndpointID,
        in campus: CampusID,
        before: EventName?,
        status: WebhookDelivery.Status?,
        limit: Int,
        session: borrowing Session
    ) throws -> [ListedDelivery] {
        let filter: SQL = status.map { "and d.status = \($0)" } ?? ""
        var found = try session.query(
            """
            select d.campus_id, d.endpoint_id, d.event_id, d.type, d.occurred_at, d.data, d.root_id, d.trace, d.status,
                d.next_attempt_at, d.settled_at
            from campus.webhook_delivery d
            where d.campus_id = \(campus) and d.endpoint_id = \(endpoint) and d.event_id < \(before?.id ?? Int64.max) \(filter)
            order by d.event_id desc limit \(rows: limit)
            """
        ) { row in
            ListedDelivery(
                delivery: try WebhookDelivery(row),
                nextAttemptAt: try row["next_attempt_at"],
                settledAt: try row["settled_at"],
                attempts: []
            )
        }
        let attempts = try attempts(of: found.map(\.delivery.event), to: endpoint, in: campus, session: session)
        for index in found.indices {
            let listed = found[index]
            found[index] = ListedDelivery(
                delivery: listed.delivery,
                nextAttemptAt: listed.nextAttemptAt,
                settledAt: listed.settledAt,
                attempts: attempts[listed.delivery.event] ?? []
            )
        }
        return found
    }

    private func attempts(
        of events: [EventName],
        to endpoint: WebhookEndpointID,
        in campus: CampusID,
        session: borrowing Session
    ) throws -> [EventName: [JSON]] {
        guard !events.isEmpty else { return [:] }
        let rows = try session.query(
            """
            select a.event_id, a.number, a.reason, a.attempted_at, a.latency_ms, a.outcome, a.http_status, a.error,
                a.response_excerpt
            from unnest(\(events.map(\.id))) as e (event_id)
            cross join lateral (
                select * from campus.webhook_attempt w
                where w.campus_id = \(campus) and w.endpoint_id = \(endpoint) and w.event_id = e.event_id
                order by w.number desc limit \(rows: Self.listedAttempts)
            ) a
            order by a.event_id, a.number
            """
        ) { row in
            let event: Int64 = try row["event_id"]
            let number: Int32 = try row["number"]
            let at: Timestamp = try row["attempted_at"]
            let latency: Int32 = try row["latency_ms"]
            let status: Int16? = try row["http_status"]
            let json: JSON = [
                "number": .integer(Int64(number)),
                "reason": .string(try row["reason"]),
                "attempted_at": .string(at.rfc3339),
                "latency_ms": .integer(Int64(latency)),
                "outcome": .string(try row["outcome"]),
                "http_status": .optional(status.map(Int64.init)),
                "error": .optional(try row["error"] as String?),
                "response_excerpt": .optional(try row["response_excerpt"] as String?),
            ]
            return (EventName(event), json)
        }
        return Dictionary(grouping: rows, by: \.0).mapValues { $0.map(\.1) }
    }
}
