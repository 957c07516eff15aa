import ArgumentParser
import Logging
import Postgres
import Schema
import ServiceLifecycle
import UnixSignals

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// Runs the service until SIGTERM or SIGINT.
struct ServeCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "serve", abstract: "Run the service until SIGTERM or Ctrl-C.")
    }

    @OptionGroup var options: SettingOptions

    func run() async throws {
        try await CommandFailure.explained {
            let configuration = try await ServiceConfiguration(Definition.allSettings, overrides: options.overrides)
            let log = ServiceLog(
                service: Definition.name,
                level: try configuration[.logLevel],
                format: try configuration[.logFormat],
                isColoured: isatty(1) == 1
            )
            LoggingSystem.bootstrap { _ in log.handler }
            defer { log.sink.flush() }
            do {
                try await serve(configuration, log.logger)
                log.logger.record(.serviceStopped)
            } catch {
                log.logger.record(.serviceFailed, error: error)
                throw error
            }
        }
    }

    private func serve(_ configuration: ServiceConfiguration, _ logger: Logger) async throws {
        let runtime = try await ServiceRuntime(Definition.self, configuration: configuration, logger: logger)
        logger.record(.serviceStarting, [.version: .string(ServiceVersion.current)])
        try await refuseWrongSchema(runtime.foundation.pool)
        var group = ServiceGroupConfiguration(
            services: [runtime.application],
            gracefulShutdownSignals: [.sigterm, .sigint],
            logger: logger
        )
        let limit = try configuration[.shutdownTimeout]
        group.maximumGracefulShutdownDuration = limit
        // Cancelled tasks end at once; what does not is a fault, and the process must end all the same.
        group.maximumCancellationDuration = .seconds(1)
        try await ServiceGroup(configuration: group).run()
    }

    /// Ends the process when the database is there and its schema is not one that this program works with.
    ///
    /// A database that is not there is waited for: the process lives, and is not ready.
    private func refuseWrongSchema(_ pool: ConnectionPool) async throws {
        do {
            try await Schema.check(pool)
        } catch is PostgresError {
            return
        }
    }
}
