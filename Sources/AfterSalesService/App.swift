import ArgumentParser
import ServiceKit

/// Cases, decisions and refunds; see `AfterSalesService --help`.
@main
struct App: AsyncParsableCommand {
    static let configuration = ServiceCommands<AfterSales>.configuration

    /// Runs the command.
    ///
    /// A comparison that is asked for wrongly ends as one that could not be made, whose status scripts rely on.
    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch {
            guard CommandLine.arguments.dropFirst().first == ReconcileCommand.name,
                exitCode(for: error) == .validationFailure
            else { exit(withError: error) }
            Terminal.say(fullMessage(for: error))
            exit(withError: ReconcileCommand.notCompared)
        }
    }
}
