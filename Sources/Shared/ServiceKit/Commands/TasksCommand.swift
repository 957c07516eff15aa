import ArgumentParser
import EventLog
import Model
import Postgres

/// Shows the tasks that are not tried any more, and tries them again.
struct TasksCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "tasks",
            abstract: "List, replay and discard tasks that are not tried any more.",
            discussion: """
                A task is work that leaves the database or waits for something: a refund to hand to its channel, a webhook to deliver. \
                After its last attempt it is dead, and stays here until somebody replays or discards it.
                """,
            subcommands: [
                ListTasksCommand<Definition>.self, ReplayTasksCommand<Definition>.self,
                DiscardTasksCommand<Definition>.self,
            ]
        )
    }
}

/// Lists dead tasks.
struct ListTasksCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "list", abstract: "List the dead tasks, the oldest first.")
    }

    @OptionGroup var options: SettingOptions

    @Option(help: "Those of one queue, for example refund; of all queues when not given.")
    var queue: String?

    @OptionGroup var page: PageOptions

    func run() async throws {
        try await OperatorSession<Definition>.run(options) { operating in
            let (queue, page) = (queue, page)
            let tasks = try await operating.pool.transaction { session in
                try TaskStore(owner: Definition.stream)
                    .dead(queue: queue, after: page.after, limit: page.limit, in: session)
            }
            guard !page.json else { return Terminal.answer(JSON.array(tasks.map(\.json)).text) }
            var table = TextTable(["ID", "QUEUE", "DESTINATION", "ORDER KEY", "ATTEMPTS", "DIED", "REASON"])
            for task in tasks {
                table.add([
                    "\(task.id)", task.queue, task.destination, task.orderKey ?? "-", "\(task.attempts)",
                    task.diedAt.rfc3339, task.reason,
                ])
            }
            page.show(table, of: tasks.count, last: tasks.last?.id)
        }
    }
}

/// Gives dead tasks all their attempts again.
struct ReplayTasksCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "replay",
            abstract: "Give dead tasks all their attempts again.",
            discussion: "A running service takes them up within a second. Find out first why they died: list says so."
        )
    }

    @OptionGroup var options: SettingOptions

    @Argument(help: "The numbers of the tasks, as list shows them.")
    var ids: [Int64] = []

    @Flag(help: "All of a queue instead.")
    var all = false

    @Option(help: "The queue, with --all.")
    var queue: String?

    func validate() throws {
        guard ids.isEmpty == all else { throw ValidationError("Give the numbers of the tasks, or --all with --queue.") }
        guard all == (queue != nil) else { throw ValidationError("--all and --queue go together.") }
    }

    func run() async throws {
        try await OperatorSession<Definition>.run(options) { operating in
            let settle = SettleDeadTasks<Definition>(pool: operating.pool)
            var replayed = Set(ids).count
            if let queue { replayed = try await settle.replayAll(of: queue) } else { try await settle.replay(ids) }
            Terminal.say("tried again: \(replayed)")
        }
    }
}

/// Drops dead tasks for good.
struct DiscardTasksCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "discard",
            abstract: "Drop dead tasks for good, and let those behind them run.",
            discussion: """
                What they were to do is not done: a refund is not handed to its channel, a webhook is not delivered. Discard only what \
                was settled in another way.
                """
        )
    }

    @OptionGroup var options: SettingOptions

    @Argument(help: "The numbers of the tasks, as list shows them.")
    var ids: [Int64]

    func run() async throws {
        try await OperatorSession<Definition>.run(options) { operating in
            try await SettleDeadTasks<Definition>(pool: operating.pool).discard(ids)
            Terminal.say("discarded: \(Set(ids).count)")
        }
    }
}

/// Which part of a list, and for whom.
struct PageOptions: ParsableArguments {
    @Option(help: "Only those after this number: the last one of the page before.")
    var after: Int64 = 0

    @Option(help: "How many at most.")
    var limit = 100

    @Flag(help: "As one JSON array, with everything that is known.")
    var json = false

    func validate() throws {
        guard (1...10_000).contains(limit) else { throw ValidationError("--limit is 1 to 10000.") }
        guard after >= 0 else { throw ValidationError("--after is the number of the last one of the page before.") }
    }

    /// Shows a table, and how to go on where there may be more.
    func show(_ table: TextTable, of count: Int, last: Int64?) {
        guard let last else { return Terminal.say("There are none.") }
        for line in table.lines { Terminal.answer(line) }
        if count == limit { Terminal.say("There may be more: --after \(last)") }
    }
}

extension DeadTask {
    /// All that is known of it.
    fileprivate var json: JSON {
        [
            "id": .integer(id), "queue": .string(queue), "destination": .string(destination),
            "order_key": .optional(orderKey), "dedupe_key": .string(dedupeKey),
            "campus_id": .string(campus.description), "payload": payload, "attempts": .integer(Int64(attempts)),
            "reason": .string(reason), "history": history, "enqueued_at": .string(enqueuedAt.rfc3339),
            "died_at": .string(diedAt.rfc3339),
        ]
    }
}
