import HTTPTypes
import Logging
import Model
import Postgres
import ServiceKit

/// Creates, changes and removes webhook endpoints and their secrets.
struct ManageEndpoints: Sendable {
    /// What an owner says of an endpoint.
    struct Settings: Hashable, Sendable {
        /// Where to send.
        let url: PublicURL
        /// What to send.
        let eventTypes: [String]
        /// The owner's words for it.
        let description: String
        /// Whether to send at all; nil leaves it as it is.
        let status: WebhookEndpoint.Status?
    }

    /// How long a secret goes on signing after it was replaced.
    static let overlap = Duration.days(1)

    private let pool: ConnectionPool
    private let vault: Vault
    private let clock: any WallClock
    private let store = WebhookEndpointStore()
    private let idempotency = IdempotencyStore(owner: .notifications)

    /// Keeps endpoints through `pool`, and their secrets in `vault`.
    init(pool: ConnectionPool, vault: Vault, clock: any WallClock) {
        self.pool = pool
        self.vault = vault
        self.clock = clock
    }

    /// Creates an endpoint.
    ///
    /// The answer is stored for repetition, and nothing that is stored may hold a secret: see ``revealing(_:in:)``.
    func create(_ settings: Settings, _ key: IdempotencyKey, in campus: CampusID) async throws -> Reply {
        let now = clock.now()
        let endpoint = WebhookEndpoint(
            id: WebhookEndpointID.make(at: now),
            campus: campus,
            url: settings.url.text,
            eventTypes: settings.eventTypes,
            description: settings.description,
            disabledReason: settings.status == .disabled ? .requested : nil,
            version: 1,
            createdAt: now,
            updatedAt: now
        )
        let sealed = try vault.seal(newSecret(), for: endpoint.id, in: campus)
        let reply = try await pool.idempotent(key, idempotency) { session in
            guard try store.insert(endpoint, secret: sealed, in: session) else {
                throw Problem(.tooManyEndpoints, "A campus can have \(WebhookEndpoint.limit) webhook endpoints.")
            }
            return .created(endpoint.json, location: "/v1/webhook-endpoints/\(endpoint.id)").etag(endpoint.version)
        }
        return try await revealing(reply, in: campus)
    }

    /// Replaces an endpoint's secret; the old one signs beside the new one for ``overlap``.
    func rotate(_ id: WebhookEndpointID, _ key: IdempotencyKey, in campus: CampusID) async throws -> Reply {
        let now = clock.now()
        let sealed = try vault.seal(newSecret(), for: id, in: campus)
        let reply = try await pool.idempotent(key, idempotency) { session in
            guard try store.lock(id, of: campus, in: session) != nil else { throw Problem.notFound }
            let signing = try store.secrets(of: id, in: campus, at: now, session: session)
            guard signing.count < WebhookEndpointStore.secretLimit else {
                throw Problem(.tooManySecrets, "At most \(WebhookEndpointStore.secretLimit) secrets sign at once.")
            }
            try store.rotate(id, of: campus, to: sealed, until: now + Self.overlap, at: now, in: session)
            return .ok(["id": .string(id.description), "previous_expires_at": .string((now + Self.overlap).rfc3339)])
        }
        return try await revealing(reply, in: campus)
    }

    /// Changes an endpoint.
    ///
    /// - `check`: throws when the present version is not the one that the caller knows.
    func update(
        _ id: WebhookEndpointID,
        to settings: Settings,
        in campus: CampusID,
        check: @escaping @Sendable (Int64) throws -> Void
    ) async throws -> WebhookEndpoint {
        let now = clock.now()
        return try await pool.transaction { session in
            guard var endpoint = try store.lock(id, of: campus, in: session) else { throw Problem.notFound }
            try check(endpoint.version)
            endpoint.url = settings.url.text
            endpoint.eventTypes = settings.eventTypes
            endpoint.description = settings.description
            switch settings.status {
            case .active: endpoint.disabledReason = nil
            case .disabled: endpoint.disabledReason = endpoint.disabledReason ?? .requested
            case nil: break
            }
            endpoint.version += 1
            endpoint.updatedAt = now
            try store.update(endpoint, in: session)
            return endpoint
        }
    }

    private func newSecret() -> WebhookSecret {
        var generator = SystemRandomNumberGenerator()
        return WebhookSecret.make(using: &generator)
    }

    /// The reply with the endpoint's current secret, which the stored reply lacks.
    private func revealing(_ reply: Reply, in campus: CampusID) async throws -> Reply {
        guard case .bytes(let bytes) = reply.body, var object = try JSON(parsing: bytes).object,
            let id = object["id"]?.string.flatMap(WebhookEndpointID.init)
        else { return reply }
        let now = clock.now()
        let sealed = try await pool.autocommit { session in
            try store.secrets(of: id, in: campus, at: now, session: session).first { $0.expiresAt == nil }
        }
        // Deleted since the first answer: there is no secret to show any more.
        guard let sealed else { return reply }
        object["secret"] = .string(try vault.open(sealed.bytes, for: id, in: campus).revealed)
        var revealed = reply.with(.cacheControl, "no-store")
        revealed.body = .json(.object(object))
        return revealed
    }
}
