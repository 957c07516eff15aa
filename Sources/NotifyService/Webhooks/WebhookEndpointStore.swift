import Model
import Postgres

/// Webhook endpoints and their sealed secrets.
struct WebhookEndpointStore: Sendable {
    /// A secret as it is stored.
    struct SealedSecret: Hashable, Sendable {
        /// The encrypted bytes.
        let bytes: [UInt8]
        /// Until when it signs; nil for the current one.
        let expiresAt: Timestamp?
    }

    /// How many secrets of an endpoint sign at once, at most.
    static let secretLimit = 5

    private static let columns: SQL = """
        e.id, e.campus_id, e.url, e.event_types, e.description, e.disabled_reason, e.version, e.created_at, e.updated_at
        """

    /// What the active endpoints of these campuses want to be sent.
    func subscriptions(of campuses: Set<CampusID>, in session: borrowing Session) throws -> [WebhookSubscription] {
        try session.query(
            """
            select e.id, e.campus_id, e.event_types from campus.webhook_endpoint e
            where e.campus_id = any(\(Array(campuses))) and e.status = 'active'
            order by e.campus_id, e.id
            """
        ) { row in
            WebhookSubscription(endpoint: try row[0], campus: try row[1], eventTypes: try row[2])
        }
    }

    /// Adds an endpoint with its first secret; false when the campus has as many as it can have.
    func insert(_ endpoint: WebhookEndpoint, secret: [UInt8], in session: borrowing Session) throws -> Bool {
        // Held to the end of the transaction, so that two at once cannot both be the last.
        try session.execute("select pg_advisory_xact_lock(7303, hashtext(\(endpoint.campus.description)))")
        let count: Int64 = try session.one(
            "select count(*) from campus.webhook_endpoint where campus_id = \(endpoint.campus)"
        ) { try $0[0] }
        guard count < WebhookEndpoint.limit else { return false }
        try session.pipeline([
            """
            insert into campus.webhook_endpoint (
                campus_id, id, url, event_types, description, status, disabled_reason, version, created_at, updated_at
            ) values (
                \(endpoint.campus), \(endpoint.id), \(endpoint.url), \(endpoint.eventTypes), \(endpoint.description),
                \(endpoint.status), \(endpoint.disabledReason), \(endpoint.version), \(endpoint.createdAt), \(endpoint.updatedAt)
            )
            """,
            """
            insert into campus.webhook_secret (campus_id, endpoint_id, id, sealed, created_at)
            values (
                \(endpoint.campus), \(endpoint.id), \(AnyID.make(at: endpoint.createdAt)), \(secret), \(endpoint.createdAt)
            )
            """,
        ])
        return true
    }

    /// All endpoints of a campus, the oldest first.
    func all(of campus: CampusID, in session: borrowing Session) throws -> [WebhookEndpoint] {
        try session.query(
            "select \(Self.columns) from campus.webhook_endpoint e where e.campus_id = \(campus) order by e.id",
            WebhookEndpoint.init
        )
    }

    /// One endpoint of a campus; nil when the campus has none of that id.
    func find(_ id: WebhookEndpointID, of campus: CampusID, in session: borrowing Session) throws -> WebhookEndpoint? {
        try session.first(
            "select \(Self.columns) from campus.webhook_endpoint e where e.campus_id = \(campus) and e.id = \(id)",
            WebhookEndpoint.init
        )
    }

    /// The same as ``find(_:of:in:)``, and nobody else changes it before the transaction ends.
    func lock(_ id: WebhookEndpointID, of campus: CampusID, in session: borrowing Session) throws -> WebhookEndpoint? {
        try session.first(
            """
            select \(Self.columns) from campus.webhook_endpoint e where e.campus_id = \(campus) and e.id = \(id)
            for no key update
            """,
            WebhookEndpoint.init
        )
    }

    /// Writes what can change.
    func update(_ endpoint: WebhookEndpoint, in session: borrowing Session) throws {
        try session.execute(
            """
            update campus.webhook_endpoint
            set url = \(endpoint.url), event_types = \(endpoint.eventTypes), description = \(endpoint.description),
                status = \(endpoint.status), disabled_reason = \(endpoint.disabledReason), version = \(endpoint.version),
                updated_at = \(endpoint.updatedAt)
            where campus_id = \(endpoint.campus) and id = \(endpoint.id)
            """
        )
    }

    /// Disables an endpoint that wants no more; what is on its way to it finds it disabled.
    func disableGone(
        _ id: WebhookEndpointID,
        of campus: CampusID,
        at time: Timestamp,
        in session: borrowing Session
    ) throws {
        try session.execute(
            """
            update campus.webhook_endpoint
            set status = 'disabled', disabled_reason = 'gone', version = version + 1, updated_at = \(time)
            where campus_id = \(campus) and id = \(id) and status = 'active'
            """
        )
    }

    /// Removes an endpoint and its secrets; false when there was none.
    func delete(_ id: WebhookEndpointID, of campus: CampusID, in session: borrowing Session) throws -> Bool {
        try session.execute("delete from campus.webhook_endpoint where campus_id = \(campus) and id = \(id)") == 1
    }

    /// The secrets that sign at `time`, the newest first.
    func secrets(
        of id: WebhookEndpointID,
        in campus: CampusID,
        at time: Timestamp,
        session: borrowing Session
    ) throws -> [SealedSecret] {
        try session.query(
            """
            select sealed, expires_at from campus.webhook_secret
            where campus_id = \(campus) and endpoint_id = \(id) and (expires_at is null or expires_at > \(time))
            order by expires_at desc nulls first, created_at desc
            """
        ) { row in SealedSecret(bytes: try row["sealed"], expiresAt: try row["expires_at"]) }
    }

    /// Makes `secret` the current one; the one before goes on signing until `until`, those that ended are removed.
    ///
    /// Call it with the endpoint locked.
    func rotate(
        _ id: WebhookEndpointID,
        of campus: CampusID,
        to secret: [UInt8],
        until: Timestamp,
        at time: Timestamp,
        in session: borrowing Session
    ) throws {
        try session.pipeline([
            """
            delete from campus.webhook_secret
            where campus_id = \(campus) and endpoint_id = \(id) and expires_at <= \(time)
            """,
            """
            update campus.webhook_secret set expires_at = \(until)
            where campus_id = \(campus) and endpoint_id = \(id) and expires_at is null
            """,
            """
            insert into campus.webhook_secret (campus_id, endpoint_id, id, sealed, created_at)
            values (\(campus), \(id), \(AnyID.make(at: time)), \(secret), \(time))
            """,
        ])
    }
}

extension WebhookEndpoint {
    fileprivate init(_ row: Row) throws {
        self.init(
            id: try row["id"],
            campus: try row["campus_id"],
            url: try row["url"],
            eventTypes: try row["event_types"],
            description: try row["description"],
            disabledReason: try row["disabled_reason"],
            version: try row["version"],
            createdAt: try row["created_at"],
            updatedAt: try row["updated_at"]
        )
    }
}
