import Foundation

/// A program run to its end.
enum Command {
    /// Runs the program and returns what it printed; throws when it exits with anything but 0.
    static func run(
        _ program: String,
        _ arguments: [String],
        environment: [String: String] = [:]
    ) async throws -> String {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [program] + arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        try process.runWithSignals()
        let reading = Task.detached { output.fileHandleForReading.readDataToEndOfFile() }
        let text = String(decoding: await reading.value, as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw CommandFailure(program: program, status: process.terminationStatus, output: text)
        }
        return text
    }
}

/// A program that failed.
struct CommandFailure: Error, CustomStringConvertible {
    let program: String
    let status: Int32
    let output: String

    var description: String { "\(program) exited with \(status): \(output.suffix(400))" }
}
