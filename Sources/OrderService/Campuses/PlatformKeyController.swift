import HTTPTypes
import Model
import Postgres
import ServiceKit

/// The routes of platform keys.
struct PlatformKeyController: Sendable {
    let requests: AdministrativeRequests

    /// How long a replaced key still holds when nothing is said.
    private static let overlap: Int64 = 86_400

    /// The table of routes.
    var operations: [Operation] {
        [
            Operation(
                "listKeys",
                .get,
                "/v1/keys",
                summary: "List platform keys",
                details: "In the order of their issue, ended ones too.",
                tag: AdministrativeRequests.tag,
                access: AdministrativeRequests.access,
                parameters: [.limit, .cursor],
                responses: [
                    .json("A page of keys, without their secrets.", .page(name: "PlatformKeyPage", of: Self.key))
                ]
            ) { try await list($0) },
            Operation(
                "issueKey",
                .post,
                "/v1/keys",
                summary: "Issue a platform key",
                details: """
                    The secret is in this answer and nowhere else: a repeated request gets the same answer without it. A platform key \
                    cannot issue scopes that it does not have itself, and nobody by a user's token `campuses:create`.
                    """,
                tag: AdministrativeRequests.tag,
                access: AdministrativeRequests.access,
                body: Administration.KeyTerms.schema,
                responses: [.json(201, "The key and its secret.", Self.issued)],
                problems: [.tooManyCredentials],
                idempotent: true
            ) { try await issue($0) },
            Operation(
                "rotateKey",
                .post,
                "/v1/keys/{id}/rotate",
                summary: "Issue a platform key in place of another",
                details: """
                    The new key has the name, the scopes and the lifetime of the old one, which goes on holding for `overlap_s` seconds: \
                    long enough to hand the new one out.
                    """,
                tag: AdministrativeRequests.tag,
                access: AdministrativeRequests.access,
                bodyRule: .json(
                    .object(
                        name: "RotateKey",
                        [
                            .optional(
                                "overlap_s",
                                .integer(0...31_536_000),
                                "For how long the old key still holds; \(Self.overlap) when not given."
                            )
                        ]
                    ),
                    required: false
                ),
                responses: [.json(201, "The new key and its secret.", Self.rotated)],
                problems: [.illegalTransition, .tooManyCredentials],
                idempotent: true
            ) { try await rotate($0) },
            Operation(
                "revokeKey",
                .post,
                "/v1/keys/{id}/revoke",
                summary: "End a platform key",
                details: "It holds for at most five seconds more.",
                tag: AdministrativeRequests.tag,
                access: AdministrativeRequests.access,
                responses: [.json("The key.", Self.key)],
                problems: [.illegalTransition],
                idempotent: true
            ) { try await revoke($0) },
        ]
    }

    private static let members: [JSONSchema.Member] = [
        .required("id", .id),
        .required("name", .actorID),
        .required("prefix", .string(length: 1...16), "The first characters of its secret."),
        .required("scopes", .array(of: .string(length: 1...64), count: 0...100)),
        .required("created_at", .timestamp),
        .required("expires_at", .nullable(.timestamp), "When it ends by itself; `null` is never."),
        .required("revoked_at", .nullable(.timestamp), "When it was ended; `null` when it was not."),
    ]

    private static let key = JSONSchema.object(name: "PlatformKey", members)

    private static let secret = JSONSchema.Member.optional(
        "secret",
        .string(length: 20...64),
        "The key itself, `ck_…`, this once."
    )

    /// A key as the answer to its issue shows it.
    static let issued = JSONSchema.object(name: "IssuedKey", members + [secret])

    private static let rotated = JSONSchema.object(
        name: "RotatedKey",
        members + [.required("replaces", key, "The old key, with its end."), secret]
    )

    private func list(_ call: Call) async throws -> Reply {
        let page = try Page(call)
        let campus = call.campus.id
        let keys = try await requests.read { try Administration.keys(of: campus, page, in: $0) }
        return .page(keys, \.json)
    }

    private func issue(_ call: Call) async throws -> Reply {
        let terms = Administration.KeyTerms(json: call.body)
        let secret = PlatformKeySecret()
        return try await requests.once(call, revealing: secret.text, logging: .keyIssued) { administration, session in
            let key = try administration.issueKey(terms, secret: secret, in: session)
            return Reply(status: 201, body: .json(key.json))
        }
    }

    private func rotate(_ call: Call) async throws -> Reply {
        let id = try call.id(as: IDSubject.Key.self)
        let overlap = Duration.seconds(call.body["overlap_s"]?.integer ?? Self.overlap)
        let secret = PlatformKeySecret()
        return try await requests.once(call, revealing: secret.text, logging: .keyRotated) { administration, session in
            let (new, old) = try administration.rotateKey(id, overlap: overlap, secret: secret, in: session)
            guard var answer = new.json.object else { return .ok(new.json) }
            answer["replaces"] = old.json
            return Reply(status: 201, body: .json(.object(answer)))
        }
    }

    private func revoke(_ call: Call) async throws -> Reply {
        let id = try call.id(as: IDSubject.Key.self)
        return try await requests.once(call, logging: .keyRevoked) { administration, session in
            .ok(try administration.revokeKey(id, in: session).json)
        }
    }
}
