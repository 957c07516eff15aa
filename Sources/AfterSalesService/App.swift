import ArgumentParser
import ServiceKit

/// Cases, decisions and refunds; see `AfterSalesService --help`.
@main
struct App: AsyncParsableCommand {
    static let configuration = ServiceCommands<AfterSales>.configuration
}
