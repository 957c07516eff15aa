import ArgumentParser
import ServiceKit

/// The executable: `serve` and the operators' commands.
@main
struct OrderServiceCommand: AsyncParsableCommand {
    static let configuration = ServiceCommands<OrderServiceDefinition>.configuration
}
