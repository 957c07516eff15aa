import Foundation

/// Postgres's own load generator, as the limit to measure against.
struct Pgbench {
    let database: ClusterAddress

    /// Transactions a second of the script, prepared, at so many connections.
    func rate(script: String, clients: Int, seconds: Int) async throws -> Double {
        let file = FileManager.default.temporaryDirectory.appending(path: "bench-\(UUID().uuidString).sql")
        try Data(script.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let output = try await Command.run(
            "pgbench",
            [
                "--no-vacuum", "--protocol=prepared", "--client=\(clients)", "--jobs=2", "--time=\(seconds)",
                "--file=\(file.path)", database.url,
            ]
        )
        for line in output.split(separator: "\n") where line.hasPrefix("tps = ") {
            if let rate = Double(line.dropFirst(6).prefix { $0 != " " }) { return rate }
        }
        throw CommandFailure(program: "pgbench", status: 0, output: output)
    }
}
