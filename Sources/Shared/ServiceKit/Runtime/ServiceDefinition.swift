import ArgumentParser
import EventLog
import Logging
import Model
import Postgres
import ServiceLifecycle

/// What a service is, beyond what all three share.
public protocol ServiceDefinition: Sendable {
    /// Its name in logs and in the database, for example `order_service`.
    static var name: String { get }
    /// Its name for people, for example `OrderService`.
    static var title: String { get }
    /// What it is for, in one sentence.
    static var summary: String { get }
    /// The stream it writes, which also names its tables.
    static var stream: EventStream { get }
    /// The port it listens on when nothing is set.
    static var defaultPort: Int { get }
    /// Its settings beyond the common ones.
    static var settings: [any DeclaredSetting] { get }
    /// Its problems beyond the edge's.
    static var problems: [ProblemKind] { get }
    /// What it logs beyond what all services do.
    static var events: [LoggedEvent] { get }
    /// Its commands beyond those that every service has.
    static var commands: [any ParsableCommand.Type] { get }

    /// Puts the service together.
    ///
    /// Must not use the database: it also runs where there is none, to print `openapi.json`.
    static func build(_ foundation: ServiceFoundation) async throws -> ServiceParts
}

extension ServiceDefinition {
    /// None.
    public static var settings: [any DeclaredSetting] { [] }
    /// None.
    public static var problems: [ProblemKind] { [] }
    /// None.
    public static var commands: [any ParsableCommand.Type] { [] }

    /// Values for the settings that have no default, good enough to describe the service without running it.
    static var settingsForDescription: [String: String] {
        var values: [String: String] = [:]
        for setting in allSettings where setting.standard == nil { values[setting.name] = setting.example }
        return values
    }

    /// Every kind of problem that the service answers with.
    static var catalogue: [ProblemKind] { ProblemKind.edge + problems }

    /// Every setting of the service.
    public static var allSettings: [any DeclaredSetting] { SharedSettings.all(port: defaultPort) + settings }
}

/// What a service is put together from.
public struct ServiceFoundation: Sendable {
    /// Its settings.
    public let configuration: ServiceConfiguration
    /// Its connections for requests and tasks.
    public let pool: ConnectionPool
    /// A few more for what must go on however many requests wait: ticks, consumer groups, tails, and looking for timers.
    public let background: ConnectionPool
    /// Its ear for the channels of all streams.
    public let listener: Listener
    /// To be told of commits that appended events.
    public let ticker: Ticker
    /// Campuses and their clocks.
    public let directory: CampusDirectory
    /// Its idempotency keys.
    public let idempotency: IdempotencyStore
    /// The machine's clock; campus time comes from ``directory``.
    public let clock: any WallClock
    /// Values for the `stats` line.
    public let gauges: Gauges
    /// Its logger.
    public let logger: Logger
}

/// What a service adds: operations, and what runs beside them.
public struct ServiceParts: Sendable {
    /// Its route table.
    public var operations: [Operation]
    /// What runs as long as the process, in the order of dependency: the last is stopped first.
    public var services: [any Service]
    /// Why the service cannot work although its database is in order; nil when it can.
    ///
    /// The reason is shown to whoever asks whether the service is ready.
    public var obstacle: @Sendable () async throws -> String?

    /// Operations and services.
    ///
    /// - Parameters:
    ///   - operations: its route table.
    ///   - services: what runs beside them.
    ///   - obstacle: why it cannot work although its database is in order.
    public init(
        operations: [Operation],
        services: [any Service] = [],
        obstacle: @escaping @Sendable () async throws -> String? = { nil }
    ) {
        self.operations = operations
        self.services = services
        self.obstacle = obstacle
    }
}
