import ArgumentParser
import Model
import Postgres

/// The campus that a command is about, and how settings are given.
struct CampusOptions: ParsableArguments {
    @OptionGroup var settings: SettingOptions

    @Option(help: "The code of the campus.")
    var campus: String
}

extension OperatorSession {
    /// Runs `body` in one transaction, on the campus that the options name, as its administrator.
    static func administer<Value: Sendable>(
        _ options: CampusOptions,
        _ body: @Sendable (Administration, borrowing Session) throws -> Value
    ) async throws -> Value {
        let code = options.campus
        return try await run(options.settings) { operating in
            try await operating.pool.transaction { session in
                try body(operating.administration(of: operating.campus(code, in: session)), session)
            }
        }
    }
}

// Ids are given as they are shown.
extension ID: ExpressibleByArgument {}
