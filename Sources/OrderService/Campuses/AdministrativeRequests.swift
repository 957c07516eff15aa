import HTTPTypes
import Logging
import Model
import Postgres
import ServiceKit

/// Administrators' requests: each is one transaction, noted in the audit as theirs.
struct AdministrativeRequests: Sendable {
    let pool: ConnectionPool
    let idempotency: IdempotencyStore
    /// The machine's clock: credentials end by it, also on a test campus.
    let clock: any WallClock

    static let tag = "Administration"
    /// Administrators by their own token, and platform keys that were issued to administer.
    static let access = Access.roles([.admin], scope: .campusAdmin)

    /// What the caller does to their campus.
    func administration(_ call: Call) -> Administration {
        Administration(of: call.campus.id, by: Administrator(call.principal), at: clock.now())
    }

    /// Works once under the request's key.
    ///
    /// - `secret`: what the answer shows this once: the stored answer, which a repeated request gets, does not have it.
    /// - `event`: logged with the answer's `id` or `kid`, not for a repeated request.
    func once(
        _ call: Call,
        revealing secret: String? = nil,
        logging event: LoggedEvent,
        _ body: @escaping @Sendable (Administration, borrowing Session) throws -> Reply
    ) async throws -> Reply {
        let (reply, answer) = try await once(call, body)
        guard var answer else { return reply }
        log(event, (answer["id"] ?? answer["kid"])?.string, call)
        guard let secret else { return reply }
        answer["secret"] = .string(secret)
        return reply.revealing(answer)
    }

    /// Works once under the request's key.
    ///
    /// Returns the answer, and what it says as it is the first one: nil for a repeated request.
    func once(
        _ call: Call,
        _ body: @escaping @Sendable (Administration, borrowing Session) throws -> Reply
    ) async throws -> (reply: Reply, first: JSONObject?) {
        let administration = administration(call)
        let (reply, first) = try await pool.idempotent(
            try call.requireIdempotency(),
            idempotency,
            { try body(administration, $0) },
            reply: { $0 }
        )
        guard case .json(let answer)? = first?.body else { return (reply, nil) }
        return (reply, answer.object)
    }

    /// Logs what was done to a credential.
    func log(_ event: LoggedEvent, _ credential: String?, _ call: Call) {
        call.logger.record(event, [.actor: .actor(call.principal.actor), .keyID: .string(credential ?? "")])
    }

    /// Reads in one transaction that changes nothing.
    func read<Value: Sendable>(_ body: @Sendable (borrowing Session) throws -> Value) async throws -> Value {
        try await pool.transaction(TransactionOptions(isolation: .repeatableRead, isReadOnly: true), body)
    }
}

extension Reply {
    /// The same answer with what is shown this once.
    func revealing(_ answer: JSONObject) -> Reply {
        var revealed = with(.cacheControl, "no-store")
        revealed.body = .json(.object(answer))
        return revealed
    }
}

// What administrators do.
extension LoggedEvent {
    static let campusCreated = LoggedEvent("campus.created", .notice, "Campus created")
    static let settingsChanged = LoggedEvent("campus.settings_changed", .notice, "Settings of a campus changed")
    static let keyIssued = LoggedEvent("key.issued", .notice, "Platform key issued")
    static let keyRotated = LoggedEvent("key.rotated", .notice, "Platform key issued in place of another")
    static let keyRevoked = LoggedEvent("key.revoked", .notice, "Platform key ended")
    static let verificationKeyAdded = LoggedEvent("verification_key.added", .notice, "Verification key added")
    static let verificationKeyRevoked = LoggedEvent("verification_key.revoked", .notice, "Verification key ended")
    static let keySetAdded = LoggedEvent("key_set.added", .notice, "Key set added")
    static let keySetRevoked = LoggedEvent("key_set.revoked", .notice, "Key set and its keys ended")
    static let keySetFetched = LoggedEvent("key_set.fetched", .info, "Key set fetched")
    static let keySetFailed = LoggedEvent(
        "key_set.failed",
        .warning,
        "Key set could not be fetched; its last keys hold"
    )
    static let keySetStale = LoggedEvent(
        "key_set.stale",
        .error,
        "Key set could not be fetched for an hour; its last keys hold"
    )
    static let keySetRoundFailed = LoggedEvent(
        "key_set.round_failed",
        .warning,
        "Cannot look for key sets that are due"
    )

    /// Every event of administration, for the documentation.
    static let administration: [LoggedEvent] = [
        .campusCreated, .settingsChanged, .keyIssued, .keyRotated, .keyRevoked, .verificationKeyAdded,
        .verificationKeyRevoked, .keySetAdded, .keySetRevoked, .keySetFetched, .keySetFailed, .keySetStale,
        .keySetRoundFailed,
    ]
}
