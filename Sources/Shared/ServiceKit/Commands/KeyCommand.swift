import ArgumentParser
import Model
import Postgres

/// Issues and ends platform keys.
struct KeyCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "key",
            abstract: "Issue, rotate, revoke and list platform keys.",
            subcommands: [
                IssueKeyCommand<Definition>.self, RotateKeyCommand<Definition>.self, RevokeKeyCommand<Definition>.self,
                ListKeysCommand<Definition>.self,
            ]
        )
    }
}

/// Issues a key and prints it, once.
struct IssueKeyCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "issue", abstract: "Issue a key and print it; it is shown this once.")
    }

    @OptionGroup var options: SettingOptions

    @Option(help: "The code of its campus.")
    var campus: String

    @Option(help: "What to call it, for example platform-backend: visible characters without spaces.")
    var name: String

    @Option(help: "What it may do; repeat for several. Everything but campus:admin when not given.")
    var scope: [String] = []

    @Option(help: "After how many days it ends; never when not given.")
    var days: Int?

    func validate() throws {
        if let unknown = scope.first(where: { !Scope.all.map(\.rawValue).contains($0) }) {
            let known = Scope.all.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("There is no scope \(unknown). The scopes are \(known).")
        }
        guard Actor.isValidID(name) else {
            throw ValidationError("A name has 1 to 64 visible characters and no spaces.")
        }
        if let days, !(1...3_650).contains(days) { throw ValidationError("--days is 1 to 3650.") }
    }

    func run() async throws {
        try await OperatorSession<Definition>.run(options) { operating in
            let now = SystemWallClock().now()
            let terms = Administration.KeyTerms(
                name: name,
                scopes: Set(scope.isEmpty ? Scope.usual : scope.map(Scope.init)),
                expiresAt: days.map { now + .seconds($0 * 86_400) }
            )
            let code = campus
            let secret = PlatformKeySecret()
            let key = try await operating.pool.transaction { session in
                let campus = try operating.campus(code, in: session)
                return try operating.administration(of: campus).issueKey(terms, secret: secret, in: session)
            }
            Terminal.say("key \(key.id) for \(code); it is shown this once:")
            Terminal.answer(secret.text)
        }
    }
}

/// Issues a key in place of another, which ends a while later.
struct RotateKeyCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "rotate",
            abstract: "Issue a key with the name and scopes of another, which ends a while later."
        )
    }

    @OptionGroup var options: SettingOptions

    @Option(help: "The code of its campus.")
    var campus: String

    @Option(help: "The id of the key to replace, as key list shows it.")
    var id: String

    @Option(help: "For how many hours the old key still holds.")
    var overlapHours = 24

    func validate() throws {
        guard KeyID(id) != nil else { throw ValidationError("--id is not a key's id; key list shows them.") }
        guard (0...8_760).contains(overlapHours) else { throw ValidationError("--overlap-hours is 0 to 8760.") }
    }

    func run() async throws {
        try await OperatorSession<Definition>.run(options) { operating in
            let code = campus
            guard let old = KeyID(id) else { return }
            let overlap = Duration.seconds(overlapHours * 3_600)
            let secret = PlatformKeySecret()
            let rotated = try await operating.pool.transaction { session in
                let campus = try operating.campus(code, in: session)
                return try operating.administration(of: campus)
                    .rotateKey(old, overlap: overlap, secret: secret, in: session)
            }
            let end = rotated.old.expiresAt?.rfc3339 ?? "it is revoked"
            Terminal.say(
                "key \(rotated.new.id) for \(code), in place of \(old), which holds until \(end); shown this once:"
            )
            Terminal.answer(secret.text)
        }
    }
}

/// Ends a key.
struct RevokeKeyCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "revoke", abstract: "End a key; it holds for at most five seconds more.")
    }

    @OptionGroup var options: SettingOptions

    @Option(help: "The code of its campus.")
    var campus: String

    @Option(help: "The id of the key, as key list shows it.")
    var id: String

    func validate() throws {
        guard KeyID(id) != nil else { throw ValidationError("--id is not a key's id; key list shows them.") }
    }

    func run() async throws {
        try await OperatorSession<Definition>.run(options) { operating in
            let code = campus
            guard let key = KeyID(id) else { return }
            _ = try await operating.pool.transaction { session in
                try operating.administration(of: operating.campus(code, in: session)).revokeKey(key, in: session)
            }
            Terminal.say("key \(key) is revoked")
        }
    }
}

/// Lists the keys of a campus, without their secrets.
struct ListKeysCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "list", abstract: "List the keys of a campus.")
    }

    @OptionGroup var options: SettingOptions

    @Option(help: "The code of the campus.")
    var campus: String

    func run() async throws {
        try await OperatorSession<Definition>.run(options) { operating in
            let code = campus
            let keys = try await operating.pool.transaction { session in
                let campus = try operating.campus(code, in: session)
                return try CredentialStore().platformKeys(of: campus.id, limit: 10_000, in: session)
            }
            let now = SystemWallClock().now()
            for key in keys {
                let state: String
                if let revoked = key.revokedAt {
                    state = "revoked \(revoked)"
                } else if let expires = key.expiresAt {
                    state = expires <= now ? "expired \(expires)" : "holds until \(expires)"
                } else {
                    state = "holds"
                }
                Terminal.answer(
                    "\(key.id)  \(key.prefix)…  \(key.name)  \(state)  \(key.scopes.joined(separator: " "))"
                )
            }
        }
    }
}
