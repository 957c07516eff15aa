import ArgumentParser
import Model

/// Prints the service's error catalogue, from which the documentation's is made.
struct ProblemsCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "problems", abstract: "Print the error catalogue as JSON; needs no database.")
    }

    func run() async throws {
        Terminal.answer(JSON.array(Definition.catalogue.map(\.json)).text)
    }
}

extension ProblemKind {
    /// The catalogue's entry, in both languages.
    var json: JSON {
        [
            "code": .string(code), "status": .integer(Int64(status)),
            "title": ["zh-CN": .optional(chinese?.title), "en": .string(title)],
            "meaning": ["zh-CN": .optional(chinese?.meaning), "en": .string(meaning)],
        ]
    }
}
