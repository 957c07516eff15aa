import Foundation

/// The HTTP load generator `wrk`, cheap enough to share two cores with what it measures.
struct Wrk {
    /// What a run found.
    struct Outcome {
        /// Answers a second.
        var rate: Double
        /// Answers that were not 2xx or 3xx, and failed connections.
        var errors: Int
    }

    /// Loads the address through so many connections, requests made by the Lua script.
    static func run(script: String, url: String, connections: Int, seconds: Int) async throws -> Outcome {
        let file = FileManager.default.temporaryDirectory.appending(path: "bench-\(UUID().uuidString).lua")
        try Data(script.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let output = try await Command.run(
            "wrk",
            [
                "--threads", "1", "--connections", "\(connections)", "--duration", "\(seconds)s", "--script", file.path,
                url,
            ]
        )
        var outcome = Outcome(rate: 0, errors: 0)
        for line in output.split(separator: "\n").map({ $0.trimmingCharacters(in: .whitespaces) }) {
            if line.hasPrefix("Requests/sec:") {
                outcome.rate = Double(line.dropFirst(13).trimmingCharacters(in: .whitespaces)) ?? 0
            } else if line.hasPrefix("Non-2xx or 3xx responses:") || line.hasPrefix("Socket errors:") {
                outcome.errors += line.split { !$0.isNumber }.compactMap { Int($0) }.reduce(0, +)
            }
        }
        return outcome
    }
}
