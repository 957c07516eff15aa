import HTTPTypes
import Model
import Postgres
import ServiceKit

/// The routes by which a platform that serves several campuses makes them: for its keys only, with a scope of their own.
struct CampusController: Sendable {
    let requests: AdministrativeRequests

    private static let access = Access.platform(.campusesCreate)

    /// The table of routes.
    var operations: [Operation] {
        [
            Operation(
                "listCampuses",
                .get,
                "/v1/campuses",
                summary: "List all campuses",
                details: "In the order of their codes.",
                tag: AdministrativeRequests.tag,
                access: Self.access,
                parameters: [.limit, .cursor],
                responses: [.json("A page of campuses.", .page(name: "CampusPage", of: StoredCampus.schema))]
            ) { try await list($0) },
            Operation(
                "createCampus",
                .post,
                "/v1/campuses",
                summary: "Create a campus and issue its first key",
                details: """
                    The key belongs to the new campus and may do no more there than the caller's may here; it administers the campus from \
                    then on, as far as its scopes go. Its secret is in this answer and nowhere else: a repeated request gets the same \
                    answer without it. The act is in the audit of the new campus and of the caller's.
                    """,
                tag: AdministrativeRequests.tag,
                access: Self.access,
                body: .object(
                    name: "CreateCampus",
                    Administration.NewCampus.members + [
                        .required("key", Administration.KeyTerms.schema, "The first key of the campus.")
                    ]
                ),
                responses: [.json(201, "The campus, its first key and the key's secret.", Self.created)],
                problems: [.campusCodeTaken],
                idempotent: true
            ) { try await create($0) },
        ]
    }

    private static let created = JSONSchema.object(
        name: "CreatedCampus",
        [.required("campus", StoredCampus.schema), .required("key", PlatformKeyController.issued)]
    )

    private func list(_ call: Call) async throws -> Reply {
        let page = try Page(call)
        let campuses = try await requests.read { try Administration.campuses(page, in: $0) }
        return .page(campuses, \.json)
    }

    private func create(_ call: Call) async throws -> Reply {
        let new = Administration.NewCampus(json: call.body)
        let terms = Administration.KeyTerms(json: call.body["key"] ?? .null)
        let secret = PlatformKeySecret()
        let (reply, first) = try await requests.once(call) { administration, session in
            let (campus, key) = try administration.createCampus(new, key: terms, secret: secret, in: session)
            return Reply(status: 201, body: .json(["campus": campus.json, "key": key.json]))
        }
        guard var answer = first, var key = answer["key"]?.object else { return reply }
        call.logger.record(
            .campusCreated,
            [
                .actor: .actor(call.principal.actor),
                .subjectID: .string(answer["campus"]?["id"]?.string ?? ""),
                .subject: .string(answer["campus"]?["code"]?.string ?? ""),
            ]
        )
        requests.log(.keyIssued, key["id"]?.string, call)
        key["secret"] = .string(secret.text)
        answer["key"] = .object(key)
        return reply.revealing(answer)
    }
}
