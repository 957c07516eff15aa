import ArgumentParser
import Model
import Postgres

/// Sets up campuses.
struct CampusCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "campus",
            abstract: "Set up campuses.",
            subcommands: [
                CreateCampusCommand<Definition>.self, ListCampusesCommand<Definition>.self,
                ShowCampusCommand<Definition>.self, CampusSettingsCommand<Definition>.self,
            ]
        )
    }
}

/// Creates a campus and prints its id.
struct CreateCampusCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "create", abstract: "Create a campus and print its id.")
    }

    @OptionGroup var options: SettingOptions

    @Option(help: "Its short name: lower-case letters, digits, - and _.")
    var code: String

    @Option(help: "Its name for people.")
    var name: String

    @Option(help: "Its timezone in the IANA database.")
    var timezone = "Asia/Shanghai"

    @Option(help: "Settings as JSON, or @ and the name of a file; what is not there has its default.")
    var settings = "{}"

    @Flag(help: "A test campus: its clock can be advanced and its money is play money.")
    var test = false

    @Flag(help: "Succeed, and print the id, when the campus exists already.")
    var ifMissing = false

    func run() async throws {
        try await OperatorSession<Definition>.run(options) { operating in
            let new = Administration.NewCampus(
                code: code,
                isTest: test,
                terms: Administration.CampusTerms(
                    name: name,
                    timezone: timezone,
                    settings: try SettingsText(settings).json
                )
            )
            let acceptsExisting = ifMissing
            let id = try await operating.pool.transaction { session in
                if acceptsExisting, let existing = try CampusStore().campus(code: new.code, in: session) {
                    return existing.id
                }
                let now = SystemWallClock().now()
                return try Administration.createCampus(new, by: operating.administrator, at: now, in: session).id
            }
            Terminal.answer(id.description)
        }
    }
}
