import ArgumentParser
import Crypto
import CryptoExtras
import FoundationEssentials
import Model
import Postgres
import TestSupport
import Testing

@testable import ServiceKit

@Suite("Commands that administer campuses", .timeLimit(.minutes(2)))
struct AdministrationCommandTests {
    /// Runs a command on that database as the login that migrates.
    private func run<Command: AsyncParsableCommand>(
        _ command: Command.Type,
        _ arguments: [String],
        on database: TestDatabase
    ) async throws {
        let url = database.url(as: .migrator)
        var command = try Command.parse(["--set", "MIGRATION_DATABASE_URL=\(url)"] + arguments)
        try await command.run()
    }

    private func texts(_ sql: SQL, _ database: TestDatabase) async throws -> [String] {
        try await database.pool().autocommit { session in try session.query(sql) { try $0[0] } }
    }

    /// A file for the time of `body`.
    private func withFile(_ text: String, _ body: (String) async throws -> Void) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "campus-\(UUID().uuidString)").path
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await body(path)
    }

    @Test("Settings are replaced as a whole, and refused with every fault named")
    func settings() async throws {
        try await withDatabase { database in
            try await run(
                CreateCampusCommand<Probe>.self,
                ["--code", "north", "--name", "North", "--settings", #"{"offer_s": 60}"#],
                on: database
            )
            try await withFile(#"{"payment_deadline_s": 120, "calendar": {"days_off": ["2026-10-01"]}}"#) { path in
                try await run(
                    SetSettingsCommand<Probe>.self,
                    ["--campus", "north", "--settings", "@\(path)", "--timezone", "Asia/Urumqi"],
                    on: database
                )
            }
            let stored = try #require(
                try await database.pool().autocommit { try CampusStore().campus(code: "north", in: $0) }
            )
            #expect(stored.timezone == "Asia/Urumqi")
            #expect(stored.name == "North")
            #expect(stored.version == 2)
            let settings = try CampusSettings(json: stored.settings)
            #expect(settings.paymentDeadline == .seconds(120))
            #expect(settings.offer == CampusSettings().offer)

            try await run(ListCampusesCommand<Probe>.self, [], on: database)
            try await run(ShowCampusCommand<Probe>.self, ["--campus", "north"], on: database)
            try await run(GetSettingsCommand<Probe>.self, ["--campus", "north"], on: database)

            let wrong =
                #"{"surprise": 1, "offer_s": 0, "calendar": {"terms": [{"from": "2026-07-01", "to": "2026-02-01"}]}}"#
            let shape = await #expect(throws: (any Error).self) {
                try await run(SetSettingsCommand<Probe>.self, ["--campus", "north", "--settings", wrong], on: database)
            }
            for pointer in ["/settings/surprise", "/settings/offer_s"] {
                #expect("\(shape ?? NotThrown())".contains(pointer))
            }
            let backwards = #"{"calendar": {"terms": [{"from": "2026-07-01", "to": "2026-02-01"}]}}"#
            let meaning = await #expect(throws: (any Error).self) {
                try await run(
                    SetSettingsCommand<Probe>.self,
                    ["--campus", "north", "--settings", backwards, "--timezone", "Mars/Olympus"],
                    on: database
                )
            }
            for pointer in ["/settings/calendar/terms/0", "/timezone"] {
                #expect("\(meaning ?? NotThrown())".contains(pointer))
            }
            #expect(
                try await texts("select action from campus.audit_entry order by at", database) == [
                    "campus.created", "campus.changed",
                ]
            )
        }
    }

    private struct NotThrown: Error {}

    @Test(
        "A campus is created with its code, name, timezone and settings checked, all faults at once, and once for each code"
    )
    func creation() async throws {
        try await withDatabase { database in
            let create = CreateCampusCommand<Probe>.self
            let wrong = [
                "--code", "North", "--name", " ", "--timezone", "Mars/Olympus", "--settings", #"{"offer_s": 0}"#,
            ]
            let faults = await #expect(throws: (any Error).self) { try await run(create, wrong, on: database) }
            for pointer in ["/code", "/name", "/timezone", "/settings/offer_s"] {
                #expect("\(faults ?? NotThrown())".contains("- \(pointer) "))
            }
            let north = ["--code", "north", "--name", "North", "--test"]
            try await run(create, north, on: database)
            try await run(create, north + ["--if-missing"], on: database)
            let taken = await #expect(throws: (any Error).self) { try await run(create, north, on: database) }
            #expect("\(taken ?? NotThrown())".contains("There is a campus with this code."))
            let stored = try await texts(
                "select c.code || ' ' || c.name from campus.campus c join campus.campus_clock k on k.campus_id = c.id",
                database
            )
            #expect(stored == ["north North"])
            let noted = try await texts(
                "select split_part(actor, ':', 2) || ' ' || action || ' ' || subject from campus.audit_entry",
                database
            )
            #expect(noted == ["cli campus.created north"])
        }
    }

    @Test(
        "The audit is listed the newest first, since a time, as many as asked for, and with the acts in users' names apart"
    )
    func audit() async throws {
        try await withDatabase { database in
            for code in ["north", "south"] {
                try await run(CreateCampusCommand<Probe>.self, ["--code", code, "--name", code], on: database)
            }
            let campus = ["--campus", "north"]
            let before = SystemWallClock().now()
            for name in ["till", "desk"] {
                try await run(IssueKeyCommand<Probe>.self, campus + ["--name", name], on: database)
            }
            let id = try await database.pool().transaction { session in
                let id = try #require(try CampusStore().campus(code: "north", in: session)).id
                try AuditStore().note(
                    "request.on_behalf",
                    subject: "/v1/orders",
                    campus: id,
                    actor: Actor(role: .customer, id: "stu_1"),
                    detail: ["key_id": "k-1"],
                    in: session
                )
                return id
            }
            func listed(_ arguments: [String]) async throws -> [AuditEntry] {
                let command = try ListAuditCommand<Probe>.parse(campus + arguments)
                return try await database.pool().autocommit { session in try command.query.entries(of: id, in: session)
                }
            }
            let all = try await listed([])
            #expect(all.map(\.action) == ["key.issued", "key.issued", "campus.created"])
            #expect(all[0].detail["after"]?["name"] == "desk")
            #expect(try await listed(["--limit", "1"]).map(\.id) == [all[0].id])
            #expect(try await listed(["--since", before.rfc3339]).map(\.id) == all.prefix(2).map(\.id))
            let onBehalf = try await listed(["--on-behalf"])
            let lines = AuditQuery.table(onBehalf).lines.map { $0.split(separator: " ").map(String.init) }
            #expect(lines[0] == ["AT", "ACTOR", "ACTION", "SUBJECT", "KEY"])
            #expect(lines[1].dropFirst() == ["customer:stu_1", "request.on_behalf", "/v1/orders", "k-1"])
            #expect(lines.count == 2)
            for more in [[], ["--json"], ["--on-behalf"], ["--since", "2090-01-01T00:00:00Z"]] {
                try await run(ListAuditCommand<Probe>.self, campus + more, on: database)
            }
            for wrong in [["--limit", "0"], ["--since", "yesterday"]] {
                #expect(throws: (any Error).self) { try ListAuditCommand<Probe>.parse(campus + wrong) }
            }
            await #expect(throws: (any Error).self) {
                try await run(ListAuditCommand<Probe>.self, ["--campus", "west"], on: database)
            }
        }
    }

    @Test(
        "A key is issued for everything but to administer unless that is asked for by name; each act is noted without secrets"
    )
    func keys() async throws {
        try await withDatabase { database in
            try await run(CreateCampusCommand<Probe>.self, ["--code", "north", "--name", "North"], on: database)
            let campus = ["--campus", "north"]
            try await run(IssueKeyCommand<Probe>.self, campus + ["--name", "usual"], on: database)
            try await run(
                IssueKeyCommand<Probe>.self,
                campus + ["--name", "own", "--scope", "campus:admin", "--days", "30"],
                on: database
            )
            let scopes = try await texts(
                "select array_to_string(scopes, ' ') from campus.platform_key order by created_at",
                database
            )
            #expect(scopes == [Scope.usual.map(\.rawValue).sorted().joined(separator: " "), "campus:admin"])
            #expect(!scopes[0].contains("campus:admin") && !scopes[0].contains("campuses:create"))
            try await run(
                IssueKeyCommand<Probe>.self,
                ["--campus", "north", "--name", "maker", "--scope", "campuses:create"],
                on: database
            )
            let ids = try await texts("select id::text from campus.platform_key order by created_at", database)
            try await run(
                RotateKeyCommand<Probe>.self,
                campus + ["--id", ids[1], "--overlap-hours", "2"],
                on: database
            )
            let lifetimes = try await texts(
                """
                select round(extract(epoch from expires_at - created_at) / 3600)::text
                from campus.platform_key where name = 'own' order by created_at
                """,
                database
            )
            #expect(lifetimes == ["2", "720"])
            try await run(RevokeKeyCommand<Probe>.self, campus + ["--id", ids[0]], on: database)
            try await run(ListKeysCommand<Probe>.self, campus, on: database)
            await #expect(throws: (any Error).self) {
                try await run(RevokeKeyCommand<Probe>.self, campus + ["--id", ids[0]], on: database)
            }
            let acts = try await texts(
                "select action || ' ' || split_part(actor, ':', 2) from campus.audit_entry where action like 'key.%' order by at",
                database
            )
            #expect(
                acts == ["key.issued cli", "key.issued cli", "key.issued cli", "key.rotated cli", "key.revoked cli"]
            )
            #expect(
                try await texts("select id::text from campus.audit_entry where detail::text like '%secret%'", database)
                    .isEmpty
            )
        }
    }

    @Test("Verification keys come from PEM, from a secret and from a set's file; each is pinned to its algorithm")
    func verificationKeys() async throws {
        try await withDatabase { database in
            try await run(CreateCampusCommand<Probe>.self, ["--code", "north", "--name", "North"], on: database)
            let campus = ["--campus", "north"]
            let add = AddVerificationKeyCommand<Probe>.self
            try await run(add, campus + ["--kid", "made"], on: database)
            try await withFile(VerificationKey.newSecret() + "\n") { path in
                try await run(add, campus + ["--kid", "given", "--secret-file", path], on: database)
            }
            let edward = Curve25519.Signing.PrivateKey().publicKey.pemRepresentation
            try await withFile(edward) { path in
                let key = ["--kid", "pem", "--algorithm", "EdDSA", "--public-key", path]
                try await run(add, campus + key, on: database)
                // A key is what it says it is.
                await #expect(throws: (any Error).self) {
                    try await run(
                        add,
                        campus + ["--kid", "x", "--algorithm", "ES256", "--public-key", path],
                        on: database
                    )
                }
                await #expect(throws: (any Error).self) { try await run(add, campus + key, on: database) }
                try await run(add, campus + key + ["--if-missing"], on: database)
            }
            let point = Array(P256.Signing.PrivateKey().publicKey.rawRepresentation)
            let jwks: JSON = [
                "keys": [
                    [
                        "kty": "EC", "crv": "P-256", "kid": "set", "x": .string(Base64URL.encode(point[..<32])),
                        "y": .string(Base64URL.encode(point[32...])),
                    ],
                    ["kty": "oct", "kid": "oct", "k": .string(VerificationKey.newSecret())],
                ]
            ]
            try await withFile(jwks.text) { path in
                try await run(ImportJWKSCommand<Probe>.self, campus + ["--file", path], on: database)
            }
            // One fault, and none of a set is added.
            let half = JSON.array([
                ["kty": "oct", "kid": "fresh", "k": .string(VerificationKey.newSecret())],
                ["kty": "oct", "kid": "short", "k": "AAAA"],
            ])
            try await withFile((["keys": half] as JSON).text) { path in
                let refusal = await #expect(throws: (any Error).self) {
                    try await run(ImportJWKSCommand<Probe>.self, campus + ["--file", path], on: database)
                }
                #expect("\(refusal ?? NotThrown())".contains("/keys/1/k"))
            }
            let url = "https://login.example.com/jwks.json"
            try await run(ImportJWKSCommand<Probe>.self, campus + ["--url", url], on: database)
            #expect(throws: (any Error).self) {
                try ImportJWKSCommand<Probe>.parse(campus + ["--url", "http://login.example.com/jwks.json"])
            }
            try await run(RevokeVerificationKeyCommand<Probe>.self, campus + ["--kid", "made"], on: database)
            try await run(ListVerificationKeysCommand<Probe>.self, campus, on: database)
            let keys = try await texts(
                """
                select kid || ' ' || algorithm || case when revoked_at is null then '' else ' revoked' end
                from campus.verification_key order by kid
                """,
                database
            )
            #expect(keys == ["given HS256", "made HS256 revoked", "oct HS256", "pem EdDSA", "set ES256"])
            #expect(try await texts("select url from campus.key_set", database) == [url])
            let noted = try await texts(
                "select action from campus.audit_entry where action like '%key%' order by at, id",
                database
            )
            #expect(noted.count == 7)
            let leaked: SQL = """
                select k.kid from campus.verification_key k join campus.audit_entry a on position(k.key in a.detail::text) > 0
                where k.algorithm = 'HS256'
                """
            #expect(try await texts(leaked, database).isEmpty)
        }
    }
}
