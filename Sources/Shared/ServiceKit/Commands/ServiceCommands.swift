import ArgumentParser
import Logging
import Model
import Postgres

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// The commands of a service's executable.
///
/// ```swift
/// @main struct OrderServiceCommand: AsyncParsableCommand {
///     static let configuration = ServiceCommands<OrderService>.configuration
/// }
/// ```
public enum ServiceCommands<Definition: ServiceDefinition> {
    /// The root command: `serve` when no subcommand is named.
    public static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Definition.title,
            abstract: Definition.summary,
            discussion: SettingsHelp(Definition.allSettings + OperatorSettings.all).text,
            version: ServiceVersion.current,
            subcommands: [
                ServeCommand<Definition>.self, MigrateCommand<Definition>.self, CampusCommand<Definition>.self,
                KeyCommand<Definition>.self, VerificationKeyCommand<Definition>.self, TokenCommand<Definition>.self,
                AuditCommand<Definition>.self, TasksCommand<Definition>.self, EventsCommand<Definition>.self,
                OpenAPICommand<Definition>.self, ProblemsCommand<Definition>.self,
            ] + Definition.commands,
            defaultSubcommand: ServeCommand<Definition>.self
        )
    }
}

/// The settings as `--help` lists them.
struct SettingsHelp {
    private let settings: [any DeclaredSetting]

    init(_ settings: [any DeclaredSetting]) {
        self.settings = settings
    }

    var text: String {
        let lines = settings.map { setting in
            let standard = setting.standard.map { $0.isEmpty ? "optional" : "default \($0)" } ?? "required"
            return "  \(setting.name)  (\(setting.allowed); \(standard))\n      \(setting.meaning)"
        }
        return "Settings, from the environment, from .env, or as --set NAME=VALUE:\n\n" + lines.joined(separator: "\n")
    }
}

/// How settings are given on the command line.
package struct SettingOptions: ParsableArguments {
    @Option(name: .customLong("set"), help: ArgumentHelp("Override a setting.", valueName: "NAME=VALUE"))
    package var overrides: [String] = []

    /// None overridden.
    package init() {}
}

/// What the commands of operators share: a database, as a login that may change its objects.
package struct OperatorSession<Definition: ServiceDefinition> {
    /// Its one connection.
    package let pool: ConnectionPool
    /// Writes to standard error, for people.
    package let logger: Logger

    /// Runs `body` with a connection to the database that the settings name.
    package static func run<Value: Sendable>(
        _ options: SettingOptions,
        _ body: (OperatorSession) async throws -> Value
    ) async throws -> Value {
        try await CommandFailure.explained {
            let (connection, log) = try await connection(options)
            defer { log.sink.flush() }
            let logger = log.logger
            let pool = ConnectionPool(
                connection,
                pool: PoolConfiguration(size: 1, waitTimeout: .seconds(10)),
                logger: logger
            )
            do {
                let value = try await body(OperatorSession(pool: pool, logger: logger))
                await pool.shutdown()
                return value
            } catch {
                await pool.shutdown()
                throw error
            }
        }
    }

    /// Where the settings say the database is, and a log on standard error, to be flushed at the end.
    static func connection(_ options: SettingOptions) async throws -> (ConnectionConfiguration, ServiceLog) {
        let optional = Setting<String?>.optionalText("DATABASE_URL", secret: true, Setting.databaseURL.meaning)
        let configuration = try await ServiceConfiguration(
            [optional] + OperatorSettings.all
                + [Setting.logLevel.defaulting(to: "notice"), Setting.logFormat.defaulting(to: "text")],
            overrides: options.overrides
        )
        guard let url = try configuration[OperatorSettings.migrationDatabaseURL] ?? configuration[optional] else {
            throw ConfigurationFaults(faults: [
                "MIGRATION_DATABASE_URL is not set, nor is DATABASE_URL. Set one of them."
            ])
        }
        let log = ServiceLog(
            service: Definition.name,
            level: try configuration[.logLevel],
            format: try configuration[.logFormat],
            descriptor: 2,
            isColoured: isatty(2) == 1
        )
        var connection = try ConnectionConfiguration(url: url)
        connection.applicationName = "\(Definition.name) command"
        return (connection, log)
    }

    /// The campus of that code.
    func campus(_ code: String, in session: borrowing Session) throws -> StoredCampus {
        guard let campus = try CampusStore().campus(code: code, in: session) else {
            throw CommandFailure("There is no campus \(code). Create it with: campus create --code \(code) --name …")
        }
        return campus
    }

    /// Who operates, whom no scope binds.
    var administrator: Administrator { Administrator(operator: Self.operatorActor) }

    /// What the operator does to a campus, noted as the operator's.
    func administration(of campus: StoredCampus) -> Administration {
        Administration(of: campus.id, by: administrator, at: SystemWallClock().now())
    }

    /// Who operates, for the audit: the account of the operating system.
    static var operatorActor: Actor {
        let name = getenv("USER").map { String(cString: $0) } ?? "uid-\(getuid())"
        return Actor(role: .admin, id: Actor.isValidID("cli:\(name)") ? "cli:\(name)" : "cli")
    }
}

/// What went wrong in a command, in words that say what to do.
package struct CommandFailure: SafelyDescribedError {
    /// What went wrong, and what to do about it.
    package let description: String

    /// With these words.
    package init(_ description: String) {
        self.description = description
    }

    /// Runs `body`; what it throws is said on standard error, without values or secrets, and ends the process with 1.
    static func explained<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let problem as Problem {
            let faults = problem.faults.map { "\n  - \($0.pointer) \($0.detail)" }
            throw ValidationFailure(problem.detail + faults.joined())
        } catch let error as any SafelyDescribedError {
            throw ValidationFailure(error.description)
        }
    }
}

/// Ends the process with a message and without usage.
private struct ValidationFailure: SafelyDescribedError {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Writes what a command answers: to standard output what scripts read, to standard error what people read.
package enum Terminal {
    /// A line that scripts read.
    package static func answer(_ line: String) {
        write(line, to: 1)
    }

    /// A line for people.
    package static func say(_ line: String) {
        write(line, to: 2)
    }

    private static func write(_ line: String, to descriptor: Int32) {
        let bytes = Array((line + "\n").utf8)
        var offset = 0
        while offset < bytes.count {
            let written = bytes[offset...].withUnsafeBytes { systemWrite(descriptor, $0) }
            if written < 0, errno != EINTR { return }
            offset += max(0, written)
        }
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    write(descriptor, bytes.baseAddress, bytes.count)
}
