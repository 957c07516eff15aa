import EventLog
import Hummingbird
import HummingbirdCore
import Logging
import Model
import NIOCore
import Postgres
import Schema
import ServiceLifecycle

/// A whole service, put together and not yet running.
///
/// The application carries everything that runs, in this order: pools, listener, ticker, upkeep, the service's own workers, statistics, and
/// last the HTTP server. It stops in reverse: no new requests, those in hand finish, streams say farewell, workers release their
/// leases, and the pools close.
public struct ServiceRuntime: Sendable {
    /// The application, for a service group or for Hummingbird's test clients.
    public let application: Application<Edge>
    /// What the service was put together from.
    public let foundation: ServiceFoundation
    /// The description that `/openapi.json` answers with.
    public let document: OpenAPIDocument

    /// Puts a service together.
    ///
    /// Nothing is connected before the application runs.
    ///
    /// - `definition`: which service.
    /// - `configuration`: its settings.
    /// - `clock`: the machine's clock.
    /// - `logger`: for everything in the process.
    /// - `onListening`: told the port once requests are accepted.
    public init<Definition: ServiceDefinition>(
        _ definition: Definition.Type,
        configuration: ServiceConfiguration,
        clock: any WallClock = SystemWallClock(),
        logger: Logger,
        onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) async throws {
        let foundation = try Self.foundation(definition, configuration, clock, logger)
        let parts = try await definition.build(foundation)
        let streams = OpenStreams()
        let operations = Self.operations(definition, parts, foundation)
        let statistics = RequestStatistics(routes: operations.map { "\($0.method.rawValue) \($0.path)" })
        let edge = try Edge(
            operations: operations,
            authenticator: Authenticator(
                directory: foundation.directory,
                clock: clock,
                strangers: try RateLimit(configuration[.strangerRateLimit])
            ),
            limiter: RateLimiter(try RateLimiter.Limits(configuration)),
            directory: foundation.directory,
            statistics: statistics,
            streams: streams,
            logger: logger
        )
        foundation.gauges.register("open_streams") { .integer(streams.count) }
        let reporter = StatisticsReporter(
            requests: statistics,
            gauges: foundation.gauges,
            interval: try configuration[.statsInterval],
            logger: logger
        )
        let shared: [any Service] = [
            foundation.pool, foundation.background, foundation.listener, foundation.ticker,
            UpkeepService(
                pool: foundation.background,
                retention: try configuration[.eventRetention],
                logger: logger
            ),
            foundation.directory.keySetDemand,
        ]
        let purge = IdempotencyPurge(store: foundation.idempotency, pool: foundation.pool, logger: logger)
        self.foundation = foundation
        document = Self.document(definition, operations)
        application = Application(
            responder: edge,
            server: try Self.server(configuration, operations),
            configuration: ApplicationConfiguration(
                address: .hostname(try configuration[.httpHost], port: try configuration[.httpPort]),
                backlog: 1_024,
                availableConnectionsDelegate: .maximum(try configuration[.httpConnections], logger: logger)
            ),
            services: shared + [purge] + parts.services + [reporter],
            onServerRunning: { channel in
                let port = channel.localAddress?.port ?? 0
                logger.record(
                    .serviceListening,
                    [.address: .string(channel.localAddress?.ipAddress ?? ""), .port: .integer(port)]
                )
                await onListening(port)
            },
            logger: logger
        )
    }

    private static func foundation<Definition: ServiceDefinition>(
        _ definition: Definition.Type,
        _ configuration: ServiceConfiguration,
        _ clock: any WallClock,
        _ logger: Logger
    ) throws -> ServiceFoundation {
        var database = try ConnectionConfiguration(url: try configuration[.databaseURL])
        database.applicationName = definition.name
        let pool = ConnectionPool(
            database,
            pool: PoolConfiguration(
                size: try configuration[.databasePoolSize],
                waitTimeout: try configuration[.databaseWait]
            ),
            logger: logger
        )
        let background = ConnectionPool(
            database,
            pool: PoolConfiguration(
                size: try configuration[.databaseBackgroundPoolSize],
                waitTimeout: Self.backgroundWait
            ),
            logger: logger
        )
        let gauges = Gauges()
        for (name, pool) in [("pool", pool), ("background_pool", background)] {
            gauges.register(name) {
                let usage = pool.usage
                return .dictionary([
                    "open": .integer(usage.open), "in_use": .integer(usage.inUse), "waiting": .integer(usage.waiting),
                ])
            }
        }
        return ServiceFoundation(
            configuration: configuration,
            pool: pool,
            background: background,
            listener: try Listener(database, channels: EventStream.allCases.map(\.rawValue), logger: logger),
            ticker: Ticker(pool: background, logger: logger),
            directory: CampusDirectory(pool: pool, clock: clock, logger: logger),
            idempotency: IdempotencyStore(owner: definition.stream),
            clock: clock,
            gauges: gauges,
            logger: logger
        )
    }

    /// Nobody waits for an answer there, and leases are longer.
    private static let backgroundWait = Duration.seconds(5)

    private static func operations<Definition: ServiceDefinition>(
        _ definition: Definition.Type,
        _ parts: ServiceParts,
        _ foundation: ServiceFoundation
    ) -> [Operation] {
        let shared = SharedOperations(
            isReady: {
                guard let reason = try await Readiness(pool: foundation.pool).reason() else {
                    return try await parts.obstacle()
                }
                return reason
            },
            catalogue: definition.catalogue
        )
        let operations = parts.operations + shared.operations
        let describe = SharedOperations.document(
            { document(definition, $0).json.serialized() },
            of: operations
        )
        return operations + [describe]
    }

    private static func document<Definition: ServiceDefinition>(
        _ definition: Definition.Type,
        _ operations: [Operation]
    ) -> OpenAPIDocument {
        OpenAPIDocument(
            title: definition.title,
            summary: definition.summary,
            version: ServiceVersion.current,
            operations: operations
        )
    }

    private static func server(
        _ configuration: ServiceConfiguration,
        _ operations: [Operation]
    ) throws -> HTTPServerBuilder {
        let streamed = StreamedBodies(operations)
        let bodyTimeout = try TimeAmount(configuration[.httpBodyTimeout])
        let idleTimeout = try TimeAmount(configuration[.httpIdleTimeout])
        return .http1(
            configuration: HTTP1Channel.Configuration(
                additionalChannelHandlers: [
                    ConnectionGuard(bodyTimeout: bodyTimeout, isStreamed: streamed.contains)
                ],
                idleTimeout: idleTimeout,
                httpDecoderConfiguration: HTTP1Channel.Configuration.DecoderConfiguration(
                    maxHeaderFieldSize: 16_384,
                    maxHeaderListSize: 32_768,
                    maxHeaderFieldCount: 100
                )
            )
        )
    }
}

/// The version of the services, one for all three.
public enum ServiceVersion {
    /// The present one.
    public static let current = "1.0.0"
}
