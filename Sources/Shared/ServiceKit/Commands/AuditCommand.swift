import ArgumentParser
import Model
import Postgres

/// Shows what was done to campuses.
struct AuditCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "audit",
            abstract: "Show what administrators and operators did.",
            subcommands: [ListAuditCommand<Definition>.self]
        )
    }
}

/// Lists what was done to a campus.
struct ListAuditCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "list", abstract: "List what was done to a campus, the newest first.")
    }

    @OptionGroup var options: CampusOptions

    @OptionGroup var query: AuditQuery

    @Flag(help: "As one JSON array, with what was changed, before and after.")
    var json = false

    func run() async throws {
        let query = query
        let entries = try await OperatorSession<Definition>.administer(options) { administration, session in
            try query.entries(of: administration.campus, in: session)
        }
        guard !json else { return Terminal.answer(JSON.array(entries.map(\.json)).text) }
        guard !entries.isEmpty else { return Terminal.say("There are none.") }
        for line in AuditQuery.table(entries).lines { Terminal.answer(line) }
        if entries.count == query.limit { Terminal.say("There may be more: a larger --limit shows them.") }
    }
}

/// Which acts to list.
struct AuditQuery: ParsableArguments {
    @Flag(help: "The requests that platform keys made in users' names instead.")
    var onBehalf = false

    @Option(help: "Only what was done at or after this time, for example 2026-03-01T00:00:00Z.", transform: Self.time)
    var since: Timestamp?

    @Option(help: "How many at most.")
    var limit = 100

    private static func time(_ text: String) throws -> Timestamp {
        guard let time = Timestamp(rfc3339: text) else { throw ValidationError("It is an RFC 3339 time.") }
        return time
    }

    func validate() throws {
        guard (1...10_000).contains(limit) else { throw ValidationError("--limit is 1 to 10000.") }
    }

    /// The acts, the newest first.
    func entries(of campus: CampusID, in session: borrowing Session) throws -> [AuditEntry] {
        try AuditStore().entries(of: campus, onBehalf: onBehalf, since: since, limit: limit, in: session)
    }

    /// The acts, a row for each.
    static func table(_ entries: [AuditEntry]) -> TextTable {
        var table = TextTable(["AT", "ACTOR", "ACTION", "SUBJECT", "KEY"])
        for entry in entries {
            let key = entry.detail["key_id"]?.string ?? "-"
            table.add([entry.at.rfc3339, entry.actor, entry.action, entry.subject, key])
        }
        return table
    }
}
