import Configuration
import Model
import SystemPackage

/// The settings of a process, all of them read and checked before anything starts.
public struct ServiceConfiguration: Sendable {
    private let values: [String: any Sendable]

    /// The value of a setting.
    ///
    /// - Throws: ``UndeclaredSetting`` when the process does not declare it, which is a fault of the program.
    public subscript<Value>(_ setting: Setting<Value>) -> Value {
        get throws {
            guard let value = values[setting.name] as? Value else { throw UndeclaredSetting(name: setting.name) }
            return value
        }
    }

    /// Reads and checks every setting.
    ///
    /// - Parameters:
    ///   - settings: those that the process declares.
    ///   - reader: where they are read from.
    /// - Throws: ``ConfigurationFaults`` with every fault at once.
    public init(_ settings: [any DeclaredSetting], from reader: ConfigReader) throws(ConfigurationFaults) {
        var values: [String: any Sendable] = [:]
        var faults: [String] = []
        for setting in settings {
            let key = ConfigKey(Self.components(of: setting.name))
            guard let text = reader.string(forKey: key, isSecret: setting.isSecret) ?? setting.standard else {
                faults.append("\(setting.name) is not set and has no default. \(setting.meaning)")
                continue
            }
            if let value = setting.parsed(text) {
                values[setting.name] = value
            } else {
                // The value is quoted only when it cannot be a secret put in the wrong place.
                let quoted = setting.isSecret || text.utf8.count > 32 ? "what is set" : "\"\(text)\""
                faults.append("\(setting.name) cannot be \(quoted). \(setting.meaning) Allowed: \(setting.allowed).")
            }
        }
        guard faults.isEmpty else { throw ConfigurationFaults(faults: faults) }
        self.values = values
    }

    /// Reads settings from the command line's `NAME=VALUE` pairs, the environment and the file `.env`, in this order.
    ///
    /// - Throws: ``ConfigurationFaults`` with every fault at once, unknown names on the command line included.
    public init(_ settings: [any DeclaredSetting], overrides: [String]) async throws {
        var values: [AbsoluteConfigKey: ConfigValue] = [:]
        var faults: [String] = []
        for pair in overrides {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, settings.contains(where: { $0.name == parts[0] }) else {
                faults.append("--set \(parts[0]) does not name a setting as NAME=VALUE; --help lists them.")
                continue
            }
            values[AbsoluteConfigKey(Self.components(of: String(parts[0])))] = ConfigValue(
                .string(String(parts[1])),
                isSecret: true
            )
        }
        guard faults.isEmpty else { throw ConfigurationFaults(faults: faults) }
        let reader = ConfigReader(providers: [
            InMemoryProvider(values: values),
            EnvironmentVariablesProvider(),
            try await EnvironmentVariablesProvider(environmentFilePath: ".env", allowMissing: true),
        ])
        try self.init(settings, from: reader)
    }

    /// Settings from these values alone, for tests.
    public init(_ settings: [any DeclaredSetting], values: [String: String]) throws(ConfigurationFaults) {
        let entries = values.map { name, value in
            (AbsoluteConfigKey(Self.components(of: name)), ConfigValue(.string(value), isSecret: true))
        }
        let provider = InMemoryProvider(values: Dictionary(entries) { _, last in last })
        try self.init(settings, from: ConfigReader(provider: provider))
    }

    private static func components(of name: String) -> [String] {
        name.lowercased().split(separator: "_").map(String.init)
    }
}

/// Everything wrong with a process's settings.
public struct ConfigurationFaults: SafelyDescribedError {
    /// One sentence or two for each, saying what to do.
    public let faults: [String]

    /// All of them, a line each.
    public var description: String {
        (["The configuration has faults:"] + faults.map { "  - \($0)" }).joined(separator: "\n")
    }
}

/// A setting was asked for that the process does not declare.
public struct UndeclaredSetting: SafelyDescribedError {
    let name: String

    /// Which one.
    public var description: String { "the setting \(name) is not declared" }
}
