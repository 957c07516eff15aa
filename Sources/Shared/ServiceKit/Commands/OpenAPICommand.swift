import ArgumentParser
import Logging
import Model

/// Prints what `/openapi.json` answers with.
struct OpenAPICommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "openapi", abstract: "Print the OpenAPI document; needs no database.")
    }

    func run() async throws {
        try await CommandFailure.explained {
            let log = ServiceLog(service: Definition.name, level: .error, format: .text, descriptor: 2)
            let configuration = try ServiceConfiguration(
                Definition.allSettings,
                values: Definition.settingsForDescription
            )
            let runtime = try await ServiceRuntime(Definition.self, configuration: configuration, logger: log.logger)
            Terminal.answer(runtime.document.json.text)
        }
    }
}
