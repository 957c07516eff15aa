import EventLog
import HTTPTypes
import Model
import Postgres
import ServiceKit

/// The routes of a test campus's clock: every rule and every timer of the campus follows it.
struct ClockController: Sendable {
    let pool: ConnectionPool
    let clocks: ClockStore
    let events: EventStore
    let idempotency: IdempotencyStore
    let ticker: Ticker
    let timers: TimerService
    let clock: any WallClock

    private static let tag = "Test campuses"
    private static let access = Access.roles([.agent, .supervisor, .admin], scope: .testClock)

    /// The table of routes.
    var operations: [Operation] {
        [
            Operation(
                "getTestClock",
                .get,
                "/v1/test/clock",
                summary: "Read the clock of a test campus",
                tag: Self.tag,
                access: Self.access,
                responses: [.json("What it shows.", Self.reading)],
                problems: [.notATestCampus]
            ) { try await read($0) },
            Operation(
                "advanceTestClock",
                .post,
                "/v1/test/clock/advance",
                summary: "Advance the clock of a test campus",
                details: "Timers that become due fire at once. It never goes back.",
                tag: Self.tag,
                access: Self.access,
                body: .object(name: "AdvanceClock", [.required("seconds", .integer(1...Self.furthestSeconds))]),
                responses: [.json("What it shows now.", Self.reading)],
                problems: [.notATestCampus],
                idempotent: true
            ) { try await advance($0) },
        ]
    }

    private static let furthestSeconds = ClockStore.furthest.components.seconds

    private static let reading = JSONSchema.object(
        name: "TestClock",
        [
            .required("now", .timestamp, "The campus's time."),
            .required("offset_s", .integer(0...furthestSeconds), "How far it is ahead of ours."),
        ]
    )

    private func read(_ call: Call) async throws -> Reply {
        try Self.requireTest(call.campus)
        let campus = call.campus.id
        let offset = try await pool.autocommit { [clocks] in try clocks.offset(of: campus, in: $0) }
        return .ok(Self.json(now: clock.now() + offset, offset: offset))
    }

    private func advance(_ call: Call) async throws -> Reply {
        try Self.requireTest(call.campus)
        let campus = call.campus.id
        let duration = Duration.seconds(call.body["seconds"]?.integer ?? 0)
        let actor = call.principal.actor
        let trace = call.trace.description
        let machineTime = clock.now()
        let reply = try await pool.idempotent(try call.requireIdempotency(), idempotency) { [clocks, events] session in
            guard let offset = try clocks.advance(campus, by: duration, in: session) else {
                throw Problem.validation("/seconds", "would put the clock more than 3600 days ahead")
            }
            let now = machineTime + offset
            let event = NewEvent(
                type: .clockAdvanced,
                campus: campus,
                subject: campus.retyped(),
                version: offset.wholeMicroseconds,
                root: campus.retyped(),
                actor: actor,
                at: now,
                trace: trace,
                payload: ["campus_id": .string(campus.description), "now": .string(now.rfc3339)]
            )
            try events.append([event], in: session)
            return .ok(Self.json(now: now, offset: offset))
        }
        ticker.hint()
        timers.hint()
        call.logger.record(.clockAdvanced, [.actor: .actor(actor), .count: .integer(duration.components.seconds)])
        return reply
    }

    private static func requireTest(_ campus: Campus) throws(Problem) {
        guard campus.isTest else { throw Problem(.notATestCampus, "Only the clock of a test campus can be advanced.") }
    }

    private static func json(now: Timestamp, offset: Duration) -> JSON {
        ["now": .string(now.rfc3339), "offset_s": .integer(offset.components.seconds)]
    }
}
