import Foundation

/// `deploy/local-cluster.sh`, which makes, starts and stops private clusters.
enum ClusterScript {
    private static let path = Repository.root.appending(path: "deploy/local-cluster.sh").path

    /// Runs a command of the script.
    ///
    /// - Returns: what it printed.
    /// - Throws: `CommandFailure` when it fails.
    @discardableResult
    static func run(_ arguments: [String]) async throws -> String {
        try await Command.run(path, arguments)
    }

    /// Runs a command of the script and waits for it on this thread; for the end of the process only.
    static func runBlocking(_ arguments: String...) {
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = arguments
        guard (try? process.run()) != nil else { return }
        process.waitUntilExit()
    }
}

/// A program that ended with an error.
public struct CommandFailure: Error, CustomStringConvertible {
    /// The program and its arguments.
    public let command: String
    /// What it printed, errors included.
    public let output: String

    /// The command and what it printed.
    public var description: String { "\(command): \(output)" }
}

/// Runs programs.
public enum Command {
    /// Runs a program to its end.
    ///
    /// - Parameters:
    ///   - path: the program's full path, or its name when `PATH` has it.
    ///   - arguments: its arguments.
    /// - Returns: what it printed.
    /// - Throws: `CommandFailure` when it fails.
    @discardableResult
    public static func run(_ path: String, _ arguments: [String]) async throws -> String {
        let process = Process()
        process.executableURL = URL(filePath: path.contains("/") ? path : "/usr/bin/env")
        process.arguments = path.contains("/") ? arguments : [path] + arguments
        // A file, not a pipe: a pipe that nobody reads while the program runs may fill up.
        let output = FileManager.default.temporaryDirectory.appending(path: "campus-command-\(UUID().uuidString)")
        _ = FileManager.default.createFile(atPath: output.path, contents: nil)
        let handle = try FileHandle(forWritingTo: output)
        process.standardOutput = handle
        process.standardError = handle
        process.standardInput = FileHandle.nullDevice
        defer {
            try? handle.close()
            try? FileManager.default.removeItem(at: output)
        }
        let status = try await withCheckedThrowingContinuation { continuation in
            process.terminationHandler = { continuation.resume(returning: $0.terminationStatus) }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                continuation.resume(throwing: error)
            }
        }
        let text = (try? String(contentsOf: output, encoding: .utf8)) ?? ""
        let trimmed = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard status == 0 else {
            throw CommandFailure(command: ([path] + arguments).joined(separator: " "), output: trimmed)
        }
        return trimmed
    }
}
