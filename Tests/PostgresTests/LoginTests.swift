import Postgres
import TestSupport
import Testing

@Suite("Logging in")
struct LoginTests {
    private func attempt(_ configuration: ConnectionConfiguration) async throws -> Bool {
        let limits = PoolConfiguration(size: 1, waitTimeout: .milliseconds(500), backoff: .seconds(5))
        let pool = ConnectionPool(configuration, pool: limits, logger: .silent)
        do {
            let isEncrypted: Bool = try await pool.autocommit { session in
                try session.one("select ssl from pg_stat_ssl where pid = pg_backend_pid()") { try $0[0] }
            }
            await pool.shutdown()
            return isEncrypted
        } catch {
            await pool.shutdown()
            throw error
        }
    }

    @Test("TLS with a private authority: accepted when it is the right one, refused when not, and without TLS no entry")
    func privateAuthority() async throws {
        let certificate = try await ServerCertificate.make()
        let stranger = try await ServerCertificate.make()
        defer {
            certificate.remove()
            stranger.remove()
        }
        try await TemporaryCluster.with(certificates: certificate) { cluster in
            var configuration = try cluster.configuration()
            configuration.extra = ["sslmode": "verify-full", "sslrootcert": certificate.authority]
            #expect(try await attempt(configuration))

            // What does not fit one record of TLS must arrive too.
            let pool = ConnectionPool(configuration, pool: PoolConfiguration(size: 1), logger: .silent)
            let text = String(repeating: "汉", count: 1_000_000)
            #expect(try await pool.autocommit { try $0.value("select \(text)", as: String.self) } == text)
            await pool.shutdown()

            configuration.extra["sslrootcert"] = stranger.authority
            await #expect(throws: PostgresError.self) { try await attempt(configuration) }
            configuration.extra = ["sslmode": "disable"]
            await #expect(throws: PostgresError.self) { try await attempt(configuration) }
        }
    }

    @Test("A certificate for another name is refused")
    func wrongName() async throws {
        let certificate = try await ServerCertificate.make()
        defer { certificate.remove() }
        try await TemporaryCluster.with(certificates: certificate) { cluster in
            var configuration = try cluster.configuration()
            configuration.extra = [
                "sslmode": "verify-full", "sslrootcert": certificate.authority, "host": "campus.example",
                "hostaddr": "127.0.0.1",
            ]
            await #expect(throws: PostgresError.self) { try await attempt(configuration) }
        }
    }

    @Test("A wrong password is refused, and the error quotes none")
    func wrongPassword() async throws {
        try await TemporaryCluster.with { cluster in
            #expect(try await !attempt(cluster.configuration()))
            let url = "postgresql://postgres:s3cret@127.0.0.1:\(cluster.port)/postgres"
            do {
                _ = try await attempt(ConnectionConfiguration(url: url))
                Issue.record("it was accepted")
            } catch let error as PostgresError {
                guard case .connectionFailed(let failure) = error else { throw error }
                #expect(failure.reason.contains("password authentication failed"))
                #expect(!"\(error)\(String(reflecting: error))".contains("s3cret"))
                #expect(error.retryAfter != nil)
            }
        }
    }

    @Test("Of several hosts the one that writes is found, past one that is down and one that only reads")
    func multipleHosts() async throws {
        try await TemporaryCluster.with { writer in
            try await TemporaryCluster.with(settings: ["default_transaction_read_only=on"]) { reader in
                var configuration = try ConnectionConfiguration(
                    url: "postgresql://127.0.0.1:1,127.0.0.1:\(reader.port),127.0.0.1:\(writer.port)/postgres"
                        + "?target_session_attrs=read-write"
                )
                // Both clusters are copies of one template, and so have one password.
                let credentials = try writer.password()
                configuration.extra = ["user": "postgres", "password": credentials]
                let pool = ConnectionPool(configuration, pool: PoolConfiguration(size: 1), logger: .silent)
                let port: String = try await pool.autocommit { try $0.one("show port") { try $0[0] } }
                #expect(port == "\(writer.port)")
                await pool.shutdown()
            }
        }
    }
}
