import HTTPTypes
import Model
import Postgres
import ServiceKit

/// The routes of the keys that users' tokens are verified with: single ones, and sets that an identity provider publishes.
struct VerificationKeyController: Sendable {
    let requests: AdministrativeRequests
    /// Whether a key set may lie on this machine: for development only.
    let allowsLoopback: Bool

    /// The table of routes.
    var operations: [Operation] {
        keyOperations + setOperations
    }

    private var keyOperations: [Operation] {
        [
            Operation(
                "listVerificationKeys",
                .get,
                "/v1/verification-keys",
                summary: "List the verification keys that were added",
                details:
                    "In the order in which they were, ended ones too. Those of key sets are listed with their sets.",
                tag: AdministrativeRequests.tag,
                access: AdministrativeRequests.access,
                parameters: [.limit, .cursor],
                responses: [.json("A page of keys.", .page(name: "VerificationKeyPage", of: Self.key))]
            ) { try await listKeys($0) },
            Operation(
                "addVerificationKey",
                .post,
                "/v1/verification-keys",
                summary: "Add a verification key",
                details: """
                    Tokens that name its `kid` are verified with it and its one algorithm. Whoever adds a key can sign tokens for \
                    anybody of the campus: a platform key needs every scope of a campus. With HS256 and no `secret` one is made, and \
                    shown in this answer and nowhere else.
                    """,
                tag: AdministrativeRequests.tag,
                access: AdministrativeRequests.access,
                body: Self.addition,
                responses: [.json(201, "The key, and its secret when that was made here.", Self.added)],
                problems: [.verificationKeyTaken, .tooManyCredentials],
                idempotent: true
            ) { try await addKey($0) },
            Operation(
                "importVerificationKeys",
                .post,
                "/v1/verification-keys/import",
                summary: "Add the keys of a JSON Web Key Set",
                details: """
                    All that are for verifying signatures, each as if it were added alone, or none: every fault of every key is named at \
                    once. Each is used with the one algorithm of its type; `oct` is a secret for HS256. Keys that say they are for \
                    something else are left out, and members that are not known are ignored. A set that your provider goes on changing is \
                    better added by its address.
                    """,
                tag: AdministrativeRequests.tag,
                access: AdministrativeRequests.access,
                bodyRule: .json(JWKS.schema, limit: JWKS.byteLimit),
                responses: [.json(201, "The keys that were added.", Self.imported)],
                problems: [.verificationKeyTaken, .tooManyCredentials],
                idempotent: true
            ) { try await importKeys($0) },
            Operation(
                "revokeVerificationKey",
                .post,
                "/v1/verification-keys/{kid}/revoke",
                summary: "End a verification key",
                details: """
                    Its tokens hold for at most five seconds more. A key of a set can be ended too, and stays so however long the set \
                    publishes it.
                    """,
                tag: AdministrativeRequests.tag,
                access: AdministrativeRequests.access,
                parameters: [.path("kid", Self.kid, "Its name in token headers, percent-encoded.")],
                responses: [.json("What was ended.", Self.ended)],
                problems: [.illegalTransition],
                idempotent: true
            ) { try await revokeKey($0) },
        ]
    }

    private var setOperations: [Operation] {
        [
            Operation(
                "listKeySets",
                .get,
                "/v1/key-sets",
                summary: "List key sets, their keys and how fetching them goes",
                tag: AdministrativeRequests.tag,
                access: AdministrativeRequests.access,
                parameters: [.limit, .cursor],
                responses: [.json("A page of key sets.", .page(name: "KeySetPage", of: Self.set))]
            ) { try await listSets($0) },
            Operation(
                "addKeySet",
                .post,
                "/v1/key-sets",
                summary: "Add a JWKS that an identity provider publishes",
                details: """
                    It is fetched within seconds and then as often as `Cache-Control` says, between once a minute and once an hour; when a \
                    token names a `kid` that is not known, also in between. Keys that are published no more end; while the set \
                    cannot be fetched its last keys hold. A platform key needs every scope of a campus.
                    """,
                tag: AdministrativeRequests.tag,
                access: AdministrativeRequests.access,
                body: .object(name: "AddKeySet", [.required("url", .url(), "An https address.")]),
                responses: [.json(201, "The key set, not fetched yet.", Self.set)],
                problems: [.verificationKeyTaken, .tooManyCredentials],
                idempotent: true
            ) { try await addSet($0) },
            Operation(
                "revokeKeySet",
                .post,
                "/v1/key-sets/{id}/revoke",
                summary: "End a key set and all its keys",
                tag: AdministrativeRequests.tag,
                access: AdministrativeRequests.access,
                responses: [.json("The key set.", Self.set)],
                problems: [.illegalTransition],
                idempotent: true
            ) { try await revokeSet($0) },
        ]
    }

    private static let kid = JSONSchema.string(length: 1...128, pattern: .visibleASCII)
    private static let algorithm = JSONSchema.enumeration(of: VerificationKey.Algorithm.self)
    private static let pem = JSONSchema.string(length: 1...16_384)

    private static let addition = JSONSchema.object(
        name: "AddVerificationKey",
        [
            .required("kid", kid, "Its name in token headers, unique in the campus for ever."),
            .required("algorithm", algorithm),
            .optional("public_key", pem, "In PEM; for all algorithms but HS256."),
            .optional(
                "secret",
                .string(length: 43...1_024, pattern: .ascii("A-Za-z0-9_-")),
                "In base64url; for HS256."
            ),
        ]
    )

    private static let members: [JSONSchema.Member] = [
        .required("kid", kid),
        .required("algorithm", algorithm),
        .required("public_key", .nullable(pem), "`null` for HS256, whose key is a secret."),
        .required("created_at", .timestamp),
        .required("revoked_at", .nullable(.timestamp)),
    ]
    private static let key = JSONSchema.object(name: "VerificationKey", members)
    private static let added = JSONSchema.object(
        name: "AddedVerificationKey",
        members + [.optional("secret", .string(length: 43...43), "In base64url, this once, when it was made here.")]
    )
    private static let imported = JSONSchema.object(
        name: "ImportedVerificationKeys",
        [.required("items", .array(of: key, count: 1...100), "In the order of the set.")]
    )
    private static let ended = JSONSchema.object(
        name: "EndedVerificationKey",
        [.required("kid", kid), .required("algorithm", algorithm), .required("revoked_at", .timestamp)]
    )

    private static let set = JSONSchema.object(
        name: "KeySet",
        [
            .required("id", .id),
            .required("url", .url()),
            .required(
                "keys",
                .array(
                    of: .object([.required("kid", kid), .required("algorithm", algorithm)]),
                    count: 0...100
                ),
                "Those that hold at present."
            ),
            .required("created_at", .timestamp),
            .required("fetched_at", .nullable(.timestamp), "When it was fetched last; `null` when it never was."),
            .required("failures", .integer(0...Int64(Int32.max)), "How many attempts failed since."),
            .required("fault", .nullable(.string(length: 0...200)), "Why the last attempt failed."),
            .required("revoked_at", .nullable(.timestamp)),
        ]
    )

    private func listKeys(_ call: Call) async throws -> Reply {
        let page = try Page(call)
        let campus = call.campus.id
        let keys = try await requests.read { try Administration.verificationKeys(of: campus, page, in: $0) }
        return .page(keys, \.json)
    }

    private func addKey(_ call: Call) async throws -> Reply {
        let (key, material, isNew) = try await Self.parsedKey(of: call)
        let secret = isNew ? material : nil
        return try await requests.once(call, revealing: secret, logging: .verificationKeyAdded) {
            administration,
            session in
            let added = try administration.addKey(key, material: material, in: session)
            return Reply(status: 201, body: .json(added.json))
        }
    }

    /// The key that a request names, found to be one, and whether its secret was made here.
    private static func parsedKey(of call: Call) async throws -> (VerificationKey, material: String, isNew: Bool) {
        let publicKey = call.body["public_key"]?.string
        let secret = call.body["secret"]?.string
        guard let kid = call.body["kid"]?.string,
            let algorithm = call.body["algorithm"]?.string.flatMap(VerificationKey.Algorithm.init)
        else { throw Problem.validation("", "is not complete") }
        var faults: [Fault] = []
        if algorithm == .hs256, publicKey != nil { faults.append(Fault("/public_key", "is not for HS256")) }
        if algorithm != .hs256, secret != nil { faults.append(Fault("/secret", "is for HS256 only")) }
        if algorithm != .hs256, publicKey == nil { faults.append(Fault("/public_key", "is missing")) }
        guard faults.isEmpty else { throw Problem.validation(faults) }
        let material = publicKey ?? secret ?? VerificationKey.newSecret()
        do {
            let key = try await VerificationKey(
                kid: kid,
                campus: call.campus.id,
                algorithm: algorithm,
                material: material,
                revokedAt: nil
            )
            return (key, material, publicKey == nil && secret == nil)
        } catch {
            throw Problem.validation(publicKey == nil ? "/secret" : "/public_key", "cannot be used: \(error.reason)")
        }
    }

    private func importKeys(_ call: Call) async throws -> Reply {
        let document = call.body
        let (reply, first) = try await requests.once(call) { administration, session in
            let added = try administration.importKeys(document, in: session)
            return Reply(status: 201, body: .json(["items": .array(added.map(\.json))]))
        }
        for key in first?["items"]?.array ?? [] { requests.log(.verificationKeyAdded, key["kid"]?.string, call) }
        return reply
    }

    private func revokeKey(_ call: Call) async throws -> Reply {
        let kid = call.path("kid")
        return try await requests.once(call, logging: .verificationKeyRevoked) { administration, session in
            .ok(try administration.revokeVerificationKey(kid, in: session))
        }
    }

    private func listSets(_ call: Call) async throws -> Reply {
        let page = try Page(call)
        let campus = call.campus.id
        let sets = try await requests.read { try Administration.keySets(of: campus, page, in: $0) }
        return .page(sets, \.json)
    }

    private func addSet(_ call: Call) async throws -> Reply {
        let url: String
        do {
            url = try PublicURL(call.body["url"]?.string ?? "", allowsLoopback: allowsLoopback).text
        } catch {
            throw Problem.validation("/url", error.detail)
        }
        return try await requests.once(call, logging: .keySetAdded) { administration, session in
            Reply(status: 201, body: .json(try administration.addKeySet(url, in: session).json))
        }
    }

    private func revokeSet(_ call: Call) async throws -> Reply {
        let id = try call.id(as: IDSubject.KeySet.self)
        return try await requests.once(call, logging: .keySetRevoked) { administration, session in
            .ok(try administration.revokeKeySet(id, in: session).json)
        }
    }
}
