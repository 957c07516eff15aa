import Foundation

/// Postgres's own load generator, as the limit to measure against.
struct Pgbench {
    /// What a run found.
    struct Outcome {
        /// Transactions a second, the time to connect left out.
        var rate: Double
        /// Transactions committed.
        var transactions: Int
        /// How many connections there were.
        var clients: Int
        /// Processor time spent, by whom.
        var processor: String

        /// What the reader should know of the run.
        var note: String { "pgbench at \(clients) connections: \(processor)" }
    }

    let database: ClusterAddress

    /// Runs the script, prepared, at so many connections; throws when a transaction fails.
    func run(script: String, clients: Int, seconds: Int) async throws -> Outcome {
        let file = FileManager.default.temporaryDirectory.appending(path: "bench-\(UUID().uuidString).sql")
        try Data(script.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let before = ProcessorTime.now()
        let output = try await Command.run(
            "pgbench",
            [
                "--no-vacuum", "--protocol=prepared", "--client=\(clients)", "--jobs=2", "--time=\(seconds)",
                "--define=number=0", "--file=\(file.path)", database.url,
            ]
        )
        let processor = ProcessorTime.now().since(before)
        guard let rate = Self.figure(after: "tps = ", in: output),
            let transactions = Self.figure(after: "number of transactions actually processed: ", in: output)
        else { throw CommandFailure(program: "pgbench", status: 0, output: output) }
        return Outcome(rate: rate, transactions: Int(transactions), clients: clients, processor: processor)
    }

    private static func figure(after label: String, in output: String) -> Double? {
        output.split(separator: "\n").first { $0.hasPrefix(label) }
            .flatMap { Double($0.dropFirst(label.count).prefix { $0.isNumber || $0 == "." }) }
    }
}
