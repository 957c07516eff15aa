import EventLog
import Model
import Postgres

/// What is owed to endpoints, and every attempt to deliver it.
struct WebhookDeliveryStore: Sendable {
    private let tasks = TaskStore(owner: .notifications)

    private static let columns: SQL = """
        d.campus_id, d.endpoint_id, d.event_id, d.type, d.occurred_at, d.data, d.root_id, d.trace, d.status
        """

    /// Owes each event to each endpoint that wants it, and has it sent.
    ///
    /// What is owed already is passed over.
    ///
    /// - Returns: how many deliveries are new.
    @discardableResult
    func owe(
        _ events: [RecordedEvent],
        to subscriptions: [WebhookSubscription],
        in session: borrowing Session
    ) throws -> Int {
        let owed = events.flatMap { event in
            subscriptions.filter { $0.campus == event.campus && $0.includes(event.type) }.map { (event, $0.endpoint) }
        }
        guard !owed.isEmpty else { return 0 }
        return try insert(
            owed.map { event, endpoint in
                WebhookDelivery(
                    campus: event.campus,
                    endpoint: endpoint,
                    event: EventName(event.id),
                    type: event.type,
                    occurredAt: event.occurredAt,
                    data: try event.payload,
                    root: event.root,
                    trace: event.trace,
                    status: .pending
                )
            },
            in: session
        )
    }

    /// Owes a pretend event to one endpoint, and has it sent.
    ///
    /// - Returns: the event's name.
    func oweTest(
        to endpoint: WebhookEndpoint,
        at time: Timestamp,
        trace: String?,
        in session: borrowing Session
    ) throws -> EventName {
        let event: Int64 = try session.one("select nextval('campus.event_id_seq')") { try $0[0] }
        let test = WebhookDelivery(
            campus: endpoint.campus,
            endpoint: endpoint.id,
            event: EventName(event),
            type: WebhookTest.type,
            occurredAt: time,
            data: WebhookTest.data,
            root: AnyID.make(at: time),
            trace: trace,
            status: .pending
        )
        try insert([test], in: session)
        return test.event
    }

    @discardableResult
    private func insert(_ deliveries: [WebhookDelivery], in session: borrowing Session) throws -> Int {
        struct Key: Hashable {
            let endpoint: WebhookEndpointID
            let event: Int64
        }
        let inserted = try session.query(
            """
            insert into campus.webhook_delivery (
                campus_id, endpoint_id, event_id, type, occurred_at, data, root_id, trace
            )
            select * from unnest(
                \(deliveries.map(\.campus)), \(deliveries.map(\.endpoint)), \(deliveries.map(\.event.id)),
                \(deliveries.map(\.type)), \(deliveries.map(\.occurredAt)), \(deliveries.map(\.data)),
                \(deliveries.map(\.root)), \(deliveries.map(\.trace))
            )
            on conflict (campus_id, endpoint_id, event_id) do nothing
            returning endpoint_id, event_id
            """
        ) { row in Key(endpoint: try row[0], event: try row[1]) }
        let new = Set(inserted)
        let due = deliveries.filter { new.contains(Key(endpoint: $0.endpoint, event: $0.event.id)) }
        try tasks.enqueue(due.map(WebhookTask.first), in: session)
        return due.count
    }

    /// What an attempt needs to know.
    struct Load: Sendable {
        /// What is to be delivered.
        let delivery: WebhookDelivery
        /// Whether its campus is a test campus.
        let isTest: Bool
        /// Where to; nil when the endpoint was deleted or disabled since.
        let url: String?
        /// The sealed secrets that sign, the newest first.
        var secrets: [[UInt8]]

        /// What is signed and sent; the same for every attempt.
        var event: PublishedEvent {
            PublishedEvent(
                name: delivery.event,
                type: delivery.type,
                occurredAt: delivery.occurredAt,
                isTest: isTest,
                data: delivery.data
            )
        }
    }

    /// A delivery, its endpoint and the secrets that sign at `time`; nil when there is no such delivery.
    func load(_ task: WebhookTask, at time: Timestamp, in session: borrowing Session) throws -> Load? {
        // One row for each secret; a rotation makes them two.
        let rows = try session.query(
            """
            select \(Self.columns), c.is_test, e.url, s.sealed
            from campus.webhook_delivery d
            join campus.campus c on c.id = d.campus_id
            left join campus.webhook_endpoint e
                on e.campus_id = d.campus_id and e.id = d.endpoint_id and e.status = 'active'
            left join campus.webhook_secret s
                on s.campus_id = e.campus_id and s.endpoint_id = e.id and (s.expires_at is null or s.expires_at > \(time))
            where d.campus_id = \(task.campus) and d.endpoint_id = \(task.endpoint) and d.event_id = \(task.event.id)
            order by s.expires_at desc nulls first, s.created_at desc
            """
        ) { row in
            let delivery = try WebhookDelivery(row)
            let load = Load(delivery: delivery, isTest: try row["is_test"], url: try row["url"], secrets: [])
            return (load, secret: try row["sealed"] as [UInt8]?)
        }
        guard var load = rows.first?.0 else { return nil }
        load.secrets = rows.compactMap(\.secret)
        return load
    }

    /// Writes down an attempt, and where the delivery stands after it.
    ///
    /// - `status`: what the delivery becomes, unless it was delivered before; nil leaves it to another task.
    /// - `nextAttemptAt`: when it is tried again, for a pending one.
    func record(
        _ attempt: WebhookAttempt,
        of task: WebhookTask,
        status: WebhookDelivery.Status?,
        nextAttemptAt: Timestamp?,
        in session: borrowing Session
    ) throws {
        let settledAt = status == nil || status == .pending ? nil : attempt.attemptedAt + attempt.latency
        let milliseconds = Int32(clamping: attempt.latency.wholeMicroseconds / 1_000)
        try session.execute(
            """
            with delivery as (
                update campus.webhook_delivery d
                set attempts = d.attempts + 1,
                    status = case when keeps then d.status else \(status) end,
                    next_attempt_at = case when keeps then d.next_attempt_at else \(nextAttemptAt) end,
                    settled_at = case when keeps then d.settled_at else \(settledAt) end
                from (
                    select \(status)::text is null or f.status = 'delivered' as keeps
                    from campus.webhook_delivery f
                    where f.campus_id = \(task.campus) and f.endpoint_id = \(task.endpoint) and f.event_id = \(task.event.id)
                    for update
                ) found
                where d.campus_id = \(task.campus) and d.endpoint_id = \(task.endpoint) and d.event_id = \(task.event.id)
                returning d.campus_id, d.endpoint_id, d.event_id, d.attempts
            )
            insert into campus.webhook_attempt (
                campus_id, endpoint_id, event_id, number, reason, attempted_at, latency_ms, outcome, http_status, error,
                response_excerpt
            )
            select campus_id, endpoint_id, event_id, attempts, \(task.reason), \(attempt.attemptedAt), \(milliseconds),
                \(attempt.outcome), \(attempt.httpStatus.map { Int16(clamping: $0) }), \(attempt.error),
                \(attempt.responseExcerpt)
            from delivery
            """
        )
    }

    /// Ends a delivery without an attempt, because its endpoint is gone or disabled.
    func abandon(_ task: WebhookTask, at time: Timestamp, in session: borrowing Session) throws {
        try session.execute(
            """
            update campus.webhook_delivery set status = 'dead', next_attempt_at = null, settled_at = \(time)
            where campus_id = \(task.campus) and endpoint_id = \(task.endpoint) and event_id = \(task.event.id)
                and status = 'pending'
            """
        )
    }

    /// Which deliveries of an endpoint to send again.
    enum Choice: Sendable {
        /// One event.
        case event(EventName)
        /// Everything since a time, oldest first; only what is dead, or all of it.
        case since(Timestamp, onlyDead: Bool)
    }

    /// The most deliveries that one request sends again.
    static let replayLimit = 1_000

    /// Has deliveries sent again, beside whatever is still planned for them.
    ///
    /// - `request`: tells this request from others.
    ///
    /// Returns the events that are sent, oldest first; ``replayLimit`` of them mean that there may be more.
    func replay(
        _ choice: Choice,
        to endpoint: WebhookEndpoint,
        request: AnyID,
        in session: borrowing Session
    ) throws -> [WebhookDelivery] {
        let filter: SQL =
            switch choice {
            case .event(let event): "d.event_id = \(event.id)"
            case .since(let time, let onlyDead): "d.occurred_at >= \(time) and (d.status = 'dead' or not \(onlyDead))"
            }
        let deliveries = try session.query(
            """
            select \(Self.columns) from campus.webhook_delivery d
            where d.campus_id = \(endpoint.campus) and d.endpoint_id = \(endpoint.id) and \(filter)
            order by d.event_id limit \(rows: Self.replayLimit)
            """,
            WebhookDelivery.init
        )
        try tasks.enqueue(deliveries.map { WebhookTask.replay($0, request: request) }, in: session)
        try session.execute(
            """
            update campus.webhook_delivery set status = 'pending', settled_at = null
            where campus_id = \(endpoint.campus) and endpoint_id = \(endpoint.id) and status = 'dead'
                and event_id = any(\(deliveries.map(\.event.id)))
            """
        )
        return deliveries
    }
}

extension WebhookDelivery {
    /// Reads a row that has all columns of a delivery.
    init(_ row: Row) throws {
        let event: Int64 = try row["event_id"]
        self.init(
            campus: try row["campus_id"],
            endpoint: try row["endpoint_id"],
            event: EventName(event),
            type: try row["type"],
            occurredAt: try row["occurred_at"],
            data: try row["data"],
            root: try row["root_id"],
            trace: try row["trace"],
            status: try row["status"]
        )
    }
}
