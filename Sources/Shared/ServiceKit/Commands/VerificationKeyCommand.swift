import ArgumentParser
import FoundationEssentials
import Model
import Postgres

/// Sets up the keys that users' tokens are verified with.
struct VerificationKeyCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "verification-key",
            abstract: "Add, list and revoke the keys that users' tokens are verified with.",
            subcommands: [
                AddVerificationKeyCommand<Definition>.self, ImportJWKSCommand<Definition>.self,
                ListVerificationKeysCommand<Definition>.self, RevokeVerificationKeyCommand<Definition>.self,
                RevokeKeySetCommand<Definition>.self,
            ]
        )
    }
}

/// Adds a public key, or makes a shared secret.
struct AddVerificationKeyCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "add",
            abstract: "Add a public key, or a shared HS256 secret.",
            discussion: "With HS256 and no --secret-file a new secret is made and printed, once, in base64url."
        )
    }

    @OptionGroup var options: CampusOptions

    @Option(help: "Its name in token headers, unique in the campus.")
    var kid: String

    @Option(help: "HS256, RS256, ES256 or EdDSA: the one algorithm that the key is used with.")
    var algorithm = "HS256"

    @Option(help: "A file with the PEM public key.")
    var publicKey: String?

    @Option(help: "A file with the HS256 secret, at least 32 bytes in base64url.")
    var secretFile: String?

    @Flag(help: "Succeed when a key of that name exists already; nothing is printed then.")
    var ifMissing = false

    func validate() throws {
        guard let algorithm = VerificationKey.Algorithm(rawValue: algorithm) else {
            throw ValidationError("--algorithm is HS256, RS256, ES256 or EdDSA.")
        }
        guard (algorithm == .hs256) == (publicKey == nil), algorithm == .hs256 || secretFile == nil else {
            throw ValidationError(
                "--public-key goes with RS256, ES256 and EdDSA, --secret-file with HS256, and only with them."
            )
        }
        guard JWK.isKID(kid) else { throw ValidationError("--kid has 1 to 128 visible characters and no spaces.") }
    }

    func run() async throws {
        try await OperatorSession<Definition>.run(options.settings) { operating in
            guard let algorithm = VerificationKey.Algorithm(rawValue: algorithm) else { return }
            let (code, kid, acceptsExisting) = (options.campus, kid, ifMissing)
            let material = try material()
            let campus = try await operating.pool.transaction { try operating.campus(code, in: $0) }
            let key = try await VerificationKey(
                kid: kid,
                campus: campus.id,
                algorithm: algorithm,
                material: material,
                revokedAt: nil
            )
            let isNew = try await operating.pool.transaction { session in
                if acceptsExisting, try CredentialStore().verificationKey(kid, of: campus.id, in: session) != nil {
                    return false
                }
                _ = try operating.administration(of: campus).addKey(key, material: material, in: session)
                return true
            }
            guard isNew else { return Terminal.say("verification key \(kid) exists already") }
            Terminal.say("verification key \(kid) for \(code), \(algorithm.rawValue)")
            if algorithm == .hs256, secretFile == nil { Terminal.answer(material) }
        }
    }

    private func material() throws -> String {
        if let file = publicKey { return try TextFile(file).text }
        if let file = secretFile { return try TextFile(file).text.filter { !$0.isWhitespace } }
        return VerificationKey.newSecret()
    }
}

/// Adds keys of a JSON Web Key Set: those of a file at once, those of an address as they are published.
struct ImportJWKSCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "import-jwks",
            abstract: "Add the keys of a JWKS: of a file once, or of an https address as they change.",
            discussion: """
                Of a file all keys that are for verifying signatures are added, or none, and every fault of every key is named. A running \
                OrderService fetches an address within seconds and then as often as its provider says; keys that are published no more end, \
                and while it cannot be reached the last ones hold. list shows how that goes.
                """
        )
    }

    @OptionGroup var options: CampusOptions

    @Option(help: "A file with the set.")
    var file: String?

    @Option(help: "Where the set is published.")
    var url: String?

    @Flag(help: "Let the address lie on this machine, also without TLS: for development only.")
    var allowLoopback = false

    func validate() throws {
        guard (file == nil) != (url == nil) else { throw ValidationError("Give --file or --url.") }
        guard let url else { return }
        do {
            _ = try PublicURL(url, allowsLoopback: allowLoopback)
        } catch {
            throw ValidationError("--url \(error.detail).")
        }
    }

    func run() async throws {
        if let url {
            let set = try await OperatorSession<Definition>.administer(options) { try $0.addKeySet(url, in: $1) }
            Terminal.say("key set for \(options.campus), fetched by the running OrderService:")
            return Terminal.answer(set.set.id.description)
        }
        guard let file else { return }
        let document: JSON
        do {
            document = try JSON(parsing: try TextFile(file).text)
        } catch let error as JSONSyntaxError {
            throw CommandFailure("\(file) is not JSON: \(error.description).")
        }
        let added = try await OperatorSession<Definition>.administer(options) { try $0.importKeys(document, in: $1) }
        for added in added { Terminal.answer("\(added.key.kid)  \(added.key.algorithm)") }
    }
}

/// Lists the verification keys of a campus and its key sets.
struct ListVerificationKeysCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(commandName: "list", abstract: "List the verification keys of a campus and its key sets.")
    }

    @OptionGroup var options: CampusOptions

    func run() async throws {
        let (added, sets, keys) = try await OperatorSession<Definition>.administer(options) { administration, session in
            let (campus, store) = (administration.campus, KeySetStore())
            let sets = try store.sets(of: campus, after: nil, limit: 10_000, in: session)
            return (
                try CredentialStore().verificationKeys(of: campus, limit: 10_000, in: session), sets,
                try store.keys(of: sets.map(\.id), in: campus, session: session)
            )
        }
        var table = TextTable(["KID", "ALGORITHM", "STATE", "FROM"])
        for (key, createdAt) in added {
            let state = key.revokedAt.map { "revoked \($0)" } ?? "holds"
            table.add([key.kid, key.algorithm, state, "added \(createdAt)"])
        }
        for set in sets {
            for key in keys[set.id] ?? [] { table.add([key.kid, key.algorithm, "holds", "\(set.id)"]) }
        }
        for line in table.lines { Terminal.answer(line) }
        for set in sets {
            let state =
                set.revokedAt.map { "revoked \($0)" } ?? set.fetchedAt.map { "fetched \($0)" } ?? "not fetched"
            Terminal.answer("\(set.id)  \(set.url)  \(state)\(set.fault.map { "; last attempt: \($0)" } ?? "")")
        }
    }
}

/// Ends a verification key.
struct RevokeVerificationKeyCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "revoke",
            abstract: "End a verification key; its tokens hold for at most five seconds more."
        )
    }

    @OptionGroup var options: CampusOptions

    @Option(help: "Its name in token headers.")
    var kid: String

    func run() async throws {
        let kid = kid
        _ = try await OperatorSession<Definition>.administer(options) { try $0.revokeVerificationKey(kid, in: $1) }
        Terminal.say("verification key \(kid) is revoked")
    }
}

/// Ends a key set.
struct RevokeKeySetCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "revoke-jwks",
            abstract: "End a key set and all its keys; their tokens hold for at most five seconds more."
        )
    }

    @OptionGroup var options: CampusOptions

    @Option(help: "The id of the set, as list shows it.")
    var id: KeySetID

    func run() async throws {
        let id = id
        _ = try await OperatorSession<Definition>.administer(options) { try $0.revokeKeySet(id, in: $1) }
        Terminal.say("key set \(id) is revoked")
    }
}

/// A file that an option names.
struct TextFile {
    /// All of it.
    let text: String

    init(_ path: String) throws {
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw CommandFailure("The file \(path) cannot be read.")
        }
    }
}
