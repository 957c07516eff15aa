import ArgumentParser
import ServiceKit

/// `NotifyService serve | migrate | campus | key | token | …`.
@main
struct NotifyServiceCommand: AsyncParsableCommand {
    static let configuration = ServiceCommands<NotifyServiceDefinition>.configuration
}
