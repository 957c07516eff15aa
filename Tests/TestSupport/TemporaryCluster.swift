import Foundation
import Postgres

#if canImport(Darwin)
import Darwin
#elseif canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// A cluster of a test's own, for tests that stop it, crash it or want it set up otherwise.
public final class TemporaryCluster: Sendable {
    private let folder: String
    /// The port that it listens on at 127.0.0.1.
    public let port: Int

    private init(folder: String, port: Int) {
        self.folder = folder
        self.port = port
    }

    /// Starts a cluster for `body`, and destroys it afterwards.
    ///
    /// - Parameters:
    ///   - settings: server settings, `name=value`.
    ///   - certificates: what the server shows, when it is to speak TLS, and TLS only.
    ///   - isolation: where `body` runs.
    ///   - body: what to do with it.
    /// - Returns: what `body` returns.
    /// - Throws: what `body` throws; `CommandFailure` when the server does not start.
    public static func with<Value>(
        settings: [String] = [],
        certificates: ServerCertificate? = nil,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (TemporaryCluster) async throws -> Value
    ) async throws -> Value {
        let folder = ClusterFolder.make()
        let cluster = TemporaryCluster(folder: folder, port: try FreePort.take())
        do {
            var arguments = ["start", folder, "--template", ClusterFolder.template, "--port", "\(cluster.port)"]
            for setting in settings { arguments += ["--set", setting] }
            if let certificates { arguments += ["--tls", certificates.folder] }
            try await ClusterScript.run(arguments)
            let value = try await body(cluster)
            await cluster.destroy()
            return value
        } catch {
            await cluster.destroy()
            throw error
        }
    }

    /// The superuser's password; all clusters of a process have the same.
    ///
    /// - Throws: when it cannot be read.
    public func password() throws -> String {
        try String(contentsOfFile: "\(folder)/password", encoding: .utf8)
    }

    /// How the superuser connects by TCP, with the right password.
    ///
    /// - Throws: when the password cannot be read.
    public func url(database: String = "postgres") throws -> String {
        "postgresql://postgres:\(try password())@127.0.0.1:\(port)/\(database)"
    }

    /// How the superuser connects by TCP, with the right password.
    ///
    /// - Throws: when the password cannot be read.
    public func configuration(database: String = "postgres") throws -> ConnectionConfiguration {
        try ConnectionConfiguration(url: url(database: database))
    }

    /// Starts it again after it was stopped or crashed.
    ///
    /// - Throws: `CommandFailure`.
    public func start() async throws { try await ClusterScript.run(["restart", folder]) }

    /// Stops it, ending its sessions first.
    ///
    /// - Throws: `CommandFailure`.
    public func stop() async throws { try await ClusterScript.run(["stop", folder]) }

    /// Stops it at once, as a crash would.
    ///
    /// - Throws: `CommandFailure`.
    public func stopImmediately() async throws { try await ClusterScript.run(["kill", folder]) }

    private func destroy() async {
        _ = try? await ClusterScript.run(["destroy", folder])
        ClusterFolder.forget(folder)
    }
}
