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
            let settings = try parsedSettings()
            let campus = StoredCampus(
                id: CampusID.make(at: SystemWallClock().now()),
                code: code,
                name: name,
                timezone: timezone,
                isTest: test,
                settings: settings
            )
            let id = try await create(campus, operating.pool)
            Terminal.answer(id.description)
        }
    }

    private func create(_ campus: StoredCampus, _ pool: ConnectionPool) async throws -> CampusID {
        let acceptsExisting = ifMissing
        do {
            return try await pool.transaction { session in
                if let existing = try CampusStore().campus(code: campus.code, in: session) {
                    guard acceptsExisting else { throw CommandFailure("The campus \(campus.code) exists already.") }
                    return existing.id
                }
                try CampusStore().insert(campus, in: session)
                try AuditStore().note(
                    "campus.created",
                    subject: campus.code,
                    campus: campus.id,
                    actor: OperatorSession<Definition>.operatorActor,
                    detail: ["before": .null, "after": campus.json],
                    in: session
                )
                return campus.id
            }
        } catch let error as PostgresError where error.sqlState == .checkViolation {
            throw CommandFailure("The code, the name or the timezone is not one the database accepts.")
        }
    }

    private func parsedSettings() throws -> JSON {
        let json = try SettingsText(settings).json
        _ = try CampusSettings(json: json)
        return json
    }
}
