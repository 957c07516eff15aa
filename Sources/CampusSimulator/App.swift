import ArgumentParser

/// Plays the people of a campus on running services.
@main
struct App: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "CampusSimulator",
        abstract: "Plays students, merchants, riders, an agent, a till and a webhook receiver on a running campus.",
        subcommands: [DemoCommand.self, LoadCommand.self],
        defaultSubcommand: DemoCommand.self
    )
}
