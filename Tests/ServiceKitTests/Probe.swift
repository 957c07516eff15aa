import EventLog
import HTTPTypes
import Logging
import Model
import Postgres
import ServiceLifecycle

@testable import ServiceKit

/// A small service that uses everything the edge offers.
enum Probe: ServiceDefinition {
    static let name = "order_service"
    static let title = "Probe"
    static let summary = "A service for the edge's own tests."
    static let stream = EventStream.orders
    static let defaultPort = 0
    static let settings: [any DeclaredSetting] = [greeting, sealingKey]
    static let problems = [tooStrange]
    static let events = [noted]

    static let greeting = Setting<String>.text("GREETING", default: "hello", "What it says.")
    static let sealingKey = Setting<String>.text("SEALING_KEY", secret: true, example: "0000", "What it seals with.")
    static let tooStrange = ProblemKind(
        "too-strange",
        status: 409,
        title: "Too strange",
        meaning: "It was too strange."
    )
    static let noted = LoggedEvent("thing.noted", .info, "Thing noted")

    static let thing = JSONSchema.object(
        name: "Thing",
        [
            .required("name", .string(length: 1...20, pattern: .name), "What it is called."),
            .required("price_fen", .fen(0...1_000_000)),
            .optional("tags", .array(of: .enumeration(["hot", "cold"]), count: 0...3)),
            .optional("maker", .nullable(.object(name: "Maker", [.required("id", .actorID)]))),
        ]
    )

    static func build(_ foundation: ServiceFoundation) async throws -> ServiceParts {
        ServiceParts(operations: ProbeController(foundation: foundation).operations)
    }
}

struct ProbeController: Sendable {
    let foundation: ServiceFoundation

    var operations: [Operation] {
        [
            Operation(
                "makeThing",
                .post,
                "/v1/things",
                summary: "Make a thing.",
                tag: "things",
                access: .roles([.customer], scope: .ordersWrite),
                body: Probe.thing,
                responses: [.created("The thing.", Self.made)],
                problems: [Probe.tooStrange],
                idempotent: true,
                handler: make
            ),
            Operation(
                "listThings",
                .get,
                "/v1/things",
                summary: "List things.",
                tag: "things",
                access: .roles([.customer, .agent], scope: .ordersRead),
                parameters: [
                    .limit, .cursor,
                    .query("colour", .enumeration(["red", "green"]), required: true, "Of which colour."),
                    .query("sizes", .array(of: .integer(1...9), count: 1...3), "Of which sizes."),
                    .query("since", .timestamp, "Since when."), .query("new", .boolean, "Only new ones."),
                ],
                responses: [.json("What was asked.", .any)],
                handler: { call in .ok(.object(call.query)) }
            ),
            Operation(
                "getThing",
                .get,
                "/v1/things/{id}",
                summary: "Read a thing.",
                tag: "things",
                access: .roles([.customer, .merchant], scope: .ordersRead),
                responses: [.json("The thing.", .any, headers: [.etag]), .empty(304, "It is as it was.")],
                handler: { call in
                    let id: AnyID = try call.id()
                    if call.hasCurrent(7) { return Reply(status: 304).etag(7) }
                    return Reply.ok(["id": .string(id.description), "who": .string("\(call.principal.actor)")]).etag(7)
                }
            ),
            Operation(
                "editThing",
                .put,
                "/v1/things/{id}",
                summary: "Edit a thing.",
                tag: "things",
                access: .usersOnly([.customer]),
                parameters: [.ifMatch],
                bodyRule: .json(.object([.optional("note", .string(length: 0...50))]), required: false, limit: 1_024),
                responses: [.empty("It is done.")],
                handler: { call in
                    try call.requireMatch(7)
                    return .noContent
                }
            ),
            Operation(
                "deleteThing",
                .delete,
                "/v1/things/{id}",
                summary: "Delete a thing.",
                tag: "things",
                access: .platform(.ordersWrite),
                responses: [.empty("It is gone.")],
                handler: { _ in .noContent }
            ),
            Operation(
                "failThing",
                .get,
                "/v1/failures/{kind}",
                summary: "Fail.",
                tag: "failures",
                access: .anyone,
                parameters: [.path("kind", .string(length: 1...40), "How to fail.")],
                responses: [.json("Never.", .any)],
                handler: fail
            ),
            Operation(
                "watchThings",
                .get,
                "/v1/watch",
                summary: "Watch things.",
                tag: "things",
                access: .anyone,
                responses: [.other(type: "text/event-stream", "Ticks.")],
                handler: { _ in
                    .stream(
                        StreamBody(farewell: Array("event: bye\n\n".utf8)) { writer in
                            var tick = 0
                            while true {
                                tick += 1
                                try await writer.write(Array("data: \(tick)\n\n".utf8))
                                try await Task.sleep(for: .milliseconds(20))
                            }
                        }
                    )
                }
            ),
            Operation(
                "takeBytes",
                .post,
                "/v1/bytes",
                summary: "Take bytes.",
                tag: "things",
                access: .anyone,
                bodyRule: .bytes(["image/png"], limit: 100_000),
                responses: [.json("How many.", .any)],
                handler: { call in .ok(["bytes": .integer(Int64(call.rawBody.count))]) }
            ),
            Operation(
                "takeLines",
                .post,
                "/v1/lines",
                summary: "Take lines.",
                tag: "things",
                access: .anyone,
                bodyRule: .lines(of: Probe.thing, limit: 300_000),
                responses: [.json("How many.", .any)],
                handler: { call in
                    var lengths: [JSON] = []
                    guard let lines = call.lines else { throw Problem.notFound }
                    for try await line in lines {
                        switch line {
                        case .text(let text): lengths.append(.integer(Int64(text.count)))
                        case .tooLong: lengths.append("too long")
                        }
                    }
                    return .ok(["lengths": .array(lengths)])
                }
            ),
            Operation(
                "slowThing",
                .get,
                "/v1/slow",
                summary: "Take a moment.",
                tag: "things",
                access: .anyone,
                responses: [.json("Done.", .any)],
                handler: { _ in
                    try await Task.sleep(for: .milliseconds(300))
                    return .ok(["done": true])
                }
            ),
        ]
    }

    private static let made = JSONSchema.object(
        name: "MadeThing",
        [.required("id", .id), .required("number", .integer(1...9_999))]
    )

    /// Notes each effect in the audit, which is what this service may write to.
    private func make(_ call: Call) async throws -> Reply {
        let key = try call.requireIdempotency()
        let campus = call.campus.id
        let name = call.body["name"]?.string ?? ""
        return try await foundation.pool.idempotent(key, foundation.idempotency) { session in
            if name == "strange" { throw Problem(Probe.tooStrange, "That is too strange.", members: ["why": "it is"]) }
            if name == "slow" { try session.execute("select pg_sleep(0.3)") }
            let id = AnyID.make(at: SystemWallClock().now())
            try session.execute(
                """
                insert into campus.audit_entry (id, campus_id, actor, action, subject)
                values (\(id), \(campus), \(call.principal.actor.description), 'thing.made', \(name))
                """
            )
            return .created(["id": .string(id.description), "number": 1], location: "/v1/things/\(id)").etag(1)
        }
    }

    private func fail(_ call: Call) async throws -> Reply {
        struct Secretive: Error { let phone = "13812345678" }
        switch call.path("kind") {
        case "unknown": throw Secretive()
        case "unique":
            throw PostgresError.server(
                ServerError(
                    sqlState: .uniqueViolation,
                    message: "Key (phone)=(13812345678)",
                    constraint: "contact_pkey"
                )
            )
        case "exhausted": throw PostgresError.poolExhausted(retryAfter: .milliseconds(2_500))
        case "lost": throw PostgresError.commitOutcomeUnknown(ConnectionFailure(reason: "gone"))
        case "readonly": throw PostgresError.server(ServerError(sqlState: .readOnly, message: "read-only"))
        case "cancelled": throw CancellationError()
        default: throw Problem.notFound
        }
    }
}
