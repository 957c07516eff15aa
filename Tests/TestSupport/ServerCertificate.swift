import Foundation

/// A certificate for a server at 127.0.0.1 and `localhost`, signed by a private authority made for it alone.
public struct ServerCertificate: Sendable {
    /// Where `server.crt`, `server.key` and `ca.crt` are.
    let folder: String

    /// The authority's certificate, which a client that verifies is given.
    public var authority: String { "\(folder)/ca.crt" }

    /// Makes an authority and a certificate.
    ///
    /// - Returns: the certificate.
    /// - Throws: `CommandFailure` when openssl does.
    public static func make() async throws -> ServerCertificate {
        let folder = FileManager.default.temporaryDirectory.appending(path: "campus-tls-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        try await Command.run(
            "openssl",
            ["req", "-x509", "-days", "2", "-subj", "/CN=Test authority"] + curve
                + ["-keyout", "\(folder)/ca.key", "-out", "\(folder)/ca.crt"]
        )
        try await Command.run(
            "openssl",
            ["req", "-subj", "/CN=localhost"] + curve
                + ["-keyout", "\(folder)/server.key", "-out", "\(folder)/server.csr"]
        )
        try "subjectAltName=DNS:localhost,IP:127.0.0.1"
            .write(toFile: "\(folder)/server.ext", atomically: true, encoding: .utf8)
        try await Command.run(
            "openssl",
            [
                "x509", "-req", "-days", "2", "-in", "\(folder)/server.csr", "-CA", "\(folder)/ca.crt",
                "-CAkey", "\(folder)/ca.key", "-CAcreateserial", "-extfile", "\(folder)/server.ext",
                "-out", "\(folder)/server.crt",
            ]
        )
        return ServerCertificate(folder: folder)
    }

    /// Removes the files.
    public func remove() {
        try? FileManager.default.removeItem(atPath: folder)
    }
}
