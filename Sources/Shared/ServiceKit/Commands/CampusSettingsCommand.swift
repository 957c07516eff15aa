import ArgumentParser
import Model
import Postgres

/// Lists campuses.
struct ListCampusesCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "list", abstract: "List all campuses.")
    }

    @OptionGroup var options: SettingOptions

    func run() async throws {
        try await OperatorSession<Definition>.run(options) { operating in
            let campuses = try await operating.pool.transaction { try CampusStore().campuses(limit: 10_000, in: $0) }
            var table = TextTable(["CODE", "NAME", "TIMEZONE", "KIND", "ID"])
            for campus in campuses {
                table.add([
                    campus.code, campus.name, campus.timezone, campus.isTest ? "test" : "live", campus.id.description,
                ])
            }
            for line in table.lines { Terminal.answer(line) }
        }
    }
}

/// Shows a campus with its settings.
struct ShowCampusCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "show", abstract: "Show a campus and all its settings as JSON.")
    }

    @OptionGroup var options: CampusOptions

    func run() async throws {
        let campus = try await OperatorSession<Definition>.administer(options) { administration, session in
            try Administration.campus(administration.campus, in: session)
        }
        Terminal.answer(campus.json.text)
    }
}

/// Reads and changes what a campus sets for itself.
struct CampusSettingsCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "settings",
            abstract: "Read and change what a campus sets for itself.",
            subcommands: [GetSettingsCommand<Definition>.self, SetSettingsCommand<Definition>.self]
        )
    }
}

/// Prints settings.
struct GetSettingsCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "get", abstract: "Print the settings as JSON, defaults included.")
    }

    @OptionGroup var options: CampusOptions

    func run() async throws {
        let campus = try await OperatorSession<Definition>.administer(options) { administration, session in
            try Administration.campus(administration.campus, in: session)
        }
        Terminal.answer((campus.json["settings"] ?? .null).text)
    }
}

/// Replaces settings.
struct SetSettingsCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "set",
            abstract: "Replace the settings; every service follows within five seconds.",
            discussion: "What is not in them has its default: begin with what settings get prints."
        )
    }

    @OptionGroup var options: CampusOptions

    @Option(help: "The settings as JSON, or @ and the name of a file; unchanged when not given.")
    var settings: String?

    @Option(help: "What to call it; unchanged when not given.")
    var name: String?

    @Option(help: "Its timezone in the IANA database; unchanged when not given.")
    var timezone: String?

    func run() async throws {
        let given = try settings.map { try SettingsText($0).json }
        let (name, timezone) = (name, timezone)
        let changed = try await OperatorSession<Definition>.administer(options) { administration, session in
            let campus = try Administration.campus(administration.campus, in: session)
            let terms = Administration.CampusTerms(
                name: name ?? campus.name,
                timezone: timezone ?? campus.timezone,
                settings: given ?? campus.settings
            )
            return try administration.changeCampus(to: terms, check: { _ in }, in: session)
        }
        Terminal.say("the settings of \(options.campus) are changed")
        Terminal.answer((changed.json["settings"] ?? .null).text)
    }
}

/// Settings as an option gives them: JSON, or `@` and the name of a file that has it.
struct SettingsText {
    /// What was read, whatever it says.
    let json: JSON

    init(_ option: String) throws {
        let text = option.hasPrefix("@") ? try TextFile(String(option.dropFirst())).text : option
        do {
            json = try JSON(parsing: text)
        } catch {
            throw CommandFailure("--settings is not JSON: \(error.description).")
        }
    }
}
