import HTTPTypes
import Model
import Postgres
import ServiceKit

/// The routes of what a campus sets for itself, and of what administrators did to it.
struct SettingsController: Sendable {
    let requests: AdministrativeRequests

    /// The table of routes.
    var operations: [Operation] {
        [
            Operation(
                "getSettings",
                .get,
                "/v1/settings",
                summary: "Read the campus and its settings",
                tag: AdministrativeRequests.tag,
                access: AdministrativeRequests.access,
                parameters: [.ifNoneMatch],
                responses: [
                    .json(
                        "The campus, with the defaults of what it does not set.",
                        StoredCampus.schema,
                        headers: [.etag]
                    ),
                    .empty(304, "They have not changed."),
                ]
            ) { try await get($0) },
            Operation(
                "putSettings",
                .put,
                "/v1/settings",
                summary: "Change the campus's name, timezone and settings",
                details: """
                    `settings` are replaced as a whole: what is missing has its default, so begin with what was read. Every service \
                    follows within five seconds. Deadlines that are running go on as they were set.
                    """,
                tag: AdministrativeRequests.tag,
                access: AdministrativeRequests.access,
                parameters: [.ifMatch],
                body: Administration.CampusTerms.schema,
                responses: [.json("The campus as it is now.", StoredCampus.schema, headers: [.etag])],
                problems: [.versionMismatch, .versionRequired]
            ) { try await put($0) },
            Operation(
                "listAudit",
                .get,
                "/v1/audit",
                summary: "List what administrators and operators did",
                details: """
                    The newest first, kept for good. What was changed stands in `detail`, before and after, without secrets. Requests \
                    that platform keys made in users' names are a list of their own.
                    """,
                tag: AdministrativeRequests.tag,
                access: AdministrativeRequests.access,
                parameters: [
                    .limit, .cursor,
                    .query(
                        "on_behalf",
                        .boolean,
                        "Whether to list requests that platform keys made in users' names instead; false when not given."
                    ),
                ],
                responses: [.json("A page of acts.", .page(name: "AuditPage", of: Self.entry))]
            ) { try await audit($0) },
        ]
    }

    private static let entry = JSONSchema.object(
        name: "AuditEntry",
        [
            .required("id", .id),
            .required("at", .timestamp, "By the clock of the machine, also on a test campus."),
            .required("actor", .string(length: 1...200), "Who, as `role:id`."),
            .required("action", .string(length: 3...100), "What, for example `key.revoked`."),
            .required("subject", .string(length: 0...4_096), "To what, by name, id or path."),
            .required("detail", .any, "`before` and `after` where something was changed; `key_id` of a platform key."),
        ]
    )

    private func get(_ call: Call) async throws -> Reply {
        let id = call.campus.id
        let campus = try await requests.read { try Administration.campus(id, in: $0) }
        guard !call.hasCurrent(campus.version) else { return Reply(status: 304).etag(campus.version) }
        return .ok(campus.json).etag(campus.version)
    }

    private func put(_ call: Call) async throws -> Reply {
        let administration = requests.administration(call)
        let terms = Administration.CampusTerms(json: call.body)
        let changed = try await requests.pool.transaction { session in
            try administration.changeCampus(to: terms, check: { try call.requireMatch($0) }, in: session)
        }
        call.logger.record(
            .settingsChanged,
            [.actor: .actor(call.principal.actor), .version: .integer(changed.version)]
        )
        return .ok(changed.json).etag(changed.version)
    }

    private func audit(_ call: Call) async throws -> Reply {
        let page = try Page(call)
        let id = call.campus.id
        let onBehalf = call.query["on_behalf"]?.bool ?? false
        let entries = try await requests.read { session in
            try AuditStore().entries(of: id, onBehalf: onBehalf, page, in: session)
        }
        return .page(entries, \.json)
    }
}
