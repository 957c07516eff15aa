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

    @Option(help: "What it may do; repeat for several. All scopes when not given.")
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
            let scopes = scope.isEmpty ? Set(Scope.all) : Set(scope.map(Scope.init))
            let expiresAt = days.map { now + .seconds($0 * 86_400) }
            let (code, name) = (campus, name)
            let (key, secret) = try await operating.pool.transaction { session in
                let campus = try operating.campus(code, in: session)
                return try KeyIssue(campus: campus.id, name: name, scopes: scopes, expiresAt: expiresAt)
                    .perform(action: "key.issued", OperatorSession<Definition>.operatorActor, in: session)
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
            let until = SystemWallClock().now() + .seconds(overlapHours * 3_600)
            guard let old = KeyID(id) else { return }
            let (key, secret) = try await operating.pool.transaction { session in
                let campus = try operating.campus(code, in: session)
                guard let replaced = try CredentialStore().platformKey(old, of: campus.id, in: session),
                    try CredentialStore().expire(old, of: campus.id, at: until, in: session)
                else { throw CommandFailure("There is no such key that still holds.") }
                let issue = KeyIssue(
                    campus: campus.id,
                    name: replaced.name,
                    scopes: Set(replaced.scopes.map(Scope.init)),
                    expiresAt: nil
                )
                return try issue.perform(action: "key.rotated", OperatorSession<Definition>.operatorActor, in: session)
            }
            Terminal.say("key \(key.id) for \(code), in place of \(old), which holds until \(until); shown this once:")
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
            try await operating.pool.transaction { session in
                let campus = try operating.campus(code, in: session)
                guard try CredentialStore().revoke(key, of: campus.id, in: session) else {
                    throw CommandFailure("There is no such key that still holds.")
                }
                try CredentialStore().audit(
                    "key.revoked",
                    subject: key.description,
                    campus: campus.id,
                    actor: OperatorSession<Definition>.operatorActor,
                    in: session
                )
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
                try CredentialStore().platformKeys(of: operating.campus(code, in: session).id, in: session)
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

/// A key to be issued.
struct KeyIssue: Sendable {
    let campus: CampusID
    let name: String
    let scopes: Set<Scope>
    let expiresAt: Timestamp?

    /// Stores a new key and notes who issued it; the secret is nowhere but in the answer.
    func perform(
        action: String,
        _ actor: Actor,
        in session: borrowing Session
    ) throws -> (key: PlatformKey, secret: PlatformKeySecret) {
        var generator = SystemRandomNumberGenerator()
        let secret = PlatformKeySecret(using: &generator)
        let key = PlatformKey(
            id: KeyID.make(at: SystemWallClock().now(), using: &generator),
            campus: campus,
            name: name,
            scopes: scopes,
            expiresAt: expiresAt,
            revokedAt: nil
        )
        try CredentialStore().insert(key, secret: secret, in: session)
        try CredentialStore().audit(action, subject: key.id.description, campus: campus, actor: actor, in: session)
        return (key, secret)
    }
}
