import ArgumentParser
import FoundationEssentials
import Model
import Postgres

/// Sets up the keys that users' tokens are verified with.
struct VerificationKeyCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "verification-key",
            abstract: "Add and revoke the keys that users' tokens are verified with.",
            subcommands: [AddVerificationKeyCommand<Definition>.self, RevokeVerificationKeyCommand<Definition>.self]
        )
    }
}

/// Adds a public key, or makes a shared secret.
struct AddVerificationKeyCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "add",
            abstract: "Add a public key, or make a shared HS256 secret.",
            discussion: "With HS256 a new secret is made and printed, once, in base64url."
        )
    }

    @OptionGroup var options: SettingOptions

    @Option(help: "The code of the campus.")
    var campus: String

    @Option(help: "Its name in token headers, unique over all campuses.")
    var kid: String

    @Option(help: "HS256, RS256, ES256 or EdDSA.")
    var algorithm = "HS256"

    @Option(help: "A file with the PEM public key.")
    var publicKey: String?

    @Flag(help: "Succeed when a key of that name exists already; nothing is printed then.")
    var ifMissing = false

    func validate() throws {
        guard let algorithm = VerificationKey.Algorithm(rawValue: algorithm) else {
            throw ValidationError("--algorithm is HS256, RS256, ES256 or EdDSA.")
        }
        guard (algorithm == .hs256) == (publicKey == nil) else {
            throw ValidationError("--public-key goes with RS256, ES256 and EdDSA, and only with them.")
        }
        guard (1...128).contains(kid.utf8.count) else { throw ValidationError("--kid has 1 to 128 characters.") }
    }

    func run() async throws {
        try await OperatorSession<Definition>.run(options) { operating in
            guard let algorithm = VerificationKey.Algorithm(rawValue: algorithm) else { return }
            let material = try material()
            let (code, kid, acceptsExisting) = (campus, kid, ifMissing)
            let anyCampus = CampusID(high: 0, low: 0)
            _ = try await VerificationKey(
                kid: kid,
                campus: anyCampus,
                algorithm: algorithm,
                material: material,
                revokedAt: nil
            )
            let isNew = try await operating.pool.transaction { session in
                let campus = try operating.campus(code, in: session)
                if let existing = try CredentialStore().verificationKey(kid: kid, in: session) {
                    guard acceptsExisting, existing.campus == campus.id else {
                        throw CommandFailure("A key named \(kid) exists already.")
                    }
                    return false
                }
                let key = StoredVerificationKey(
                    kid: kid,
                    campus: campus.id,
                    algorithm: algorithm.rawValue,
                    material: material,
                    revokedAt: nil
                )
                try CredentialStore().insert(key, in: session)
                try CredentialStore().audit(
                    "verification_key.added",
                    subject: kid,
                    campus: campus.id,
                    actor: OperatorSession<Definition>.operatorActor,
                    detail: ["algorithm": .string(algorithm.rawValue)],
                    in: session
                )
                return true
            }
            guard isNew else { return Terminal.say("verification key \(kid) exists already") }
            Terminal.say("verification key \(kid) for \(code), \(algorithm.rawValue)")
            if algorithm == .hs256 { Terminal.answer(material) }
        }
    }

    private func material() throws -> String {
        guard let publicKey else {
            var generator = SystemRandomNumberGenerator()
            return Base64URL.encode((0..<32).map { _ in UInt8.random(in: 0...255, using: &generator) })
        }
        do {
            return try String(contentsOfFile: publicKey, encoding: .utf8)
        } catch {
            throw CommandFailure("The file \(publicKey) cannot be read.")
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

    @OptionGroup var options: SettingOptions

    @Option(help: "The code of the campus.")
    var campus: String

    @Option(help: "Its name in token headers.")
    var kid: String

    func run() async throws {
        try await OperatorSession<Definition>.run(options) { operating in
            let (code, kid) = (campus, kid)
            try await operating.pool.transaction { session in
                let campus = try operating.campus(code, in: session)
                guard try CredentialStore().revokeVerificationKey(kid: kid, of: campus.id, in: session) else {
                    throw CommandFailure("There is no such key that still holds.")
                }
                try CredentialStore().audit(
                    "verification_key.revoked",
                    subject: kid,
                    campus: campus.id,
                    actor: OperatorSession<Definition>.operatorActor,
                    in: session
                )
            }
            Terminal.say("verification key \(kid) is revoked")
        }
    }
}
