import HTTPTypes
import Logging
import Model
import Postgres
import ServiceKit

/// The routes of parties: what rules may know of people and shops, and what they may have forgotten or handed out.
struct PartyController: Sendable {
    let requests: RequestTransaction
    let pool: ConnectionPool

    private let store = PartyStore()
    private let requestErasure = RequestErasure()
    private let erasures = ErasureStore(owner: .afterSales)
    private let export = PartyExport()
    private let audit = AuditStore()

    private static let tag = "Parties"
    private static let writers = Access.roles([.admin], scope: .afterSalesWrite)
    private static let readers = Access.roles([.agent, .supervisor, .admin], scope: .afterSalesRead)
    private static let party: [Parameter] = [
        .path("kind", .enumeration(of: PartyKind.self), "What they are."),
        .path("id", .actorID, "The platform's id of them."),
    ]
    /// As much as a thousand parties can need.
    private static let batchBytes = 2 * 1_024 * 1_024

    init(requests: RequestTransaction, pool: ConnectionPool) {
        self.requests = requests
        self.pool = pool
    }

    /// The table of routes.
    var operations: [Operation] {
        [
            Operation(
                "putParty",
                .put,
                "/v1/parties/{kind}/{id}",
                summary: "Say what rules may know of somebody",
                details: """
                    Replaces all that was said before, unless that was written down later: the answer is what stands. Names, numbers \
                    and addresses of customers do not belong here.
                    """,
                tag: Self.tag,
                access: Self.writers,
                parameters: Self.party,
                body: PartySchemas.facts,
                responses: [.json("The party as it stands.", PartySchemas.stored)]
            ) { try await put($0) },
            Operation(
                "putParties",
                .post,
                "/v1/parties/batch",
                summary: "Say what rules may know of many",
                details: "All of them or, when one has a fault, none. Each is taken as by `PUT`.",
                tag: Self.tag,
                access: Self.writers,
                bodyRule: .json(PartySchemas.batch, limit: Self.batchBytes),
                responses: [.json("What became of them.", PartySchemas.outcome)],
                idempotent: true
            ) { try await putMany($0) },
            Operation(
                "getParty",
                .get,
                "/v1/parties/{kind}/{id}",
                summary: "Read what rules may know of somebody",
                tag: Self.tag,
                access: Self.readers,
                parameters: Self.party,
                responses: [.json("The party.", PartySchemas.stored)]
            ) { try await get($0) },
            Operation(
                "eraseParty",
                .post,
                "/v1/parties/{kind}/{id}/erase",
                summary: "Have everything forgotten that is known of somebody",
                details: """
                    Each service erases its own part, within seconds for what has come to its end; orders under way and cases not \
                    decided are erased after their end. Money, amounts and what happened when stay, under the platform's id. Who \
                    asks again while a former request waits covers what has come since.
                    """,
                tag: Self.tag,
                access: Self.writers,
                parameters: Self.party,
                responses: [.json(202, "The request.", PartySchemas.erasure)],
                idempotent: true
            ) { try await erase($0) },
            Operation(
                "getPartyErasure",
                .get,
                "/v1/parties/{kind}/{id}/erasure",
                summary: "See which services have forgotten somebody",
                tag: Self.tag,
                access: Self.readers,
                parameters: Self.party,
                responses: [.json("The last request about them.", PartySchemas.erasure)]
            ) { try await erasure($0) },
            Operation(
                "exportParty",
                .get,
                "/v1/parties/{kind}/{id}/export",
                summary: "Export everything that is held of somebody",
                details: """
                    What rules may know, then orders, cases and refunds, page by page. How they are reached is NotifyService's to \
                    export. Each page is audited.
                    """,
                tag: Self.tag,
                access: .roles([.admin], scope: .personsExport),
                parameters: Self.party + [.limit, .cursor],
                responses: [.json("A page of it; empty when there is nothing.", PartySchemas.export)]
            ) { try await exportPage($0) },
        ]
    }

    private func put(_ call: Call) async throws -> Reply {
        let party = try Party(call)
        var faults: [Fault] = []
        let facts = PartyFacts(call.body, of: party, now: call.now, &faults)
        guard faults.isEmpty else { throw Problem.validation(faults) }
        let campus = call.principal.campus
        let standing = try await pool.transaction { [store] session in
            try store.put([facts], in: campus, session: session)
            return try store.find(party, in: campus, session: session)
        }
        guard let standing else { throw Problem.notFound }
        call.logger.record(.partyStored, [.count: 1])
        return .ok(standing.json)
    }

    private func putMany(_ call: Call) async throws -> Reply {
        var faults: [Fault] = []
        var known: Set<Party> = []
        let all = (call.body["parties"]?.array ?? []).enumerated().compactMap { index, json -> PartyFacts? in
            guard let party = Party(json: json) else { return nil }
            if !known.insert(party).inserted { faults.append(Fault("/parties/\(index)/id", "is named more than once")) }
            return PartyFacts(json, of: party, at: "/parties/\(index)", now: call.now, &faults)
        }
        guard faults.isEmpty else { throw Problem.validation(faults) }
        let campus = call.principal.campus
        return try await requests.once(call) { [store] session in
            try store.put(all, in: campus, session: session)
        } reply: { stored in
            .ok(["stored": .integer(Int64(stored)), "outdated": .integer(Int64(all.count - stored))])
        } done: { stored in
            call.logger.record(.partyStored, [.count: .integer(stored)])
        }
    }

    private func get(_ call: Call) async throws -> Reply {
        let party = try Party(call)
        let campus = call.principal.campus
        let found = try await requests.read { [store] in try store.find(party, in: campus, session: $0) }
        guard let found else { throw Problem.notFound }
        return .ok(found.json)
    }

    private func erase(_ call: Call) async throws -> Reply {
        let party = try Party(call)
        return try await requests.once(call) { [requestErasure] session in
            let erasure = try requestErasure(party, in: call.campus, by: call.principal, Cause(call), in: session)
            return try ErasureReport(of: erasure, in: session)
        } reply: { report in
            Reply(status: 202, body: .json(report.json))
        } done: { report in
            call.logger.record(
                .erasureRequested,
                [.erasureID: .id(report.request.id), .actor: .actor(call.principal.actor)]
            )
        }
    }

    private func erasure(_ call: Call) async throws -> Reply {
        let party = try Party(call)
        let campus = call.principal.campus
        let report = try await requests.read { [erasures] session -> ErasureReport? in
            guard let latest = try erasures.latest(of: party, in: campus, session: session) else { return nil }
            return try ErasureReport(of: latest, in: session)
        }
        guard let report else { throw Problem.notFound }
        return .ok(report.json)
    }

    private func exportPage(_ call: Call) async throws -> Reply {
        let party = try Party(call)
        let page = try Page(call)
        let campus = call.principal.campus
        let actor = call.principal.actor
        let found = try await pool.transaction { [export, audit] session in
            try audit.note("party.exported", subject: party.description, campus: campus, actor: actor, in: session)
            return try export.page(of: party, in: campus, page, session: session)
        }
        call.logger.record(.personalDataExported, [.actor: .actor(actor)])
        return Reply.page(found, \.json).with(.cacheControl, "no-store")
    }
}
