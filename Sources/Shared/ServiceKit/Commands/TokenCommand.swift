import ArgumentParser
import Model
import Postgres

/// Signs a user's token, for development.
struct TokenCommand<Definition: ServiceDefinition>: AsyncParsableCommand {
    static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: "token",
            abstract: "Sign a user's token with the newest HS256 key of a campus, for development."
        )
    }

    @OptionGroup var options: CampusOptions

    @Option(help: "customer, merchant, rider, agent, supervisor or admin.")
    var role: String

    @Option(help: "The user's id, for example stu_1.")
    var subject: String

    @Option(help: "The shop of a merchant's user.")
    var merchantID: String?

    @Option(help: "For how many hours it holds.")
    var hours = 12

    func validate() throws {
        guard let role = Role(rawValue: role), UnverifiedToken.roles.contains(role) else {
            throw ValidationError("--role is customer, merchant, rider, agent, supervisor or admin.")
        }
        guard Actor.isValidID(subject) else { throw ValidationError("--subject has 1 to 64 visible characters.") }
        guard (role == .merchant) == (merchantID != nil), merchantID.map(Actor.isValidID) ?? true else {
            throw ValidationError("--merchant-id goes with the role merchant, and only with it.")
        }
        guard (1...8_760).contains(hours) else { throw ValidationError("--hours is 1 to 8760.") }
    }

    func run() async throws {
        try await OperatorSession<Definition>.run(options.settings) { operating in
            let code = options.campus
            let (campus, key) = try await operating.pool.transaction { session in
                let campus = try operating.campus(code, in: session)
                return (campus, try CredentialStore().signingKey(of: campus.id, in: session))
            }
            guard let key else {
                throw CommandFailure(
                    "The campus has no HS256 key. Add one with: verification-key add --campus \(code) --kid …"
                )
            }
            let signer = try await VerificationKey(
                kid: key.kid,
                campus: campus.id,
                algorithm: .hs256,
                material: key.material,
                revokedAt: nil
            )
            var claims: JSONObject = [
                "sub": .string(subject), "role": .string(role), "campus": .string(campus.code),
                "exp": .integer(SystemWallClock().now().seconds + Int64(hours) * 3_600),
            ]
            if let merchantID { claims["merchant_id"] = .string(merchantID) }
            Terminal.answer(try SignedToken(claims: claims, key: signer).text)
        }
    }
}

/// A token signed with an HS256 key.
struct SignedToken {
    /// The JWS Compact Serialization.
    let text: String

    init(claims: JSONObject, key: VerificationKey) throws {
        let header: JSON = ["alg": .string(key.algorithm.rawValue), "typ": "JWT", "kid": .string(key.kid)]
        let signed = [header, .object(claims)].map { Base64URL.encode($0.serialized()) }.joined(separator: ".")
        text = signed + "." + Base64URL.encode(try key.sign(Array(signed.utf8)))
    }
}
