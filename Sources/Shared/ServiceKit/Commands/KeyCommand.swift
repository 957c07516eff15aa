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

    @OptionGroup var options: CampusOptions

    @Option(help: "What to call it, for example platform-backend: visible characters without spaces.")
    var name: String

    @Option(help: "What it may do; repeat for several. Everything in its campus but to administer it when not given.")
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
        let now = SystemWallClock().now()
        let terms = Administration.KeyTerms(
            name: name,
            scopes: Set(scope.isEmpty ? Scope.usual : scope.map(Scope.init)),
            expiresAt: days.map { now + .days($0) }
        )
        let secret = PlatformKeySecret()
        let key = try await OperatorSession<Definition>.administer(options) {
            try $0.issueKey(terms, secret: secret, in: $1)
        }
        Terminal.say("key \(key.id) for \(options.campus); it is shown this once:")
        Terminal.answer(secret.text)
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

    @OptionGroup var options: CampusOptions

    @Option(help: "The id of the key to replace, as key list shows it.")
    var id: KeyID

    @Option(help: "For how many hours the old key still holds.")
    var overlapHours = 24

    func validate() throws {
        guard (0...8_760).contains(overlapHours) else { throw ValidationError("--overlap-hours is 0 to 8760.") }
    }

    func run() async throws {
        let (id, overlap, secret) = (id, Duration.seconds(overlapHours * 3_600), PlatformKeySecret())
        let (new, old) = try await OperatorSession<Definition>.administer(options) {
            try $0.rotateKey(id, overlap: overlap, secret: secret, in: $1)
        }
        let end = old.expiresAt?.rfc3339 ?? "it is revoked"
        Terminal.say(
            "key \(new.id) for \(options.campus), in place of \(id), which holds until \(end); shown this once:"
        )
        Terminal.answer(secret.text)
    }
}

/// Ends a key.
struct RevokeKeyCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "revoke", abstract: "End a key; it holds for at most five seconds more.")
    }

    @OptionGroup var options: CampusOptions

    @Option(help: "The id of the key, as key list shows it.")
    var id: KeyID

    func run() async throws {
        let id = id
        _ = try await OperatorSession<Definition>.administer(options) { try $0.revokeKey(id, in: $1) }
        Terminal.say("key \(id) is revoked")
    }
}

/// Lists the keys of a campus, without their secrets.
struct ListKeysCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "list", abstract: "List the keys of a campus.")
    }

    @OptionGroup var options: CampusOptions

    func run() async throws {
        let keys = try await OperatorSession<Definition>.administer(options) { administration, session in
            try CredentialStore().platformKeys(of: administration.campus, limit: 10_000, in: session)
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
            Terminal.answer("\(key.id)  \(key.prefix)…  \(key.name)  \(state)  \(key.scopes.joined(separator: " "))")
        }
    }
}
