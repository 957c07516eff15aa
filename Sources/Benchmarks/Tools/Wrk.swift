import Foundation

/// The HTTP load generator `wrk`, cheap enough to share two cores with what it measures.
struct Wrk {
    /// What a run found.
    struct Outcome {
        /// Answers that were not 2xx or 3xx, and connections that failed.
        var errors = 0
        /// How long it ran, from its start to its end.
        var elapsed: Duration
    }

    /// Loads the address through so many connections, requests made by the Lua script.
    static func run(script: String, url: String, connections: Int, seconds: Int) async throws -> Outcome {
        let file = FileManager.default.temporaryDirectory.appending(path: "bench-\(UUID().uuidString).lua")
        try Data(script.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let start = ContinuousClock.now
        let output = try await Command.run(
            "wrk",
            [
                "--threads", "1", "--connections", "\(connections)", "--duration", "\(seconds)s", "--script", file.path,
                url,
            ]
        )
        var outcome = Outcome(elapsed: ContinuousClock.now - start)
        for line in output.split(separator: "\n").map({ $0.trimmingCharacters(in: .whitespaces) }) {
            guard let colon = line.firstIndex(of: ":"),
                ["Non-2xx or 3xx responses", "Socket errors"].contains(line[..<colon])
            else { continue }
            outcome.errors += line[colon...].split { !$0.isNumber }.compactMap { Int($0) }.reduce(0, +)
        }
        return outcome
    }
}
