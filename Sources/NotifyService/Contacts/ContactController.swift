import HTTPTypes
import Logging
import Model
import Postgres
import ServiceKit

/// The routes of contacts: how people are reached, which this service alone can read.
struct ContactController: Sendable {
    private let pool: ConnectionPool
    private let vault: Vault
    private let idempotency: IdempotencyStore
    private let export: ContactExport
    private let store = ContactStore()
    private let audit = AuditStore()

    private static let tag = "Contacts"
    private static let access = Access.roles([.admin], scope: .notificationsWrite)
    private static let party: [Parameter] = [
        .path("kind", .enumeration(of: PartyKind.self), "What they are."),
        .path("id", .actorID, "The platform's id of them."),
    ]
    /// As much as a thousand contacts can need.
    private static let batchBytes = 2 * 1_024 * 1_024

    /// Keeps contacts through `pool`, sealed by `vault`.
    init(pool: ConnectionPool, vault: Vault, idempotency: IdempotencyStore) {
        self.pool = pool
        self.vault = vault
        self.idempotency = idempotency
        export = ContactExport(vault: vault)
    }

    /// The table of routes.
    var operations: [Operation] {
        [
            Operation(
                "putContact",
                .put,
                "/v1/contacts/{kind}/{id}",
                summary: "Say how somebody is reached",
                details: """
                    Replaces all that was said before, unless that was written down later: the answer is what stands, masked. Numbers \
                    and openids are sealed in the database.
                    """,
                tag: Self.tag,
                access: Self.access,
                parameters: Self.party,
                body: ContactSchemas.contact,
                responses: [.json("The contact as it stands.", ContactSchemas.stored)],
                handler: put
            ),
            Operation(
                "putContacts",
                .post,
                "/v1/contacts/batch",
                summary: "Say how many people are reached",
                details: "All of them or, when one has a fault, none. Each is taken as by `PUT`.",
                tag: Self.tag,
                access: Self.access,
                bodyRule: .json(ContactSchemas.batch, limit: Self.batchBytes),
                responses: [.json("What became of them.", ContactSchemas.outcome)],
                idempotent: true,
                handler: putMany
            ),
            Operation(
                "getContact",
                .get,
                "/v1/contacts/{kind}/{id}",
                summary: "Read how somebody is reached",
                details: "Numbers and openids are masked; only an export has them whole.",
                tag: Self.tag,
                access: Self.access,
                parameters: Self.party,
                responses: [.json("The contact.", ContactSchemas.stored)],
                handler: get
            ),
            Operation(
                "deleteContact",
                .delete,
                "/v1/contacts/{kind}/{id}",
                summary: "Forget how somebody is reached",
                details: "To have everything forgotten that is known of them, ask for their erasure.",
                tag: Self.tag,
                access: Self.access,
                parameters: Self.party,
                responses: [.empty("It is gone.")],
                handler: delete
            ),
            Operation(
                "exportContact",
                .get,
                "/v1/contacts/{kind}/{id}/export",
                summary: "Export what this service holds of somebody",
                details: "Their contact, then the lines of their inbox, page by page. Each page is audited.",
                tag: Self.tag,
                access: .roles([.admin], scope: .personsExport),
                parameters: Self.party + [.limit, .cursor],
                responses: [.json("A page of it; empty when there is nothing.", ContactSchemas.export)],
                handler: exportPage
            ),
        ]
    }

    private func put(_ call: Call) async throws -> Reply {
        let party = try Party(call)
        var faults: [Fault] = []
        let contact = Contact(call.body, of: party, now: call.now, &faults)
        guard faults.isEmpty else { throw Problem.validation(faults) }
        let campus = call.principal.campus
        let sealed = try vault.seal(contact, in: campus)
        let (stored, standing) = try await pool.transaction { session in
            (
                try store.put([sealed], in: campus, session: session),
                try store.find(party, in: campus, session: session)
            )
        }
        if stored > 0 { call.logger.record(.contactStored, [.count: .integer(stored)]) }
        guard let standing else { throw Problem.notFound }
        return .ok(try opened(standing, call).masked.json)
    }

    private func putMany(_ call: Call) async throws -> Reply {
        var faults: [Fault] = []
        var known: Set<Party> = []
        let contacts = (call.body["contacts"]?.array ?? []).enumerated().compactMap { index, json -> Contact? in
            guard let party = Party(json: json) else { return nil }
            if !known.insert(party).inserted {
                faults.append(Fault("/contacts/\(index)/id", "is named more than once"))
            }
            return Contact(json, of: party, at: "/contacts/\(index)", now: call.now, &faults)
        }
        guard faults.isEmpty else { throw Problem.validation(faults) }
        let campus = call.principal.campus
        let sealed = try contacts.map { try vault.seal($0, in: campus) }
        let (reply, stored) = try await pool.idempotent(try call.requireIdempotency(), idempotency) { [store] session in
            try store.put(sealed, in: campus, session: session)
        } reply: { stored in
            .ok(["stored": .integer(Int64(stored)), "outdated": .integer(Int64(sealed.count - stored))])
        }
        if let stored, stored > 0 { call.logger.record(.contactStored, [.count: .integer(stored)]) }
        return reply
    }

    private func get(_ call: Call) async throws -> Reply {
        let party = try Party(call)
        let found = try await pool.autocommit { try store.find(party, in: call.principal.campus, session: $0) }
        guard let found else { throw Problem.notFound }
        return Reply.ok(try opened(found, call).masked.json).with(.cacheControl, "no-store")
    }

    private func delete(_ call: Call) async throws -> Reply {
        let party = try Party(call)
        let isDeleted = try await pool.transaction { try store.delete(party, in: call.principal.campus, session: $0) }
        guard isDeleted else { throw Problem.notFound }
        call.logger.record(.contactDeleted)
        return .noContent
    }

    private func exportPage(_ call: Call) async throws -> Reply {
        let party = try Party(call)
        let page = try Page(call)
        let campus = call.principal.campus
        let actor = call.principal.actor
        let found: (items: [ContactExport.Item], next: Cursor?)
        do {
            found = try await pool.transaction { [export, audit] session in
                try audit.note(
                    "contact.exported",
                    subject: party.description,
                    campus: campus,
                    actor: actor,
                    in: session
                )
                return try export.page(of: party, in: campus, page, session: session)
            }
        } catch let fault as Vault.Fault {
            throw unreadable(fault, call)
        }
        call.logger.record(.personalDataExported, [.actor: .actor(actor)])
        return Reply.ok([
            "items": .array(found.items.map(\.json)), "next_cursor": .optional(found.next?.text),
        ]).with(.cacheControl, "no-store")
    }

    private func opened(_ sealed: SealedContact, _ call: Call) throws -> Contact {
        do {
            return try vault.open(sealed, in: call.principal.campus)
        } catch {
            throw unreadable(error, call)
        }
    }

    /// A contact that does not open is our fault: whoever has the key can read it later.
    private func unreadable(_ fault: Vault.Fault, _ call: Call) -> Problem {
        var values: [LogKey: LogValue] = [.count: 1]
        if case .unknownKey(let id) = fault { values[.keyID] = .string(id) }
        call.logger.record(.contactUnreadable, values)
        return .unavailable("The contact cannot be read at the moment.")
    }
}
