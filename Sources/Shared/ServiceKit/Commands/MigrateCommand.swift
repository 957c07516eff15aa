import ArgumentParser
import Schema

/// Brings the database to this version of the schema.
struct MigrateCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "migrate",
            abstract: "Bring the database to this version of the schema.",
            discussion: """
                Safe to run when there is nothing to do, and by several at once. The first time it needs a superuser or a login with \
                CREATEROLE. Sets the password of each service's login from ORDER_SERVICE_PASSWORD, AFTER_SALES_SERVICE_PASSWORD, \
                NOTIFY_SERVICE_PASSWORD and CAMPUS_MIGRATOR_PASSWORD when they are set.
                """
        )
    }

    @OptionGroup var options: SettingOptions

    func run() async throws {
        try await CommandFailure.explained {
            let (connection, log) = try await OperatorSession<Definition>.connection(options)
            defer { log.sink.flush() }
            let applied = try await Migrator(connection, logger: log.logger).run(passwords: RolePasswords.environment())
            for migration in applied { Terminal.say("applied \(migration.version) \(migration.name)") }
            Terminal.say("schema is at version \(Schema.version)")
        }
    }
}
