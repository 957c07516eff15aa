import Model
import Postgres
import Synchronization
import TestSupport
import Testing

@testable import EventLog

@Suite("Parked events")
struct ParkedEventTests {
    private struct Poison: SafelyDescribedError {
        let description = "cannot be understood"
    }

    /// An error of somebody else, who quotes what was being read.
    private struct ForeignError: Error, CustomStringConvertible {
        let description = "unexpected number 13800138000"
    }

    private let parked = ParkedEventStore(owner: .notifications)

    /// A group whose handler fails for events of a type until it is healed.
    private func group(
        _ database: TestDatabase,
        isHealed: Flag,
        refusedByServer: Bool = false
    ) throws -> ConsumerGroup<Int> {
        recorder(try database.pool(as: .notifyService)) { session, events in
            try Effects.record(events, by: "recorder", in: session)
            if !isHealed.value, events.contains(where: { $0.type == EventType.orderRejected.rawValue }) {
                if refusedByServer { try session.execute("select 1 / 0") }
                throw Poison()
            }
            return events.count
        }
    }

    @Test(
        "An event that fails is parked with the later ones of its root; the others go on; a replay keeps their order",
        arguments: [false, true]
    )
    func parking(refusedByServer: Bool) async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService)
            let notify = try database.pool(as: .notifyService)
            let bad = AnyID.new()
            let others = (0..<10).map { _ in AnyID.new() }
            let healed = Flag()
            try await pool.append([example(bad, version: 1)])
            try await pool.append(others.map { example($0, version: 1) })
            try await pool.append([example(bad, version: 2, type: .orderRejected)])
            try await pool.append([example(bad, version: 3)] + others.map { example($0, version: 2) })
            try await pool.tick()
            let group = try group(database, isHealed: healed, refusedByServer: refusedByServer)
            try await running([group]) {
                try await eventually("all others are handled") { try await effects.count(by: "recorder") == 21 }
                try await pool.append([example(bad, version: 4)] + others.map { example($0, version: 3) })
                try await pool.tick()
                try await eventually("those of a later batch too") { try await effects.count(by: "recorder") == 31 }

                let waiting = try await notify.autocommit { try parked.list(consumer: "recorder", in: $0) }
                #expect(waiting.map(\.event.version) == [2, 3, 4])
                #expect(waiting.map(\.failures) == [1, 0, 0])
                #expect(waiting.first?.reason == (refusedByServer ? "server error 22012" : "cannot be understood"))
                #expect(try await group.lag().parked == 3)

                try await notify.transaction { try parked.requestReplay(consumer: "recorder", root: bad, in: $0) }
                group.hint()
                try await eventually("it fails again, and is not tried for ever") {
                    let again = try await notify.autocommit { try parked.list(consumer: "recorder", in: $0) }
                    return again.map(\.failures) == [2, 0, 0] && again.allSatisfy { $0.replayRequestedAt == nil }
                }
                #expect(try await effects.count(by: "recorder") == 31)

                healed.set()
                try await notify.transaction { try parked.requestReplay(consumer: "recorder", in: $0) }
                try await eventually("all are handled at last") { try await effects.count(by: "recorder") == 34 }
                try await pool.append([example(bad, version: 5)])
                try await pool.tick()
                try await eventually("and so are new ones") { try await effects.count(by: "recorder") == 35 }
                #expect(try await notify.autocommit { try parked.list(consumer: "recorder", in: $0) }.isEmpty)
            }
            #expect(try await effects.faults(of: "recorder") == Faults())
        }
    }

    @Test("A payload that does not parse is its event's fault: it is parked, and who needs no payloads handles it")
    func undecodable() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService)
            let notify = try database.pool(as: .notifyService)
            let deep = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
            let bad = AnyID.new()
            try await pool.append([example()])
            try await pool.append([example(bad, version: 1)])
            try await effects.pool.autocommit { session in
                try session.execute(
                    "update campus.orders_event set payload = \(deep)::jsonb where root_id = \(bad)"
                )
            }
            try await pool.append([example(bad, version: 2), example()])
            try await pool.tick()
            func group(_ name: String, readsPayloads: Bool) -> ConsumerGroup<Void> {
                ConsumerGroup(
                    name: name,
                    owner: .notifications,
                    streams: [.orders],
                    pool: notify,
                    options: ConsumerOptions(lease: .seconds(1), poll: .milliseconds(50)),
                    logger: .silent
                ) { session, events in
                    if readsPayloads { for event in events { _ = try event.payload } }
                    try Effects.record(events, by: name, in: session)
                }
            }
            try await running([group("reader", readsPayloads: true), group("counter", readsPayloads: false)]) {
                try await eventually("the others are handled") { try await effects.count(by: "reader") == 2 }
                try await eventually("all are, by who reads no payload") { try await effects.count(by: "counter") == 4 }
            }
            let waiting = try await notify.autocommit { try parked.list(consumer: "reader", in: $0) }
            #expect(waiting.map(\.event.version) == [1, 2])
            #expect(waiting.first?.reason == "nested deeper than 32 levels at byte 32")
            #expect(waiting.first?.event.payloadText == deep, "it is parked as it was")
        }
    }

    @Test("What a foreign error quotes is neither stored nor logged")
    func foreignError() async throws {
        try await withDatabase { database in
            _ = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService)
            let notify = try database.pool(as: .notifyService)
            let log = CapturedLog()
            let group = recorder(notify, logger: log.logger) { _, _ in throw ForeignError() }
            try await pool.append([example()])
            try await pool.tick()
            try await running([group]) {
                try await eventually("it is parked") {
                    try await notify.number("select count(*) from campus.notifications_parked") == 1
                }
            }
            let waiting = try await notify.autocommit { try parked.list(consumer: "recorder", in: $0) }
            #expect(waiting.map(\.reason) == ["ForeignError"])
            #expect(log.lines.contains { $0.event == "consumer.isolating" && $0.error is ForeignError })
            #expect(log.lines.contains { $0.event == "consumer.parked" })
            #expect(!log.lines.contains { $0.text.contains("13800138000") })
        }
    }

    @Test("A discarded event no longer keeps the later ones of its root")
    func discarding() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService)
            let notify = try database.pool(as: .notifyService)
            let bad = AnyID.new()
            try await pool.append([example(bad, version: 1, type: .orderRejected), example(bad, version: 2)])
            try await pool.tick()
            try await running([try group(database, isHealed: Flag())]) {
                try await eventually("both are parked") {
                    try await notify.number("select count(*) from campus.notifications_parked") == 2
                }
                try await notify.transaction { session in
                    let first = try #require(try parked.list(consumer: "recorder", in: session).first)
                    #expect(try parked.discard(consumer: "recorder", eventID: first.event.id, in: session))
                    #expect(try !parked.discard(consumer: "recorder", eventID: first.event.id, in: session))
                    #expect(try parked.requestReplay(consumer: "recorder", root: bad, in: session) == 1)
                }
                try await eventually("the later one is handled") { try await effects.count(by: "recorder") == 1 }
            }
            #expect(try await effects.all(by: "recorder").map(\.version) == [2])
        }
    }

    @Test("When the server is in trouble nothing is parked, and work goes on by itself")
    func trouble() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService)
            let failures = Counter()
            let group = recorder(try database.pool(as: .notifyService)) { session, events in
                try Effects.record(events, by: "recorder", in: session)
                if failures.add(1) <= 3 {
                    try session.execute("select pg_terminate_backend(pg_backend_pid())")
                }
                return events.count
            }
            try await pool.append([example()])
            try await pool.tick()
            try await running([group]) {
                try await eventually("the event is handled") { try await effects.count(by: "recorder") == 1 }
            }
            #expect(try await effects.pool.number("select count(*) from campus.notifications_parked") == 0)
            #expect(failures.value == 4)
        }
    }

    @Test("An event that always takes too long is parked after some tries")
    func slow() async throws {
        try await withDatabase { database in
            let effects = try await Effects.make(in: database)
            let pool = try database.pool(as: .orderService)
            var configuration = try database.configuration(as: .notifyService)
            configuration.statementTimeout = .milliseconds(200)
            let group = recorder(
                database.pool(configuration, PoolConfiguration(size: 2, waitTimeout: .seconds(60))),
                patience: 2
            ) { session, events in
                try Effects.record(events, by: "recorder", in: session)
                if events.contains(where: { $0.type == EventType.orderRejected.rawValue }) {
                    try session.execute("select pg_sleep(5)")
                }
                return events.count
            }
            try await pool.append([example(type: .orderRejected), example()])
            try await pool.tick()
            try await running([group]) {
                try await eventually("the other event is handled") { try await effects.count(by: "recorder") == 1 }
            }
            #expect(try await effects.pool.number("select count(*) from campus.notifications_parked") == 1)
        }
    }
}
