import ArgumentParser
import EventLog
import Model
import Postgres

/// Shows the events that a consumer group could not handle, and has them tried again.
struct EventsCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "events",
            abstract: "List, replay and discard events that could not be handled.",
            discussion: """
                An event whose handling fails is parked with the later events of the same order, which wait behind it; all others go on. \
                It stays here until somebody replays or discards it.
                """,
            subcommands: [
                ParkedEventsCommand<Definition>.self, ReplayEventsCommand<Definition>.self,
                DiscardEventCommand<Definition>.self,
            ]
        )
    }
}

/// Lists parked events.
struct ParkedEventsCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "parked", abstract: "List the parked events, the oldest first.")
    }

    @OptionGroup var options: SettingOptions

    @Option(help: "Those of one consumer group; of all when not given.")
    var group: String?

    @OptionGroup var page: PageOptions

    func run() async throws {
        try await OperatorSession<Definition>.run(options) { operating in
            let (group, page) = (group, page)
            let parked = try await operating.pool.transaction { session in
                try ParkedEventStore(owner: Definition.stream)
                    .list(consumer: group, after: page.after, limit: page.limit, in: session)
            }
            guard !page.json else { return try Terminal.answer(JSON.array(parked.map { try $0.json }).text) }
            var table = TextTable(["EVENT", "GROUP", "TYPE", "ORDER", "FAILURES", "PARKED", "REASON"])
            for entry in parked {
                table.add([
                    "\(entry.event.id)", entry.consumer, entry.event.type, entry.event.root.description,
                    "\(entry.failures)", entry.parkedAt.rfc3339,
                    entry.replayRequestedAt == nil ? entry.reason : "to be tried again; \(entry.reason)",
                ])
            }
            page.show(table, of: parked.count, last: parked.last?.event.id)
        }
    }
}

/// Has a group try parked events again.
struct ReplayEventsCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "replay",
            abstract: "Have parked events tried again, those of each order in their order.",
            discussion: "A running service does so within a few seconds; what fails again is parked again."
        )
    }

    @OptionGroup var options: SettingOptions

    @Option(help: "The consumer group, as parked shows it.")
    var group: String

    @Option(help: "The events of this order, as parked shows it.")
    var order: String?

    @Flag(help: "All events of the group.")
    var all = false

    func validate() throws {
        guard all != (order != nil) else { throw ValidationError("Give --order or --all.") }
        if let order, AnyID(order) == nil {
            throw ValidationError("--order is not the id of an order; parked shows them.")
        }
    }

    func run() async throws {
        try await OperatorSession<Definition>.run(options) { operating in
            let count = try await SettleParkedEvents<Definition>(pool: operating.pool)
                .replay(group: group, order: order.flatMap { AnyID($0) })
            Terminal.say("tried again: \(count)")
        }
    }
}

/// Drops a parked event for good.
struct DiscardEventCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "discard",
            abstract: "Drop a parked event for good, and have those behind it tried.",
            discussion: """
                The group never handles it: a notice is not given, money that is due is not found. Discard only what was settled in \
                another way. The event itself stays in the log.
                """
        )
    }

    @OptionGroup var options: SettingOptions

    @Option(help: "The consumer group, as parked shows it.")
    var group: String

    @Argument(help: "The number of the event, as parked shows it.")
    var id: Int64

    func run() async throws {
        try await OperatorSession<Definition>.run(options) { operating in
            let freed = try await SettleParkedEvents<Definition>(pool: operating.pool).discard(id, group: group)
            Terminal.say("discarded: 1, tried again: \(freed)")
        }
    }
}

extension ParkedEvent {
    /// All that is known of it.
    fileprivate var json: JSON {
        get throws {
            [
                "id": .integer(event.id), "group": .string(consumer), "stream": .string(event.stream.rawValue),
                "type": .string(event.type), "campus_id": .string(event.campus.description),
                "subject_id": .string(event.subject.description), "version": .integer(event.version),
                "order_id": .string(event.root.description), "payload": try event.payload, "reason": .string(reason),
                "failures": .integer(Int64(failures)), "occurred_at": .string(event.occurredAt.rfc3339),
                "parked_at": .string(parkedAt.rfc3339), "replay_requested_at": .optional(replayRequestedAt?.rfc3339),
            ]
        }
    }
}
