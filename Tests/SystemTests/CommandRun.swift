import Foundation
import TestSupport

/// A program that ran to its end.
struct CommandRun: Sendable {
    let status: Int32
    let output: String
    let errors: String

    /// Runs one of our executables.
    static func of(
        _ product: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        atMost timeout: Duration = .seconds(60)
    ) async throws -> CommandRun {
        let folder = FileManager.default.temporaryDirectory.appending(path: "campus-command-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let process = try ServiceProcess(product, arguments, environment: environment, logs: folder, name: product)
        guard let status = await process.waitForExit(atMost: timeout) else {
            process.signal(SIGKILL)
            throw NeverHappened(what: "\(product) \(arguments.joined(separator: " ")) ended")
        }
        return CommandRun(
            status: status,
            output: process.lines.joined(separator: "\n"),
            errors: process.complaints.joined(separator: "\n")
        )
    }
}
