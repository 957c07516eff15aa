import ArgumentParser
import ServiceKit

/// `OrderService serve | migrate | campus | key | token | …`
@main
struct OrderServiceCommand: AsyncParsableCommand {
    static let configuration = ServiceCommands<OrderServiceDefinition>.configuration
}
